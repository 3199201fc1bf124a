"""Two load runs: what changed is told, noise is not."""

import random
from collections import Counter
from dataclasses import replace

import pytest

from harness.compare import compare
from harness.compare_load import shifts
from harness.load_lines import LoadLine, MeasureLine, Stretch
from tests.harness.render.sample import report_of

_PLAN = "steady 30 s at 100/s"


def ran(seed: int, *, mean: float = 5.0, failing: float = 0.0, plan: str = _PLAN, stretches: int = 30) -> LoadLine:
    """A run of exponential times in 30 stretches of 40 requests, each stretch a little slower or faster as a whole."""
    chance = random.Random(seed)
    made = []
    for number in range(stretches):
        pace = chance.uniform(0.8, 1.2)
        times = Counter(round(chance.expovariate(1 / mean) * pace, 2) for _ in range(40))
        failed = sum(chance.random() < failing for _ in range(40))
        made.append(Stretch(number, 1.0, True, 40 + failed, failed, tuple(sorted(times.items()))))
    measure = MeasureLine("validateSession", "", {}, {}, (None,) * 3, (), (), (), tuple(made))
    accounts = dict.fromkeys(("scheduled", "ok", "failed", "dropped", "censored"), 0)
    return LoadLine(plan, 30.0, 1, accounts, {}, {}, {}, (), (measure,))


def changed(one: LoadLine, other: LoadLine) -> set[str]:
    return {each.statistic for each in shifts(one, other) if each.more_than_noise}


def test_noise_is_no_change() -> None:
    """Of 12 pairs of equal runs at most 2, where less than one is to be expected."""
    assert sum(bool(changed(ran(seed), ran(seed + 500))) for seed in range(12)) <= 2


@pytest.mark.parametrize("plan", [_PLAN, "another"])
def test_a_slower_run_is_told(plan: str) -> None:
    assert changed(ran(1), ran(2, mean=8.0, plan=plan)) == {"avg", "p(95)"}
    (first, *_) = shifts(ran(1), ran(2, mean=8.0))
    assert first.after > first.before
    assert str(first).startswith("more ")


def test_more_failures_are_told() -> None:
    assert changed(ran(1), ran(2, failing=0.1)) == {"failed"}


def test_too_short_runs_are_not_compared() -> None:
    assert shifts(ran(1, stretches=5), ran(2)) == ()
    assert shifts(None, ran(2)) == ()


def test_a_comparison_of_reports_tells_it() -> None:
    before, after = (replace(report_of([]), load=each) for each in (ran(1), ran(2, mean=9.0)))
    comparison = compare(before, after)
    text = "\n".join(comparison.lines())
    assert "Under load: 2 of 2 figures changed by more than noise" in text
    assert "more   validateSession avg" in text
    assert '"more_than_noise": true' in comparison.to_json()
    assert not comparison.worse
