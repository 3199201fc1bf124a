"""Judges requirements by a history. Pure: it reads no network, and of clocks only the day that it is given."""

import traceback
from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import assert_never

from harness.capabilities import remedy_for
from harness.curl import curl
from harness.deployment import Deviation
from harness.history import (
    DOES_NOT_HOLD,
    Exchange,
    History,
    NothingObservedError,
    Observation,
    Outcome,
    StoryOutcome,
    UndeclaredStoryError,
)
from harness.judging import BrokenRuleError, LackingError, UndecidedError
from harness.report import Finding, Shown, Waiver
from harness.requirement import Catalogue, Requirement
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

_SHOWN_BODY = 4_000
_SHOWN_EXCHANGES = 6


def judge_all(
    catalogue: Catalogue,
    selected: Sequence[Requirement],
    history: History,
    deviations: Sequence[Deviation],
    today: date,
) -> tuple[list[Finding], list[str]]:
    """A finding for each selected requirement, and the problems of the declared deviations.

    A premise that was violated as declared (waived) does not block what depends on it.
    """
    verdicts: dict[str, Verdict] = {}
    wanted = {each.id for each in selected}

    def waived(requirement: Requirement) -> Deviation | None:
        return next((each for each in deviations if _applies(each, requirement) and today <= each.until), None)

    def verdict_of(requirement: Requirement) -> Verdict:
        if requirement.id not in verdicts:
            verdict = _stopped_by_premise(requirement) or judge_one(requirement, history)
            verdicts[requirement.id] = verdict
            if isinstance(verdict, Blocked) and verdict.by in wanted:
                # A judge may name what blocks it, which may itself be blocked: the root is told.
                premise = verdict_of(catalogue[verdict.by])
                if isinstance(premise, Blocked):
                    verdicts[requirement.id] = premise
        return verdicts[requirement.id]

    def _stopped_by_premise(requirement: Requirement) -> Verdict | None:
        lacking = next((need for need in requirement.needs if need not in history.context.capabilities), None)
        if lacking is not None:
            return NotApplicable(remedy_for(lacking))
        for premise_id in requirement.depends_on:
            if premise_id not in wanted:
                continue
            premise = catalogue[premise_id]
            found = verdict_of(premise)
            match found:
                case Held():
                    continue
                case Violated():
                    if waived(premise) is None:
                        return Blocked(premise_id, f"{premise.statement} Observed: {found.observed}")
                case Blocked():
                    return found
                case Inconclusive(reason=reason):
                    return Blocked(premise_id, reason)
                case HarnessFault(error=error):
                    return Blocked(premise_id, error)
                case NotApplicable():
                    return found
                case _:
                    assert_never(found)
        return None

    findings = [_finding(each, verdict_of(each), history, waived(each)) for each in selected]
    return findings, _deviation_problems(selected, verdicts, deviations, today)


def judge_one(requirement: Requirement, history: History) -> Verdict:
    """The verdict of one rule, without regard to its premises. Only the judge's own return can be Held.

    The judge gets the stories that the rule declares and nothing else; a rule of the whole record gets all of it.
    """
    seen = history if requirement.reads_whole_record else history.narrowed(requirement.stories)
    try:
        verdict = requirement.judge(seen)
    except NothingObservedError as nothing:
        return _unobserved(nothing, history)
    except BrokenRuleError as broken:
        return broken.violated
    except UndecidedError as undecided:
        return Inconclusive(str(undecided))
    except LackingError as lacking:
        return NotApplicable(str(lacking))
    except UndeclaredStoryError as undeclared:
        return HarnessFault(
            f"{requirement.id} reads the story {undeclared.story}, which it does not declare",
            f"Declare {undeclared.story} among the rule's stories, or do not read it.",
        )
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        return HarnessFault(f"the judge crashed: {type(error).__name__}: {error} ({where.name}, line {where.lineno})")
    if isinstance(verdict, Held) and not verdict.evidence:
        return HarnessFault("the judge said Held and named no evidence")
    if not isinstance(verdict, Verdict):
        return HarnessFault(f"the judge returned no verdict but {type(verdict).__name__}")
    return verdict


def _unobserved(nothing: NothingObservedError, history: History) -> Verdict:
    story = nothing.step.partition("/")[0]
    outcome = history.stories.get(story)
    match outcome:
        case None:
            return Inconclusive(f"the story {story} was not driven, so {nothing.step!r} never happened")
        case StoryOutcome(ended="crashed"):
            return HarnessFault(f"the story {story} crashed before {nothing.step!r}: {outcome.reason}")
        case StoryOutcome(ended="skipped"):
            return NotApplicable(outcome.reason)
        case StoryOutcome(ended="finished"):
            return Inconclusive(f"{nothing.step!r} never happened, though the story {story} went to its end")
        case StoryOutcome(reason=reason) if reason.endswith(DOES_NOT_HOLD):
            return Blocked(reason.removesuffix(DOES_NOT_HOLD), f"the story {story} was not driven: {reason}")
        case _:
            return Inconclusive(f"the story {story} stopped before {nothing.step!r}: {outcome.reason}")


def _applies(deviation: Deviation, requirement: Requirement) -> bool:
    if deviation.target and deviation.target != requirement.obliged:
        return False
    return fnmatchcase(requirement.id, deviation.requirement)


def _deviation_problems(
    selected: Sequence[Requirement], verdicts: Mapping[str, Verdict], deviations: Sequence[Deviation], today: date
) -> list[str]:
    problems = []
    for deviation in deviations:
        concerned = [each for each in selected if _applies(deviation, each)]
        found = [verdicts[each.id] for each in concerned]
        if not concerned:
            continue
        happens = any(isinstance(each, Violated) for each in found)
        if today > deviation.until and happens:
            problems.append(
                f"the deviation {deviation.requirement} was waived until {deviation.until} (owner {deviation.owner}) "
                f"and is still there"
            )
        elif not happens and all(isinstance(each, Held) for each in found):
            problems.append(
                f"the deviation {deviation.requirement} (owner {deviation.owner}) no longer happens: take it out of "
                f"the deployment file"
            )
    return problems


def _finding(requirement: Requirement, verdict: Verdict, history: History, deviation: Deviation | None) -> Finding:
    expected = observed = reason = blocked_by = remedy = ""
    evidence: tuple[int, ...] = ()
    name = name_of(verdict)
    match verdict:
        case Held(evidence=evidence, note=reason):
            pass
        case Violated(expected=expected, observed=observed, evidence=evidence):
            if deviation is not None:
                name = VerdictName.WAIVED
                reason = deviation.reason
        case Blocked(by=blocked_by, reason=reason):
            pass
        case Inconclusive(reason=reason, evidence=evidence, remedy=remedy):
            pass
        case NotApplicable(reason=reason):
            pass
        case HarnessFault(error=reason, remedy=remedy):
            pass
        case _:
            assert_never(verdict)
    shown = _exchanges(history, evidence, whole=name is not VerdictName.HELD)
    if isinstance(verdict, Held):
        again = [
            f"exchange {each.number} was sent again after {each.sent_again_after[0]}"
            for each in shown
            if each.sent_again_after
        ]
        reason = "; ".join([reason, *again] if reason else again)
    return Finding(
        requirement=requirement.id,
        statement=requirement.statement,
        level=requirement.level,
        obliged=requirement.obliged,
        verdict=name,
        claims=requirement.settles,
        source=requirement.source,
        expected=expected,
        observed=observed,
        reason=reason,
        blocked_by=blocked_by,
        reproduce=next((each.curl for each in shown if each.curl), ""),
        next=remedy or _next_step(requirement, name, blocked_by),
        evidence=evidence,
        exchanges=shown,
        files=_files(history, evidence) if name is not VerdictName.HELD else (),
        waiver=_waiver(deviation) if name is VerdictName.WAIVED else None,
    )


def _waiver(deviation: Deviation | None) -> Waiver | None:
    if deviation is None:
        return None
    return Waiver(deviation.requirement, deviation.reason, deviation.owner, deviation.until.isoformat())


def _next_step(requirement: Requirement, verdict: VerdictName, blocked_by: str) -> str:
    match verdict:
        case VerdictName.VIOLATED:
            return requirement.next_step or f"Run the curl command, then mend {requirement.obliged}."
        case VerdictName.BLOCKED:
            return f"Mend {blocked_by} first."
        case VerdictName.HARNESS_FAULT:
            return "A fault of crossapp: report it with the saved history."
        case VerdictName.INCONCLUSIVE:
            return f"Run again with --select {requirement.id}."
        case _:
            return ""


def _exchanges(history: History, evidence: Sequence[int], *, whole: bool) -> tuple[Shown, ...]:
    found = (history.numbered(number) for number in evidence[:_SHOWN_EXCHANGES])
    return tuple(
        show(each, whole=whole, sent_again_after=[_came_of(earlier) for earlier in history.earlier_tries(each)])
        for each in found
        if isinstance(each, Exchange)
    )


def _came_of(earlier: Exchange) -> str:
    came = f"{earlier.status}" if earlier.outcome is Outcome.ANSWERED else f"no answer: {earlier.error}"
    return f"exchange {earlier.number} got {came}"


def _files(history: History, evidence: Sequence[int]) -> tuple[str, ...]:
    """The files that observations name as what shows them."""
    found = (history.numbered(number) for number in evidence)
    named = (str(file) for each in found if isinstance(each, Observation) for file in each.values.get("files", ()))
    return tuple(dict.fromkeys(named))


def show(exchange: Exchange, *, whole: bool = True, sent_again_after: Sequence[str] = ()) -> Shown:
    """An exchange for a report; `whole` with headers and bodies (cut to 4,000 characters)."""
    return Shown(
        number=exchange.number,
        step=exchange.step,
        caller=exchange.caller,
        callee=exchange.callee,
        method=exchange.method,
        url=exchange.url,
        outcome=exchange.outcome,
        status=exchange.status,
        milliseconds=round(exchange.seconds * 1000, 3),
        request_headers=exchange.request_headers if whole else (),
        request_body=_readable(exchange.request_body) if whole else "",
        response_headers=exchange.response_headers if whole else (),
        response_body=_readable(exchange.response_body) if whole else "",
        error=exchange.error,
        curl=curl(exchange),
        sent_again_after=tuple(sent_again_after),
    )


def _readable(body: bytes) -> str:
    text = body[: _SHOWN_BODY * 4].decode("utf-8", "backslashreplace")
    return text if len(text) <= _SHOWN_BODY else f"{text[:_SHOWN_BODY]}… ({len(body)} bytes in all)"
