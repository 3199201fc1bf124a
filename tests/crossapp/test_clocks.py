"""A server whose clock is wrong is told so in a note, and accused of nothing: a deployment's clock is its own."""

import copy
from collections.abc import Iterator, Mapping

import pytest

from contracts.clocks.rules import rule_of
from harness.report import Report
from harness.verdict import VerdictName
from simulators.launch import APPS, LaunchOptions
from tests.crossapp.test_wrong_facts import Description, as_staging, verified
from tests.launching import launched

CLOCKS: dict[str, Mapping[str, float]] = {
    "all ten minutes ahead": dict.fromkeys(APPS, 600.0),
    "each has its own": {"tuvens-api": 12_000.0, "hi.events": -600.0, "tuvens-client": 600.0},
}
_BY_HI_EVENTS, _BY_US = "hi_events_delivery.a_change_is_sent", "webhook.metadata_name_the_hi_events_event"
_SESSION = "hi_events_session.status_tells_when_the_session_ends"


@pytest.fixture(params=CLOCKS)
def skewed(request: pytest.FixtureRequest) -> Iterator[tuple[Mapping[str, float], Description]]:
    clocks = CLOCKS[request.param]
    with launched(LaunchOptions(limits="raised", control=False, clocks=clocks)) as built:
        described = as_staging(copy.deepcopy(built.description()))
        described["safety"] = {"exhaust_rate_limits": False, "fuzz": False}
        # One event, which hi.events changes and webhooks of ours are about: each must be newer than the other's.
        described["events"]["linked"] = described["events"]["linked"][:1]
        described["events"]["tuvens"] = [described["events"]["linked"][0]["tuvens"]]
        yield clocks, described


def test_a_wrong_clock_accuses_nobody(skewed: tuple[Mapping[str, float], Description]) -> None:
    _, described = skewed
    for select in ((_BY_HI_EVENTS,), (_BY_US, _SESSION), (_BY_HI_EVENTS,)):
        report = verified(described, *select)
        assert _violated(report) == set()
        assert [each.requirement for each in report.findings if each.verdict is VerdictName.BLOCKED] == []


@pytest.mark.slow  # rules of the whole record drive every story
def test_a_wrong_clock_is_a_note_and_nothing_else(skewed: tuple[Mapping[str, float], Description]) -> None:
    clocks, described = skewed
    report = verified(described, "clocks.*", "rate_limits.reset_is_in_unix_seconds")
    assert _violated(report) == {rule_of(app) for app in clocks}


def _violated(report: Report) -> set[str]:
    return {each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED}
