"""Judging: every way to a verdict, premises, deviations, claims, exit codes."""

import json
from collections.abc import Callable
from datetime import date

import pytest

from harness.claims import Claim, Uncovered, settle
from harness.deployment import Deviation
from harness.history import Context, Exchange, History, NothingObservedError, Outcome, StoryOutcome, read_history
from harness.judge import judge_all, judge_one
from harness.judging import LackingError, UndecidedError, expect_status
from harness.redact import SecretBook
from harness.report import Finding, Source, exit_code_of, json_line
from harness.requirement import MUST, SHOULD, Catalogue, CatalogueError, Level, Requirement
from harness.verdict import HarnessFault, Held, Inconclusive, NotApplicable, Verdict, VerdictName, Violated

TODAY = date(2026, 11, 22)
SOURCE = Source("2025-07", "Errors", "words")


def exchange(number: int, step: str, status: int | None = 200, body: bytes = b"{}") -> Exchange:
    outcome = Outcome.ANSWERED if status is not None else Outcome.NO_ANSWER
    return Exchange(
        number, step, "a", "b", "", "GET", "http://b/x", (), b"", outcome, status, (), body, 1_700_000_000.0, 0.01
    )


def history(*entries: Exchange, capabilities: frozenset[str] = frozenset(), **ends: str) -> History:
    outcomes = [StoryOutcome(story, ended, "why") for story, ended in ends.items()]
    return History(Context("d", "2025-07", {}, capabilities), entries, outcomes)


def rule(name: str, judge: Callable[[History], Verdict], level: Level = MUST, **more: tuple[str, ...]) -> Requirement:
    return Requirement(f"place.{name}", f"{name} holds.", level, "app", SOURCE, judge, **more)  # type: ignore[arg-type]


def _raise(error: Exception) -> Verdict:
    raise error


HOLDS = rule("holds", lambda _: Held((1,)))
BREAKS = rule("breaks", lambda _: Violated("a", "b", (1,)))


def catalogue_of(*rules: Requirement) -> Catalogue:
    found = Catalogue()
    for each in rules:
        found.add(each)
    found.check()
    return found


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (lambda _: Held((1,)), Held),
        (lambda _: Held(()), HarnessFault),
        (lambda _: Violated("a", "b"), Violated),
        (lambda _: _raise(UndecidedError("noise")), Inconclusive),
        (lambda _: _raise(LackingError("nothing there")), NotApplicable),
        (lambda _: _raise(ZeroDivisionError()), HarnessFault),
        (lambda h: expect_status(h.one("story/asked"), 401) and Held((1,)), Violated),
        (lambda h: expect_status(h.one("story/silent"), 401) and Held((1,)), Inconclusive),
        (lambda h: expect_status(h.one("story/limited"), 401) and Held((1,)), Inconclusive),
        (lambda h: h.one("story/never"), Inconclusive),
        (lambda h: h.one("crashed/never"), HarnessFault),
        (lambda h: h.one("skipped/never"), NotApplicable),
        (lambda h: h.one("unknown/never"), Inconclusive),
    ],
)
def test_only_a_judges_own_return_says_held(judge: Callable[[History], Verdict], expected: type) -> None:
    seen = history(
        exchange(1, "story/asked"),
        exchange(2, "story/silent", None),
        exchange(3, "story/limited", 429),
        story="finished",
        crashed="crashed",
        skipped="skipped",
    )
    assert isinstance(judge_one(rule("r", judge), seen), expected)


def test_a_failed_premise_blocks_and_names_its_root_through_a_chain() -> None:
    middle = rule("middle", lambda _: Held((1,)), depends_on=("place.breaks",))
    last = rule("last", lambda _: Held((1,)), depends_on=("place.middle",))
    rules = [BREAKS, middle, last]
    findings, _ = judge_all(catalogue_of(*rules), rules, history(), (), TODAY)
    assert [each.verdict.value for each in findings] == ["violated", "blocked", "blocked"]
    assert [each.blocked_by for each in findings] == ["", "place.breaks", "place.breaks"]


def _deviation(until: date, requirement: str = "place.breaks") -> Deviation:
    return Deviation(requirement, "known", "team", until)


def test_a_declared_deviation_is_waived_and_blocks_nothing() -> None:
    after = rule("after", lambda _: Held((1,)), depends_on=("place.breaks",))
    findings, problems = judge_all(catalogue_of(BREAKS, after), [BREAKS, after], history(), [_deviation(TODAY)], TODAY)
    assert [each.verdict.value for each in findings] == ["waived", "held"]
    assert problems == []


def test_a_deviation_past_its_date_fails_the_run() -> None:
    past = _deviation(date(2026, 1, 1))
    findings, problems = judge_all(catalogue_of(BREAKS), [BREAKS], history(), [past], TODAY)
    assert findings[0].verdict is VerdictName.VIOLATED
    assert "waived until 2026-01-01" in problems[0]


def test_a_deviation_that_no_longer_happens_fails_the_run() -> None:
    findings, problems = judge_all(catalogue_of(HOLDS), [HOLDS], history(), [_deviation(TODAY, "place.holds")], TODAY)
    assert findings[0].verdict is VerdictName.HELD
    assert "no longer happens" in problems[0]
    assert exit_code_of(findings, problems, finished=True) == 1


def test_a_lacking_capability_is_not_applicable_with_its_remedy() -> None:
    needy = rule("needy", lambda _: Held((1,)), needs=("role:member",))
    findings, _ = judge_all(catalogue_of(needy), [needy], history(), (), TODAY)
    assert findings[0].verdict is VerdictName.NOT_APPLICABLE
    assert 'role = "member"' in findings[0].reason


def finding(verdict: str, level: str = "MUST", claims: tuple[str, ...] = ("C-1",), name: str = "x") -> Finding:
    return Finding(f"place.{name}", "s", level, "app", VerdictName(verdict), claims, SOURCE)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["held"], 0),
        (["held", "not_applicable"], 0),
        (["held", "violated"], 1),
        (["violated", "harness_fault"], 1),
        (["held", "harness_fault"], 3),
        (["held", "inconclusive"], 2),
        (["held", "blocked"], 2),
        (["not_applicable"], 4),
        (["blocked", "inconclusive"], 4),
        ([], 4),
        (["waived"], 0),
    ],
)
def test_exit_codes_say_what_happened(verdicts: list[str], code: int) -> None:
    assert exit_code_of([finding(each) for each in verdicts], (), finished=True) == code


def test_a_run_that_broke_off_is_at_fault_and_a_should_only_warns() -> None:
    assert exit_code_of([finding("held")], (), finished=False) == 3
    assert exit_code_of([finding("violated", "SHOULD"), finding("held")], (), finished=True) == 0


@pytest.mark.parametrize(
    ("verdicts", "uncovered", "expected"),
    [
        (["held", "held"], None, "held"),
        (["held", "violated"], None, "violated"),
        (["violated", "blocked"], None, "violated"),
        (["held", "blocked"], None, "blocked"),
        (["held", "inconclusive"], None, "inconclusive"),
        (["held", "waived"], None, "waived"),
        (["held", "not_applicable"], None, "not_tested"),
        (["held"], Uncovered("the browser", "a browser"), "not_tested"),
        (["violated"], Uncovered("the browser", "a browser"), "violated"),
        ([], None, "not_tested"),
    ],
)
def test_a_claim_is_no_better_than_the_worst_of_what_settles_it(
    verdicts: list[str], uncovered: Uncovered | None, expected: str
) -> None:
    claim = Claim("C-1", "flow", "text", "measure", "black-box")
    parts = {"C-1": uncovered} if uncovered else {}
    (result,) = settle([claim], [finding(each) for each in verdicts], parts)
    assert result.verdict == expected
    assert result.reason


def test_catalogues_refuse_double_ids_unknown_premises_and_circles() -> None:
    with pytest.raises(CatalogueError, match="twice"):
        catalogue_of(HOLDS, HOLDS)
    with pytest.raises(CatalogueError, match="does not exist"):
        catalogue_of(rule("lonely", lambda _: Held((1,)), depends_on=("place.none",)))
    one = rule("one", lambda _: Held((1,)), SHOULD, depends_on=("place.two",))
    two = rule("two", lambda _: Held((1,)), depends_on=("place.one",))
    with pytest.raises(CatalogueError, match="circle"):
        catalogue_of(one, two)


def test_selecting_brings_premises_along() -> None:
    after = rule("after", lambda _: Held((1,)), depends_on=("place.breaks",))
    found = catalogue_of(HOLDS, BREAKS, after).select(["aft"])
    assert [each.id for each in found] == ["place.breaks", "place.after"]


def test_a_history_comes_back_as_it_was_saved_without_what_is_secret() -> None:
    book = SecretBook()
    secret = "a-secret-that-was-learned-late"
    seen = history(
        exchange(1, "s/one", body=b'{"x": "\xc3\xa9 ' + secret.encode() + b'"}'),
        exchange(2, "s/two", None, b"\xff\x00"),
    )
    book.learn("session-token", secret)
    lines = list(seen.lines(book))
    assert secret not in "".join(lines)
    back = read_history(lines)
    assert back.one("s/two") == seen.one("s/two")
    assert b"<session-token:" in back.one("s/one").response_body
    with pytest.raises(NothingObservedError):
        back.one("s/three")


def test_a_saved_line_is_one_line_for_every_reader() -> None:
    value = {"x": "a\u2028b\u2029c\x85d", "y": "\ud800"}
    for each in (value, {"x": value["x"]}):
        assert len(json_line(each).splitlines()) == 1
        assert json.loads(json_line(each)) == each
