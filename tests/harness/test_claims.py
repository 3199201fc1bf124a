"""Claims and exit codes: what the findings of a run say in the end."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.claims import Claim, Uncovered, read_claims, settle
from harness.exit_codes import ExitCode
from harness.report import (
    ClaimResult,
    Finding,
    Footer,
    Header,
    Report,
    ReportError,
    ShownExchange,
    TargetLine,
    Waiver,
    exit_code_of,
    read_report,
)
from harness.verdict import VerdictName
from tests.harness.examples import SOURCE

CLAIM = Claim("C-1", "overall", "Flow", "flow", "text", "complete", True, "measure", "black-box")


def finding(
    verdict: str, level: str = "MUST", claims: tuple[str, ...] = ("C-1",), name: str = "x", reason: str = ""
) -> Finding:
    return Finding(f"place.{name}", "s", level, "app", VerdictName(verdict), claims, SOURCE, reason=reason)


def settled(findings: Sequence[Finding], uncovered: Uncovered | None = None) -> ClaimResult:
    (result,) = settle([CLAIM], findings, {"C-1": uncovered} if uncovered else {})
    return result


PART = Uncovered("the browser", "a browser suite", "install a browser")
ALL = Uncovered("", "needs a browser", "install a browser")


@pytest.mark.parametrize(
    ("verdicts", "uncovered", "expected"),
    [
        (["held"], None, "held"),
        (["held", "held"], None, "held"),
        (["held", "violated"], None, "violated"),
        (["violated", "blocked", "harness_fault"], None, "violated"),
        (["harness_fault", "blocked"], None, "harness_fault"),
        (["blocked", "inconclusive"], None, "blocked"),
        (["inconclusive", "waived"], None, "inconclusive"),
        (["held", "waived"], None, "waived"),
        (["waived", "not_applicable"], None, "waived"),
        (["held", "not_applicable"], None, "not_tested"),
        (["not_applicable"], None, "not_tested"),
        (["held"], PART, "not_tested"),
        (["violated"], PART, "violated"),
        (["blocked"], PART, "blocked"),
        ([], ALL, "not_tested"),
        ([], None, "not_tested"),
    ],
)
def test_a_claim_is_held_only_if_all_is_and_else_has_the_worst_word(
    verdicts: list[str], uncovered: Uncovered | None, expected: str
) -> None:
    result = settled([finding(each) for each in verdicts], uncovered)
    assert result.verdict == expected
    assert result.reason
    assert result.judged == sum(each in ("held", "violated", "waived") for each in verdicts)
    assert len(result.settled_by) == len(verdicts)


@pytest.mark.parametrize(
    ("findings", "uncovered", "reason"),
    [
        ([finding("held")] * 2, None, "2 of 2 requirements held"),
        ([finding("held"), finding("violated", name="bad")], None, "1 of 2 requirements violated: place.bad: "),
        (
            [finding("held")],
            PART,
            "held as far as tested (1 of 1 requirement); not tested: the browser: a browser suite",
        ),
        (
            [finding("held"), finding("not_applicable", reason="no role")],
            None,
            "held as far as tested (1 of 2 requirements); not tested: no role",
        ),
        ([finding("not_applicable", reason="no role")], None, "not tested: no role"),
        ([], ALL, "needs a browser"),
        ([], None, "no selected requirement settles it"),
    ],
)
def test_a_claims_reason_counts_n_of_m(findings: list[Finding], uncovered: Uncovered | None, reason: str) -> None:
    assert settled(findings, uncovered).reason == reason


def test_a_claim_is_decided_by_should_rules_too_but_never_by_what_is_only_observed() -> None:
    assert settled([finding("held"), finding("violated", "SHOULD")]).verdict == "violated"
    observed = settled([finding("held"), finding("violated", "OBSERVE", name="odd")])
    assert (observed.verdict, observed.settled_by) == ("held", ("place.x",))
    assert settled([finding("held", "OBSERVE")]).verdict == "not_tested"


def test_a_finding_of_another_claim_does_not_count() -> None:
    assert settled([finding("violated", claims=("C-2",)), finding("held", claims=("C-2", "C-1"))]).verdict == "held"


def test_claims_are_read_from_their_table_with_quotes_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "claims.tsv"
    columns = ("id", "repository", "area", "name", "claim", "said", "page_says", "measure", "reach")
    row = ("C-1", "overall", "Flow", "a flow", 'says "yes', "blocked", "broken", "one, two", "black-box")
    file.write_text("\t".join(columns) + "\n" + "\t".join(row) + "\n", "utf-8")
    (read,) = read_claims(file)
    assert read == Claim("C-1", "overall", "Flow", "a flow", 'says "yes', "blocked", False, "one, two", "black-box")


@pytest.mark.parametrize(
    ("verdict", "works", "expected"),
    [
        ("held", True, "confirmed"),
        ("held", False, "contradicted"),
        ("violated", True, "contradicted"),
        ("violated", False, "confirmed"),
        ("waived", True, "contradicted"),
        ("waived", False, "confirmed"),
        ("inconclusive", True, "unknown"),
        ("not_applicable", False, "unknown"),
        ("harness_fault", False, "unknown"),
    ],
)
def test_a_line_of_the_page_is_confirmed_or_contradicted_by_what_is_decided_alone(
    verdict: str, works: bool, expected: str
) -> None:
    (result,) = settle([replace(CLAIM, works=works)], [finding(verdict)], {})
    assert result.agreement == expected
    assert bool(result.would_settle) == (expected == "unknown")


@pytest.mark.parametrize(
    ("root", "works", "expected"),
    [
        ("violated", True, "blocked"),
        ("violated", False, "confirmed"),
        ("inconclusive", True, "unknown"),
        ("inconclusive", False, "unknown"),
        ("harness_fault", True, "unknown"),
    ],
)
def test_what_only_something_unknown_blocks_is_unknown(root: str, works: bool, expected: str) -> None:
    cause = finding(root, claims=(), name="root")
    between = replace(finding("blocked", claims=(), name="between"), blocked_by=cause.requirement)
    blocked = replace(finding("blocked"), blocked_by=between.requirement)
    (result,) = settle([replace(CLAIM, works=works)], [cause, between, blocked], {})
    assert result.agreement == expected
    assert result.blocked_by == (cause.requirement if root == "violated" else "")


def test_an_unknown_claim_names_what_would_settle_it() -> None:
    def remedy(found: Sequence[Finding], uncovered: Uncovered | None = None) -> str:
        return settled(found, uncovered).would_settle

    assert remedy([], ALL) == "install a browser"
    assert remedy([finding("held")], PART) == "install a browser"
    assert remedy([]) == "select its requirements"
    assert remedy([finding("inconclusive")]) == "run again"
    assert remedy([replace(finding("not_applicable"), lacks="https:hi.events")]) == "use https"
    assert remedy([replace(finding("not_applicable"), lacks="database:tuvens-api")]) == "give access to the database"
    assert remedy([replace(finding("not_applicable"), lacks="role:member")]) == "complete the deployment file"
    unnamed = replace(finding("not_applicable"), reason="nobody else signed in: name another user under [[users]]")
    assert remedy([unnamed]) == "complete the deployment file"


# Exit codes


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["held"], ExitCode.OK),
        (["waived"], ExitCode.OK),
        (["held", "not_applicable"], ExitCode.OK),
        (["held", "violated"], ExitCode.VIOLATED),
        (["violated", "blocked", "inconclusive"], ExitCode.VIOLATED),
        (["violated", "harness_fault"], ExitCode.VIOLATED),
        (["held", "inconclusive"], ExitCode.UNDECIDED),
        (["held", "blocked"], ExitCode.UNDECIDED),
        (["held", "harness_fault"], ExitCode.HARNESS_FAULT),
        (["harness_fault"], ExitCode.HARNESS_FAULT),
        (["inconclusive", "blocked", "harness_fault"], ExitCode.HARNESS_FAULT),
        (["not_applicable"], ExitCode.NOTHING_JUDGED),
        (["blocked", "inconclusive"], ExitCode.NOTHING_JUDGED),
        (["inconclusive", "not_applicable"], ExitCode.NOTHING_JUDGED),
        ([], ExitCode.NOTHING_JUDGED),
    ],
)
def test_exit_codes_say_what_happened(verdicts: list[str], code: ExitCode) -> None:
    findings = [finding(each) for each in verdicts]
    assert exit_code_of(findings, (), finished=True) is code
    assert exit_code_of(iter(findings), iter(()), finished=True) is code
    assert exit_code_of(findings, (), finished=False) is ExitCode.HARNESS_FAULT


@pytest.mark.parametrize("level", ["SHOULD", "OBSERVE"])
def test_what_is_no_must_only_warns_when_it_is_violated_and_counts_as_judged(level: str) -> None:
    assert exit_code_of([finding("violated", level)], (), finished=True) is ExitCode.OK
    assert exit_code_of([finding("blocked", level), finding("held")], (), finished=True) is ExitCode.UNDECIDED


def test_a_deviation_out_of_date_fails_a_run_whatever_it_saw() -> None:
    assert exit_code_of([finding("held")], ["late"], finished=True) is ExitCode.VIOLATED
    assert exit_code_of([], ["late"], finished=True) is ExitCode.VIOLATED


def test_a_story_that_crashed_is_never_forgotten() -> None:
    assert exit_code_of([finding("held")], (), finished=True, crashes=["a: KeyError"]) is ExitCode.HARNESS_FAULT
    assert exit_code_of([finding("violated")], (), finished=True, crashes=["a: KeyError"]) is ExitCode.VIOLATED


def test_no_run_that_judged_nothing_exits_0() -> None:
    judged = {VerdictName.HELD, VerdictName.VIOLATED, VerdictName.WAIVED}
    for verdict in set(VerdictName) - judged:
        for count in (1, 3):
            assert exit_code_of([finding(verdict)] * count, (), finished=True) is not ExitCode.OK


# The saved report


SHOWN = ShownExchange(
    1,
    "s/x",
    "a",
    "b",
    "GET",
    "http://b/",
    "answered",
    200,
    1.5,
    (("A", "1"),),
    "{}",
    (("B", "2"),),
    "é\u2028",
    "",
    "curl",
)
WHOLE = Report(
    Header(
        "d", (TargetLine("b", "http://b", "local"),), "2025-07", {"crossapp": "1"}, "abc", 7, ("crossapp",), "2026-11-2"
    ),
    (
        Finding(
            "place.x", "s", "MUST", "b", VerdictName.WAIVED, ("C-1",), SOURCE, "a", "b", "known", "", "curl", "next",
            (1,), (SHOWN,), Waiver("place.*", "known", "team", "2026-12-31"),
        ),
        finding("held"),
    ),
    (ClaimResult("C-1", "t", "m", "r", VerdictName.HELD, "1 of 1", 1, ("place.x",), "overall", "Flow", "flow"),),
    Footer(2, 2, {"held": 1, "waived": 1}, {"held": 1}, ("late",), 1, 1.5, True),
)  # fmt: skip


def test_a_report_comes_back_as_it_was_saved() -> None:
    assert read_report(WHOLE.lines()) == WHOLE
    assert WHOLE.finding("place.x") == WHOLE.findings[0]
    assert WHOLE.finding("place.none") is None


def test_a_report_without_a_footer_is_one_of_a_run_that_broke_off() -> None:
    report = read_report(list(WHOLE.lines())[:-1])
    assert (report.footer.finished, report.footer.exit_code, report.footer.selected) == (False, 3, 2)


_BROKEN = ["{", "null", "[]", "{}", '{"type": "verdict"}', '{"type": "finding"}', '{"type": "header", "format": 2}']


@pytest.mark.parametrize("line", _BROKEN)
def test_a_broken_line_of_a_report_is_named(line: str) -> None:
    with pytest.raises(ReportError, match="line 3: not a line of a crossapp report"):
        read_report([*list(WHOLE.lines())[:2], line])


def test_a_report_without_its_header_is_none() -> None:
    with pytest.raises(ReportError, match="no header line"):
        read_report(list(WHOLE.lines())[1:])
