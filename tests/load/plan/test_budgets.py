from pathlib import Path

import pytest

from contracts.catalogue import claims, uncovered
from harness.thresholds import Statistic, read_threshold
from load.dry_run import contradictions, plan_lines
from load.judge.needs import duration, needs_of_pages, needs_of_requests, within
from load.judge.sequential import ONLY_AT_THE_END, Looks
from load.pages.page_loads import PageLoadOptions
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.budgets import Budget, BudgetError, read_budgets
from load.plan.flows import _lost, most_flows
from load.plan.measures import MIX
from load.plan.settings import RunSettings
from load.run import LoadOptions
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
        (('"p(95)<10"', '"rate<0.1"'), "a budget of latency bounds avg or p, not rate"),
        (('"p(95)<10"', '"p95"'), "budget[0].threshold: 'p95' is not a threshold"),
        (('["*"]', '["generatSession"]'), "did you mean 'generateSession'?"),
        (('["*"]', "[]"), "budget[0].over: missing"),
        (('["*"]', '"*"'), "budget[0].over: must be a list of texts"),
        (("[[budget]]", "confidence = 2\n[[budget]]"), "confidence: must be between 0.5 and 1"),
        (("[[budget]]", "colour = 2\n[[budget]]"), "colour: unknown"),
        ((GOOD, ""), "no [[budget]]"),
        ((GOOD, GOOD * 2), "two budgets are named a"),
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


def _options(looks: Looks, pages: float) -> LoadOptions:
    schedule = Schedule(steady(50, 360, 3), ArrivalModel.POISSON, 0, MIX)
    loads = PageLoadOptions(pages, looks=looks)
    return LoadOptions(RunSettings(schedule), read_budgets(), looks=looks, pages=loads, within=360.0)


def test_the_default_run_decides_all_rates_of_requests_at_about_the_same_time() -> None:
    """ln(0.03) / ln(0.999) = 3,504.8 generations, of 23 a second: 37 % of 50, and the first calls of 9 % flows."""
    schedule = _options(Looks(), 0.0).run.schedule
    needs = {each.budget.name: each for each in needs_of_requests(read_budgets(), schedule, 500, 0.6)}
    generation = needs["generation_succeeds"]
    assert generation.least == 3505
    assert generation.rate == pytest.approx(23.0)
    assert needs["simultaneous_requests_are_handled"].seconds == 0.0
    met, beyond = within(tuple(needs.values()), 180.0)
    assert (len(met), beyond) == (13, {})
    rates = ("generation_succeeds", "validation_succeeds", "flow_completes", "webhook_failures_are_rare")
    assert [needs[each].seconds for each in rates] == pytest.approx([160.0] * 4, rel=0.05)


def test_what_takes_too_long_is_named_with_what_it_would_need() -> None:
    pages = needs_of_pages(read_budgets(), 1.5, 0.6)
    met, beyond = within(pages, 190.0)
    assert len(met) == 3
    assert beyond == {"load.widget_loading_errors_are_rare": "1,168 page loads, 14 min at 1.5 per second"}
    assert set(within(needs_of_pages(read_budgets(), 0.0), 1e9)[1].values()) == {
        f"{count} page loads, of which none are sent" for count in ("59", "100", "998")
    }


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (45, "45 s"), (163, "2 min 45 s"), (120, "2 min"), (817, "14 min"), (9e3, "2 h")],
)
def test_durations_read_well(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_the_plan_says_what_each_budget_needs_and_how_long_the_run_takes() -> None:
    text = "\n".join(plan_lines(_options(Looks(), 360.0), 2.0))
    assert "requests: 50 per second for about 2 min 45 s" in text
    assert "in all about 4 min 30 s, at most 6 min" in text
    assert "3,505 requests, 2 min 40 s at 23 per second (24,499)\n" in text
    assert "1,168 page loads, 10 min at 2 per second (8,152): NOT DECIDED in this run" in text
    assert text.count("NOT DECIDED") == 1


def test_the_plan_of_a_fixed_duration_is_that_duration() -> None:
    text = "\n".join(plan_lines(_options(ONLY_AT_THE_END, 60.0), 2.0))
    assert "in all about 7 min, at most 7 min" in text
    assert "2,995 requests" in text


def test_flows_are_no_more_than_their_events_allow() -> None:
    """Erlang's loss formula: of 4.46 calls at a time, 1 in 100 finds 10 lines in use (the classic table)."""
    assert _lost(10, 4.461) == pytest.approx(0.01, rel=1e-3)
    assert most_flows(120, 0.5) > 20.0
    assert most_flows(1, 0.5) < 0.01
    assert most_flows(40, 0.5, lanes=4) < most_flows(40, 0.5)
