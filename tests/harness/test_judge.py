"""Judging: every way to a verdict, premises, deviations."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from harness.deployment import Deviation
from harness.expectations import (
    LackingError,
    UndecidedError,
    expect,
    expect_field,
    expect_status,
    expect_success,
    held,
    json_object,
    numbers,
    statuses,
)
from harness.findings import exchange_shown
from harness.history import PLANNED, Context, History, Observation, StoryOutcome
from harness.judge import judge_all, judge_one
from harness.report import Finding, exit_code_of
from harness.requirement import OBSERVE, SHOULD, Requirement
from harness.verdict import (
    Blocked,
    HarnessFault,
    Held,
    Inconclusive,
    NotApplicable,
    Verdict,
    VerdictName,
    Violated,
    name_of,
)
from tests.harness.examples import BREAKS, HOLDS, TODAY, catalogue_of, exchange, history, rule


def judged(
    *rules: Requirement,
    seen: History | None = None,
    deviations: Sequence[Deviation] = (),
    select: Sequence[Requirement] | None = None,
) -> tuple[dict[str, Finding], list[str]]:
    """The findings by name, and the problems of the deviations."""
    findings, problems = judge_all(
        catalogue_of(*rules), select if select is not None else rules, seen or history(), deviations, TODAY
    )
    return {each.requirement.partition(".")[2]: each for each in findings}, problems


def test_a_finding_says_that_its_evidence_was_sent_again() -> None:
    lost = replace(exchange(1, "story/asked", None), superseded=True, error="the connection broke")
    told, _ = judged(
        rule("asks", lambda seen: Held((seen.one("story/asked").number,))),
        seen=history(lost, exchange(2, "story/asked")),
    )
    assert told["asks"].exchanges[0].sent_again_after == ("exchange 1 got no response: the connection broke",)
    assert told["asks"].reason == "exchange 2 was sent again after exchange 1 got no response: the connection broke"


def test_what_was_sent_once_was_not_sent_again() -> None:
    limited = replace(exchange(1, "story/other", 429), superseded=True)
    told, _ = judged(
        rule("asks", lambda seen: Held((seen.one("story/asked").number,))),
        seen=history(limited, exchange(2, "story/asked")),
    )
    assert told["asks"].exchanges[0].sent_again_after == ()
    assert "sent again" not in told["asks"].reason


def test_a_rule_whose_story_did_not_end_is_inconclusive_whatever_was_seen_of_it() -> None:
    part = history(exchange(1, "ended/asked"), exchange(2, "stopped/asked"), ended="finished")
    part.context = replace(part.context, settings={PLANNED: ["ended", "stopped"]})
    kept = rule("kept", lambda seen: Held((1,)), stories=("ended",))
    lost = rule("lost", lambda seen: Violated("a", "b", (2,)), stories=("ended", "stopped"))
    also = rule("also", lambda seen: Held((2,)), stories=("stopped",))
    after = rule("after", lambda seen: Held((1,)), stories=("ended",), depends_on=("place.lost",))
    everything = rule("everything", lambda seen: Violated("a", "b", (2,)))
    told, _ = judged(kept, lost, also, after, everything, seen=part)
    assert {name: str(each.verdict) for name, each in told.items()} == {
        "kept": "held",
        "lost": "inconclusive",
        "also": "inconclusive",
        "after": "blocked",
        "everything": "violated",
    }
    why = "the run was stopped before the story stopped ended"
    assert {told[name].reason for name in ("lost", "also", "after")} == {why}
    assert told["lost"].cause == told["also"].cause == "the run was stopped"


def _raise(error: Exception) -> Verdict:
    raise error


SEEN = history(
    exchange(1, "story/asked"),
    exchange(2, "story/silent", None),
    exchange(3, "story/limited", 429),
    exchange(4, "story/refused", 401, b'{"message": "no"}'),
    exchange(5, "story/page", 200, b"<html>"),
    exchange(6, "story/list", 200, b"[]"),
    exchange(7, "story/created", 201),
    story="finished",
    crashed="crashed",
    skipped="skipped",
    stopped="stopped",
)


@pytest.mark.parametrize(
    ("judge", "expected"),
    [
        (lambda _: Held((1,)), Held),
        (lambda _: Violated("a", "b"), Violated),
        (lambda _: Blocked("place.other"), Blocked),
        (lambda _: Inconclusive("noise"), Inconclusive),
        (lambda _: NotApplicable("nothing there"), NotApplicable),
        (lambda _: _raise(UndecidedError("noise")), Inconclusive),
        (lambda _: _raise(LackingError("nothing there")), NotApplicable),
        (lambda h: held(expect_status(h.one("story/asked"), 200)), Held),
        (lambda h: held(expect_status(h.one("story/asked"), 401)), Violated),
        (lambda h: held(expect_status(h.one("story/silent"), 401)), Inconclusive),
        (lambda h: held(expect_status(h.one("story/limited"), 401)), Inconclusive),
        (lambda h: held(expect_status(h.one("story/limited"), 429)), Held),
        (lambda h: held(expect_success(h.one("story/created"))), Held),
        (lambda h: held(expect_success(h.one("story/refused"))), Violated),
        (lambda h: held(expect_success(h.one("story/limited"))), Inconclusive),
        (lambda h: held(expect_success(h.one("story/silent"))), Inconclusive),
        (lambda h: json_object(h.one("story/asked")) and held(1), HarnessFault),
        (lambda h: json_object(h.one("story/refused")) and held(1), Held),
        (lambda h: json_object(h.one("story/page")) and held(1), Violated),
        (lambda h: json_object(h.one("story/list")) and held(1), Violated),
        (lambda h: json_object(h.one("story/silent")) and held(1), Inconclusive),
        (lambda h: statuses([h.one("story/asked"), h.one("story/created")], 200, 201), Held),
        (lambda h: statuses([h.one("story/silent"), h.one("story/refused")], 200), Violated),
        (lambda h: statuses([h.one("story/silent"), h.one("story/asked")], 200), Inconclusive),
        (lambda h: held(h.one("story/never")), Inconclusive),
        (lambda h: held(h.one("stopped/never")), Inconclusive),
        (lambda h: held(h.one("crashed/never")), HarnessFault),
        (lambda h: held(h.one("skipped/never")), NotApplicable),
        (lambda h: held(h.one("unknown/never")), Inconclusive),
        (lambda _: statuses([], 200), Inconclusive),
        (lambda _: held(()), Inconclusive),
    ],
)
def test_each_word_of_a_judge_leads_to_its_verdict(judge: Callable[[History], Verdict], expected: type) -> None:
    assert isinstance(judge_one(rule("r", judge), SEEN), expected)


@pytest.mark.parametrize(
    "judge",
    [
        lambda h: json_object(h.one("story/page")) and held(1),
        lambda h: expect_field(h.one("story/refused"), "user", dict) and held(1),
    ],
)
def test_the_form_of_an_answer_accuses_nobody_but_its_application(
    judge: Callable[[History], Verdict],
) -> None:
    assert isinstance(judge_one(rule("r", judge), SEEN), Violated)
    found = judge_one(replace(rule("r", judge), obliged="other"), SEEN)
    assert isinstance(found, Inconclusive)
    assert found.reason.startswith("app had to return ")


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        (lambda _: Held(()), "said Held and named no evidence"),
        (lambda _: None, "returned no verdict but NoneType"),
        (lambda _: True, "returned no verdict but bool"),
        (lambda _: Held, "returned no verdict but type"),
        (lambda _: _raise(ZeroDivisionError("by zero")), "the judge crashed: ZeroDivisionError: by zero (_raise, line"),
        (lambda h: h.one("story/page").answer.json(), "the judge crashed: WireError"),
        (lambda h: _raise(RecursionError("deep")), "the judge crashed: RecursionError"),
        (lambda h: expect(True, expected="", observed="", at=1), "returned no verdict but NoneType"),
    ],
)
def test_a_judge_that_fails_is_our_fault_and_never_held(judge: Callable[[History], Verdict], said: str) -> None:
    found = judge_one(rule("r", judge), SEEN)
    assert isinstance(found, HarnessFault)
    assert said in found.error


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("unknown/x", "the story unknown was not driven, so 'unknown/x' never happened"),
        ("story/x", "'story/x' never happened, though the story story went to its end"),
        ("stopped/x", "the story stopped stopped before 'stopped/x': why"),
        ("crashed/x", "the story crashed crashed before 'crashed/x': why"),
        ("skipped/x", "why"),
    ],
)
def test_what_never_happened_is_told_with_how_its_story_ended(step: str, said: str) -> None:
    found = judge_one(rule("r", lambda h: held(h.one(step))), SEEN)
    assert said in str(getattr(found, "reason", "")) + str(getattr(found, "error", ""))
    assert getattr(found, "unasked", False) is ("never happened" in said)


@pytest.mark.parametrize(
    "read",
    [
        lambda h: h.one("other/step"),
        lambda h: h.every("other"),
        lambda h: h.tries("other/step"),
        lambda h: h.observation("other/step"),
        lambda h: h.stream("other/step"),
        lambda h: h.of_story("other"),
        lambda h: h.outcome("other"),
        lambda h: list(h.exchanges(story="other")),
        lambda h: h.one("never/driven"),
    ],
)
def test_a_rule_that_reads_a_story_that_it_does_not_declare_is_our_fault(read: Callable[[History], object]) -> None:
    seen = history(exchange(1, "story/step"), exchange(2, "other/step"), story="finished", other="finished")

    def judge(part: History) -> Verdict:
        try:
            read(part)
        except LookupError:
            return Held((1,))
        return Held((1,))

    found = judge_one(rule("r", judge, stories=("story",)), seen)
    assert isinstance(found, HarnessFault)
    assert re.fullmatch("place.r reads the story (other|never), which it does not declare", found.error)
    assert isinstance(judge_one(rule("r", judge), seen), Held)


def test_a_rule_sees_the_stories_that_it_declares_and_a_rule_of_the_whole_record_sees_all() -> None:
    seen = history(exchange(1, "story/step"), exchange(2, "other/step"), exchange(3, "shared/step"), story="finished")

    def numbers_of(part: History) -> Verdict:
        return held(list(part.exchanges()))

    assert judge_one(rule("r", numbers_of, stories=("story",)), seen) == Held((1,))
    assert judge_one(rule("r", numbers_of, stories=("shared", "story")), seen) == Held((1, 3))
    assert judge_one(rule("r", numbers_of), seen) == Held((1, 2, 3))


def test_what_a_story_left_out_is_not_decided_and_what_it_never_came_to_is_inconclusive() -> None:
    left_out = History(SEEN.context, [], [StoryOutcome("story", "finished", "not decided: production is not attacked")])
    found = judge_one(rule("r", lambda seen: held(seen.one("story/forged"))), left_out)
    assert found == NotApplicable("not decided: production is not attacked")


@pytest.mark.parametrize(("kind", "verdict"), [("production", NotApplicable), ("staging", Inconclusive)])
def test_what_a_production_never_shows_is_not_decided(kind: str, verdict: type[Verdict]) -> None:
    context = Context("d", "2025-07", {"tuvens-api": {"kind": kind}}, frozenset())
    assert isinstance(judge_one(rule("r", lambda _: held([])), History(context)), verdict)


def test_what_was_seen_before_a_story_crashed_is_judged_all_the_same() -> None:
    seen = history(exchange(1, "crashed/early"), crashed="crashed")
    assert isinstance(judge_one(rule("r", lambda h: held(h.one("crashed/early"))), seen), Held)


def test_every_verdict_has_its_name() -> None:
    verdicts: list[Verdict] = [
        Held((1,)), Violated("", ""), Blocked(""), Inconclusive(""), NotApplicable(""), HarnessFault(""),
    ]  # fmt: skip
    names = {name_of(each) for each in verdicts}
    assert names == set(VerdictName) - {VerdictName.WAIVED, VerdictName.NOT_TESTED}


def test_the_evidence_is_numbers_of_exchanges_however_it_is_given() -> None:
    one, two = exchange(3, "s/x"), exchange(5, "s/y")
    assert numbers(one) == (3,)
    assert numbers([one, two]) == (3, 5)
    assert numbers(7) == (7,)


# Premises


def after(premise: str, name: str = "after", judge: Callable[[History], Verdict] = lambda _: Held((1,))) -> Requirement:
    return rule(name, judge, depends_on=(f"place.{premise}",))


def test_a_failed_premise_blocks_and_names_its_root_through_a_chain() -> None:
    found, _ = judged(BREAKS, after("breaks", "middle"), after("middle", "last"))
    assert [each.verdict.value for each in found.values()] == ["violated", "blocked", "blocked"]
    assert [each.blocked_by for each in found.values()] == ["", "place.breaks", "place.breaks"]
    assert found["last"].next == "Fix place.breaks first."
    assert "breaks holds. Observed: b" in found["last"].reason


def test_the_order_in_which_rules_are_declared_does_not_matter_to_premises() -> None:
    found, _ = judged(after("middle", "last"), after("breaks", "middle"), BREAKS)
    assert [each.blocked_by for each in found.values()] == ["place.breaks", "place.breaks", ""]


@pytest.mark.parametrize(
    ("judge", "verdict", "reason"),
    [
        (lambda _: _raise(UndecidedError("noise")), "blocked", "noise"),
        (lambda _: _raise(ZeroDivisionError("by zero")), "blocked", "by zero"),
        (lambda _: _raise(LackingError("nothing there")), "not_applicable", "nothing there"),
        (lambda h: held(h.one("unknown/x")), "blocked", "was not driven"),
    ],
)
def test_a_premise_that_was_not_judged_decides_what_depends_on_it(
    judge: Callable[[History], Verdict], verdict: str, reason: str
) -> None:
    found, _ = judged(
        rule("first", judge, stories=("story", "unknown")), after("first", judge=lambda _: Violated("a", "b"))
    )
    assert found["after"].verdict == verdict
    assert reason in found["after"].reason
    assert found["after"].blocked_by == ("place.first" if verdict == "blocked" else "")


@pytest.mark.parametrize("error", [UndecidedError("noise", blocks=False), LackingError("no such thing", blocks=False)])
def test_a_premise_about_which_nothing_was_seen_may_block_nothing(error: Exception) -> None:
    found, _ = judged(rule("first", lambda _: _raise(error)), after("first", judge=lambda _: Violated("a", "b")))
    assert [each.verdict for each in found.values()][1] == VerdictName.VIOLATED
    assert found["first"].verdict in (VerdictName.INCONCLUSIVE, VerdictName.NOT_APPLICABLE)


def test_a_premise_of_the_whole_record_that_found_nothing_to_look_at_stops_no_rule() -> None:
    silent = rule("first", lambda _: _raise(LackingError("no response of it was seen")))
    found, _ = judged(silent, after("first", judge=lambda _: Violated("a", "b")))
    assert [each.verdict for each in found.values()] == [VerdictName.NOT_APPLICABLE, VerdictName.VIOLATED]


def test_what_is_blocked_is_not_even_asked() -> None:
    asked: list[History] = []

    def remember(seen: History) -> Verdict:
        asked.append(seen)
        return Held((1,))

    judged(BREAKS, after("breaks", judge=remember))
    assert asked == []


def test_each_rule_is_judged_once_however_many_depend_on_it() -> None:
    asked: list[int] = []

    def remember(_: History) -> Verdict:
        asked.append(1)
        return Held((1,))

    judged(rule("first", remember), *(after("first", f"after{n}") for n in range(5)))
    assert asked == [1]


def test_a_judge_that_names_what_blocks_it_is_told_the_root() -> None:
    found, _ = judged(BREAKS, after("breaks", "middle"), rule("last", lambda _: Blocked("place.middle", "so it is")))
    assert found["last"].blocked_by == "place.breaks"


def test_two_judges_that_block_each_other_are_no_endless_loop() -> None:
    found, _ = judged(rule("one", lambda _: Blocked("place.two")), rule("two", lambda _: Blocked("place.one")))
    assert {each.verdict for each in found.values()} == {VerdictName.BLOCKED}


def test_a_premise_that_was_not_selected_is_not_judged() -> None:
    last = after("breaks")
    found, _ = judged(BREAKS, last, select=[last])
    assert found["after"].verdict is VerdictName.HELD


def test_a_lacking_capability_is_not_applicable_with_its_remedy_and_comes_before_premises() -> None:
    needy = rule("needy", lambda _: Held((1,)), needs=("role:member",), depends_on=("place.breaks",))
    found, _ = judged(BREAKS, needy)
    assert found["needy"].verdict is VerdictName.NOT_APPLICABLE
    assert 'role = "member"' in found["needy"].reason
    found, _ = judged(BREAKS, needy, seen=history(capabilities=frozenset({"role:member"})))
    assert found["needy"].verdict is VerdictName.BLOCKED


# Deviations


def deviation(requirement: str = "place.breaks", until: date = TODAY, target: str = "") -> Deviation:
    return Deviation(requirement, "known", "team", until, target)


def test_a_declared_deviation_is_waived_on_its_last_day_too_and_blocks_nothing() -> None:
    found, problems = judged(BREAKS, after("breaks"), deviations=[deviation()])
    assert [each.verdict.value for each in found.values()] == ["waived", "held"]
    assert problems == []
    waiver = found["breaks"].waiver
    assert waiver is not None
    assert (waiver.owner, waiver.reason, waiver.until) == ("team", "known", "2026-11-22")
    assert (found["breaks"].expected, found["breaks"].observed, found["breaks"].reason) == ("a", "b", "known")
    assert found["after"].waiver is None


def test_a_deviation_past_its_date_fails_the_run_and_blocks_again() -> None:
    found, problems = judged(BREAKS, after("breaks"), deviations=[deviation(until=TODAY - timedelta(days=1))])
    assert [each.verdict.value for each in found.values()] == ["violated", "blocked"]
    assert problems == [
        "the deviation place.breaks was waived until 2026-11-21 (owner team) and is still there",
    ]


@pytest.mark.parametrize("days", [0, -1])
def test_a_deviation_that_no_longer_happens_fails_the_run(days: int) -> None:
    found, problems = judged(HOLDS, deviations=[deviation("place.holds", TODAY + timedelta(days=days))])
    assert found["holds"].verdict is VerdictName.HELD
    assert problems == [
        "the deviation place.holds (owner team) no longer happens: take it out of the deployment file",
    ]
    assert exit_code_of(found.values(), problems, finished=True) == 1


def test_a_deviation_of_another_target_waives_nothing_and_is_no_problem() -> None:
    found, problems = judged(BREAKS, deviations=[deviation(target="other")])
    assert found["breaks"].verdict is VerdictName.VIOLATED
    assert problems == []
    found, _ = judged(BREAKS, deviations=[deviation(target="app")])
    assert found["breaks"].verdict is VerdictName.WAIVED


def test_a_deviation_by_pattern_waives_what_is_violated_and_leaves_the_rest() -> None:
    found, problems = judged(BREAKS, HOLDS, deviations=[deviation("place.*")])
    assert (found["breaks"].verdict, found["holds"].verdict) == (VerdictName.WAIVED, VerdictName.HELD)
    assert problems == []


@pytest.mark.parametrize(
    "judge",
    [lambda _: _raise(UndecidedError("noise")), lambda _: _raise(LackingError("no")), lambda _: _raise(OSError())],
)
def test_a_deviation_of_what_could_not_be_judged_waives_nothing_and_is_no_problem(
    judge: Callable[[History], Verdict],
) -> None:
    found, problems = judged(rule("breaks", judge), deviations=[deviation()])
    assert found["breaks"].verdict not in (VerdictName.WAIVED, VerdictName.HELD)
    assert found["breaks"].waiver is None
    assert problems == []


def test_a_deviation_of_what_was_not_selected_is_no_problem() -> None:
    _, problems = judged(HOLDS, deviations=[deviation("place.elsewhere", TODAY - timedelta(days=9))])
    assert problems == []


# Findings


def test_a_finding_shows_the_first_exchanges_of_its_evidence_whole_and_of_a_held_one_in_brief() -> None:
    seen = history(*(exchange(number, "s/x", body=b'{"n": 1}') for number in range(1, 12)))
    broken = rule("broken", lambda _: Violated("a", "b", tuple(range(1, 12))))
    fine = rule("fine", lambda _: Held((2, 99)))
    found, _ = judged(broken, fine, seen=seen)
    assert [each.number for each in found["broken"].exchanges] == [1, 2, 3, 4, 5, 6]
    assert found["broken"].exchanges[0].response_body == '{"n": 1}'
    assert found["broken"].reproduce == "curl -i -X GET http://b/x"
    assert [(each.number, each.response_body) for each in found["fine"].exchanges] == [(2, "")]
    assert found["broken"].evidence == tuple(range(1, 12))


@pytest.mark.parametrize(
    ("judge", "next_step"),
    [
        (lambda _: Violated("a", "b", (1,)), "Run the curl command, then fix app."),
        (lambda _: Violated("a", "b"), "Fix app."),
        (lambda _: _raise(UndecidedError("x")), "Run again with --select place.r."),
        (lambda _: _raise(OSError("x")), "This is a bug in crossapp: report it with the saved history."),
        (lambda _: _raise(LackingError("x")), ""),
        (lambda _: Held((1,)), ""),
    ],
)
def test_a_finding_says_what_to_do_next(judge: Callable[[History], Verdict], next_step: str) -> None:
    found, _ = judged(rule("r", judge), seen=history(exchange(1, "s/x")))
    assert found["r"].next == next_step


def test_what_only_a_browser_saw_has_no_curl_command_to_run() -> None:
    page = Observation(1, "s/page", {"files": ["browser/a.png"]})
    found, _ = judged(rule("r", lambda _: Violated("a", "b", (1,))), seen=history(page))
    assert found["r"].next == "Look at the screenshots and the console, then fix app."


def test_a_rules_own_next_step_is_told_when_it_is_broken() -> None:
    found, _ = judged(rule("r", lambda _: Violated("a", "b"), next_step="Look there."))  # type: ignore[arg-type]
    assert found["r"].next == "Look there."


def test_a_long_or_binary_body_is_cut_and_made_readable() -> None:
    long = exchange_shown(exchange(1, "s/x", body="é".encode() * 5_000))
    assert long.response_body == "é" * 4_000 + "… (10000 bytes in all)"
    assert exchange_shown(exchange(1, "s/x", body=b"\xff\x00a")).response_body == "\\xff\x00a"


def test_levels_are_kept_as_declared() -> None:
    found, _ = judged(rule("should", lambda _: Held((1,)), SHOULD), rule("observe", lambda _: Held((1,)), OBSERVE))
    assert (found["should"].level, found["observe"].level) == ("SHOULD", "OBSERVE")
