from pathlib import Path

import pytest

from contracts.catalogue import claims, uncovered
from harness.thresholds import Statistic, read_threshold
from load.dry_run import contradictions, needs, plan_lines
from load.pages.page_loads import PageLoadOptions
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.budgets import Budget, BudgetError, read_budgets
from load.plan.measures import MIX
from tests.load.judge.simulation import budget

GOOD = '[[budget]]\nname = "a"\nstatement = "A."\nover = ["*"]\nmetric = "latency"\nthreshold = "p(95)<10"\n'


@pytest.mark.parametrize("text", ["p(95)<10", "p(99.9)<=10.5", "avg<=8", "rate>=0.9999999", "count<1000000", "p(50)>2"])
def test_a_threshold_reads_as_it_is_written(text: str) -> None:
    assert str(read_threshold(text)) == text


def test_the_median_is_a_percentile() -> None:
    assert read_threshold(" med < 5 ".replace(" <", "<").replace("< ", "<").strip()).quantile == 0.5


@pytest.mark.parametrize(
    "text", ["", "p95<10", "p(100)<1", "p(0)<1", "avg<", "rate>=99.9", "max<5", "avg<-1", "avg<8 ms"]
)
def test_what_is_no_threshold_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"threshold|percentile|share"):
        read_threshold(text)


def test_limits_are_strict_or_not() -> None:
    assert not read_threshold("avg<8").admits(8)
    assert read_threshold("avg<=8").admits(8)
    assert read_threshold("rate>=0.9").admits(0.9)
    assert not read_threshold("rate>0.9").admits(0.9)
    assert read_threshold("count<1").statistic is Statistic.COUNT


def test_the_standard_budgets_settle_every_claim_that_needs_load() -> None:
    settled = {claim for each in read_budgets() for claim in each.claims}
    asked = {name for name, each in uncovered().items() if "run crossapp load" in each.remedy}
    assert settled == asked
    assert settled <= {each.id for each in claims()}


def test_the_standard_budgets_quote_the_contract_page() -> None:
    page = " ".join((Path(__file__).parents[3] / "docs/contract/2025-07.md").read_text("utf-8").split())
    for each in read_budgets():
        assert each.quote, each.name
        assert each.quote in page, each.name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("name", "nome"), "budget[0].nome: unknown; did you mean 'name'?"),
        (('"a"', '"A b"'), "budget[0].name: 'A b' must be lower-case"),
        (('"latency"', '"speed"'), "budget[0].metric: 'speed' is none of latency"),
        (('"p(95)<10"', '"rate<0.1"'), "of latency only avg or p can be bounded, not rate"),
        (('"p(95)<10"', '"p95"'), "budget[0].threshold: 'p95' is no threshold"),
        (('["*"]', '["generatSession"]'), "did you mean 'generateSession'?"),
        (('["*"]', "[]"), "budget[0].over: missing"),
        (('["*"]', '"*"'), "budget[0].over: must be a list of texts"),
        (("[[budget]]", "confidence = 2\n[[budget]]"), "confidence: must be between 0.5 and 1"),
        (("[[budget]]", "colour = 2\n[[budget]]"), "colour: unknown"),
        ((GOOD, ""), "no [[budget]]"),
        ((GOOD, GOOD * 2), "budget a is there twice"),
        ((GOOD, "budget"), "not readable as TOML"),
        ((GOOD, "budget = [1]"), "budget[0]: must be a table"),
    ],
)
def test_bad_budgets_are_named(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    file = tmp_path / "budgets.toml"
    file.write_text(GOOD.replace(*change, 1))
    with pytest.raises(BudgetError) as found:
        read_budgets(file)
    assert words in str(found.value)
    assert str(file) in str(found.value)


def named(name: str, metric: str, threshold: str, over: str = "validateSession") -> Budget:
    from dataclasses import replace

    return replace(budget(metric, threshold, over=(over,)), name=name)


def test_budgets_that_contradict_each_other_are_named() -> None:
    strict, loose = named("strict", "latency", "p(95)<10"), named("floor", "latency", "p(95)>20")
    assert contradictions([strict, loose]) == ["load.strict (p(95)<10) and load.floor (p(95)>20) contradict each other"]
    assert contradictions([strict, named("other", "latency", "p(95)>20", "generateSession")]) == []
    assert contradictions([strict, named("median", "latency", "med<12")]) == [
        "load.median (p(50)<12) is implied by load.strict (p(95)<10)"
    ]
    assert contradictions(read_budgets()) == []


def test_the_plan_says_what_each_budget_needs() -> None:
    schedule = Schedule(steady(100, 60, 3), ArrivalModel.POISSON, 0, MIX)
    by_name = {each.budget.name: each for each in needs(read_budgets(), schedule, 500)}
    generation = by_name["generation_succeeds"]
    assert (generation.least, generation.reachable) == (2995, False)
    assert generation.minutes == pytest.approx(2995 / 32 / 60)
    assert by_name["generation_takes_less_than_10_ms"].reachable
    assert by_name["simultaneous_requests_are_handled"].planned == 500
    text = "\n".join(plan_lines(read_budgets(), schedule, 500, PageLoadOptions(60.0)))
    assert "needs 998 (6673), loads about 120: TOO FEW; at this rate 8 min (56 min)" in text
    assert "needs 2995 (20053), sends 1920: TOO FEW; at this rate 2 min" in text
