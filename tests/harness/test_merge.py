"""One report of several runs: newest decided verdicts, claims settled by all of them, and what cannot be merged."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from harness.merge import merge
from harness.render.html import to_html
from harness.render.saved import parse_report
from harness.report import Agreement, ClaimResult, Finding, Report, ReportError, TargetLine
from tests.harness.render.sample import (
    HEADER,
    HELD,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    VIOLATED,
    finding,
    report_of,
)

NOW = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
LOAD = replace(HEADER, command=("crossapp", "load"), started="2026-11-22T16:50:00+00:00")
LATER = replace(HEADER, command=("crossapp", "verify"), started="2026-11-22T16:59:30+00:00")


def one(report: Report, requirement: str) -> Finding:
    found = report.finding(requirement)
    assert found is not None
    return found


def claim(report: Report, name: str) -> ClaimResult:
    return next(each for each in report.claims if each.claim == name)


def test_a_requirement_has_its_newest_decided_verdict_and_names_its_run() -> None:
    older = report_of([finding("a.b", "S.", VIOLATED, "C-TA-01"), finding("a.c", "S.", HELD, "C-TA-02")])
    newer = report_of(
        [finding("a.b", "S.", HELD, "C-TA-01"), finding("a.c", "S.", INCONCLUSIVE, "C-TA-02")], header=LATER
    )
    for order in ([older, newer], [newer, older]):
        both = merge(order, NOW)
        assert (one(both, "a.b").verdict, one(both, "a.b").run) == (HELD, "verify, just now")
        assert (one(both, "a.c").verdict, one(both, "a.c").run) == (HELD, "verify, 2 h old")
        assert claim(both, "C-TA-02").run == "verify, 2 h old"
        assert both.footer.exit_code == 0
        assert [each.started for each in both.header.runs] == [LATER.started, HEADER.started]


def test_a_claim_that_only_load_settles_takes_what_load_found() -> None:
    verified = report_of([finding("a.b", "S.", HELD, "C-TA-01")])
    loaded = report_of([finding("load.quick", "S.", HELD, "C-PF-01")], header=LOAD)
    # A load run has the claims of its budgets alone, and covers them.
    both = merge(
        [verified, replace(loaded, claims=(replace(claim(loaded, "C-PF-01"), verdict=HELD, uncovered=""),))], NOW
    )
    assert claim(verified, "C-PF-01").agreement is Agreement.UNKNOWN
    assert (claim(both, "C-PF-01").agreement, claim(both, "C-PF-01").run) == (Agreement.CONFIRMED, "load, 10 min old")
    assert claim(both, "C-TA-01").agreement is Agreement.CONFIRMED
    assert [each.claim for each in both.claims] == [each.claim for each in verified.claims]


def test_a_claim_has_its_verdict_of_the_run_before() -> None:
    first = report_of([finding("a.b", "S.", VIOLATED, "C-TA-01")])
    second = report_of([finding("a.b", "S.", HELD, "C-TA-01")], header=LATER)
    load = report_of([finding("load.quick", "S.", HELD, "C-PF-01")], header=LOAD)
    both = merge([first, load, second], NOW)
    assert (claim(both, "C-TA-01").before, claim(both, "C-TA-01").verdict) == ("violated", HELD)
    assert claim(both, "C-PF-01").before == claim(both, "C-PF-01").verdict.value
    assert {each.before for each in merge([first, load], NOW).claims} == {""}


def test_a_claim_with_a_part_that_no_suite_covers_stays_unknown() -> None:
    run = report_of([finding("a.b", "S.", HELD, "C-PF-06")])
    assert claim(run, "C-PF-06").agreement is Agreement.UNKNOWN
    assert claim(merge([run, replace(run, header=LATER)], NOW), "C-PF-06").agreement is Agreement.UNKNOWN


def test_a_part_that_no_run_covers_is_not_decided_by_what_another_run_lacked() -> None:
    lacking = report_of([finding("a.b", "S.", NOT_APPLICABLE, "C-PF-06")])
    other = report_of([finding("a.b", "S.", HELD, "C-PF-06")], header=LATER)
    assert claim(merge([lacking, other], NOW), "C-PF-06").agreement is Agreement.UNKNOWN


def test_what_one_run_lacked_another_may_decide() -> None:
    short = report_of([finding("a.b", "S.", HELD, "C-TA-02"), finding("a.c", "S.", NOT_APPLICABLE, "C-TA-02")])
    patient = report_of([finding("a.c", "S.", HELD, "C-TA-02")], header=LATER)
    assert claim(short, "C-TA-02").agreement is Agreement.UNKNOWN
    assert claim(merge([short, patient], NOW), "C-TA-02").agreement is Agreement.CONFIRMED


def test_a_violation_that_another_run_did_not_look_at_stays() -> None:
    bad = report_of([finding("a.b", "S.", VIOLATED, "C-TA-01")])
    good = report_of([finding("a.c", "S.", HELD, "C-TA-01")], header=LATER)
    both = merge([bad, good], NOW)
    assert (claim(both, "C-TA-01").agreement, both.footer.exit_code) == (Agreement.CONTRADICTED, 1)


@pytest.mark.parametrize(
    "header",
    [
        replace(LATER, deployment="production"),
        replace(LATER, edition="2026-07"),
        replace(LATER, targets=(TargetLine("tuvens-api", "https://other.example", "staging"),)),
        replace(LATER, targets=(TargetLine("tuvens-client", "http://127.0.0.1:5173", "staging"),)),
    ],
)
def test_runs_of_two_deployments_are_not_merged(header: object) -> None:
    run = report_of([finding("a.b", "S.", HELD, "C-TA-01")])
    with pytest.raises(ReportError, match="cannot be merged"):
        merge([run, replace(run, header=header)], NOW)  # type: ignore[arg-type]  # headers all


def test_simulators_have_other_ports_each_time() -> None:
    run = report_of([finding("a.b", "S.", HELD, "C-TA-01")])
    moved = tuple(
        replace(each, url="http://127.0.0.1:1") if each.kind == "simulated" else each for each in HEADER.targets
    )
    assert merge([run, replace(run, header=replace(LATER, targets=moved))], NOW).header.started == LATER.started


def test_a_run_that_did_not_finish_leaves_the_whole_unfinished() -> None:
    run = report_of([finding("a.b", "S.", HELD, "C-TA-01")])
    both = merge([run, report_of([], header=LATER, finished=False)], NOW)
    assert (both.footer.finished, both.footer.exit_code) == (False, 3)


def test_a_merged_report_is_saved_and_shown_like_any() -> None:
    run = report_of([finding("a.b", "S.", HELD, "C-TA-01")])
    both = merge([run, replace(run, header=LATER)], NOW)
    assert parse_report("".join(f"{line}\n" for line in both.lines()).encode()) == both
    assert "Confirmed</b> (verify, just now)" in to_html(both)
