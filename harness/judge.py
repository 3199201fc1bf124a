"""Judges requirements by a history. Pure: it uses no network, and no clock but the day that it is given."""

import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import assert_never

from harness.capabilities import remedy_for
from harness.causes import causes_of, chosen
from harness.deployment import Deviation
from harness.effects import NOT_ATTACKED
from harness.expectations import (
    BrokenAnswerError,
    BrokenRuleError,
    LackingError,
    UnaskedError,
    UndecidedError,
    UnseenError,
)
from harness.findings import finding_of
from harness.history import DOES_NOT_HOLD, History, NothingObservedError, StoryOutcome, UndeclaredStoryError
from harness.known_deviations import Explanations, KnownDeviation
from harness.report import Finding
from harness.requirement import Catalogue, Requirement
from harness.verdict import Blocked, HarnessFault, Held, Inconclusive, NotApplicable, Verdict, Violated, lets_through


def judge_all(
    catalogue: Catalogue,
    selected: Sequence[Requirement],
    history: History,
    deviations: Sequence[Deviation],
    today: date,
    known: Iterable[KnownDeviation] = (),
) -> tuple[list[Finding], list[str]]:
    """Judges the selected requirements: a finding for each, and the problems with the declared deviations.

    A rule is Blocked where a premise of it among the selected does not hold, and the root of a chain of premises is
    named. A premise that is violated as declared (waived) blocks nothing. `today` decides which deviations are past
    their date. Of the `known` deviations a declared one waives the violations that it explains, and where it explains
    only a part of one, the rest is reported.
    """
    verdicts: dict[str, Verdict] = {}
    explained: dict[str, tuple[str, ...]] = {}
    wanted = {each.id for each in selected}
    explanations = Explanations(history, known)
    unfinished = history.unfinished
    in_force = [each for each in deviations if today <= each.until]

    def waived(requirement: Requirement) -> Deviation | None:
        names = explained.get(requirement.id, ())
        declared = {each.name: each for each in in_force if each.name in names}
        if names and len(declared) == len(names):
            return declared[names[0]]
        return next((each for each in in_force if _applies(each, requirement)), None)

    def judged(requirement: Requirement) -> Verdict:
        verdict = judge_one(requirement, history)
        if not isinstance(verdict, Violated):
            return verdict
        names = explanations.of(lambda record: judge_one(requirement, record))
        declared = tuple(each.name for each in in_force if explanations.shows(each.name))
        left = tuple(each for each in names if each not in declared)
        explained[requirement.id] = left or names
        record = explanations.without(declared)
        if declared and record is not None and (left or not names):
            # What is left beside the declared deviations is what is wrong.
            rest = judge_one(requirement, record)
            return rest if isinstance(rest, Violated) else verdict
        return verdict

    def verdict_of(requirement: Requirement) -> Verdict:
        if requirement.id not in verdicts:
            verdict = stopped_by_premise(requirement) or judged(requirement)
            verdicts[requirement.id] = verdict
            if isinstance(verdict, Blocked) and verdict.by in wanted:
                # A judge may itself name what blocks it, and that may be blocked in turn: the root is named.
                premise = verdict_of(catalogue[verdict.by])
                if isinstance(premise, Blocked):
                    verdicts[requirement.id] = premise
        return verdicts[requirement.id]

    def stopped_by_premise(requirement: Requirement) -> Verdict | None:
        lacking = next((need for need in requirement.needs if need not in history.context.capabilities), None)
        if lacking is not None:
            return NotApplicable(remedy_for(lacking, history.context.kinds), lacking)
        if unended := [each for each in requirement.stories if each in unfinished]:
            return Inconclusive(f"the run was stopped before the story {unended[0]} ended")
        for premise_id in requirement.depends_on:
            if premise_id not in wanted:
                continue
            premise = catalogue[premise_id]
            found = verdict_of(premise)
            match found:
                case _ if lets_through(found):
                    continue
                case Violated():
                    if waived(premise) is None:
                        return Blocked(premise_id, f"{premise.statement} Observed: {found.observed}")
                case Blocked():
                    return found
                case NotApplicable() if premise.judges_any_traffic:
                    # It found nothing to look at in the record, which is nothing against the rules that rest on it.
                    continue
                case Inconclusive(reason=reason):
                    return Blocked(premise_id, reason)
                case HarnessFault(error=error):
                    return Blocked(premise_id, error)
                case NotApplicable() | Held():
                    return found
                case _:
                    assert_never(found)
        return None

    def causes(requirement: Requirement) -> tuple[str, ...]:
        """That the run was stopped, or the causes of a violation; where known deviations do not explain all of it, of
        what is left without them."""
        verdict, names = found[requirement.id], explained.get(requirement.id, ())
        if isinstance(verdict, Inconclusive) and unfinished.intersection(requirement.stories):
            return ("the run was stopped",)
        if not isinstance(verdict, Violated) or names:
            return causes_of(requirement, verdict, history, names)
        record = explanations.record_without_all()
        rest = judge_one(requirement, record) if record is not history else verdict
        return causes_of(requirement, rest if isinstance(rest, Violated) else verdict, record, names)

    found = {each.id: verdict_of(each) for each in selected}
    cause = chosen({each.id: causes(each) for each in selected})
    findings = [
        finding_of(
            each,
            found[each.id],
            history,
            waived(each),
            explained.get(each.id, ()),
            cause[each.id],
        )
        for each in selected
    ]
    problems = [
        *_problems_of_rules(selected, verdicts, [each for each in deviations if not each.name], today),
        *_problems_of_names(verdicts, explained, [each for each in deviations if each.name], explanations, today),
    ]
    return findings, problems


def judge_one(requirement: Requirement, history: History) -> Verdict:
    """The verdict of one rule, without regard to its premises. Only the judge's own return can be Held.

    The judge gets the stories that the rule declares and nothing else; a rule of the whole record gets all of it.
    """
    seen = history if requirement.reads_whole_record else history.narrowed(requirement.stories)
    try:
        verdict = requirement.judge(seen)
    except NothingObservedError as nothing:
        return _unobserved(nothing, history)
    except BrokenAnswerError as broken:
        callee = broken.answer.callee
        if callee == requirement.obliged:
            return broken.violated
        wanted = f"{broken.violated.expected}, not {broken.violated.observed}"
        return Inconclusive(f"{callee} had to return {wanted} (exchange {broken.answer.number})")
    except BrokenRuleError as broken:
        return broken.violated
    except UndecidedError as undecided:
        if isinstance(undecided, UnseenError) and "production" in history.context.kinds:
            return NotApplicable(f"{NOT_ATTACKED}: {undecided}", blocks=False)
        unasked = isinstance(undecided, UnaskedError)
        return Inconclusive(str(undecided), remedy=undecided.remedy, blocks=undecided.blocks, unasked=unasked)
    except LackingError as lacking:
        return NotApplicable(str(lacking), blocks=lacking.blocks)
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
            return Inconclusive(f"the story {story} was not driven, so {nothing.step!r} never happened", unasked=True)
        case StoryOutcome(ended="crashed"):
            return HarnessFault(f"the story {story} crashed before {nothing.step!r}: {outcome.reason}")
        case StoryOutcome(ended="skipped"):
            return NotApplicable(outcome.reason)
        case StoryOutcome(ended="finished", reason=left_out) if left_out:
            return NotApplicable(left_out)
        case StoryOutcome(ended="finished"):
            text = f"{nothing.step!r} never happened, though the story {story} went to its end"
            return Inconclusive(text, unasked=True)
        case StoryOutcome(reason=reason) if reason.endswith(DOES_NOT_HOLD):
            return Blocked(reason.removesuffix(DOES_NOT_HOLD), f"the story {story} was not driven: {reason}")
        case _:
            return Inconclusive(f"the story {story} stopped before {nothing.step!r}: {outcome.reason}")


def _applies(deviation: Deviation, requirement: Requirement) -> bool:
    if deviation.name or (deviation.target and deviation.target != requirement.obliged):
        return False
    return fnmatchcase(requirement.id, deviation.requirement)


def _problems_of_rules(
    selected: Sequence[Requirement], verdicts: Mapping[str, Verdict], deviations: Sequence[Deviation], today: date
) -> Iterator[str]:
    for deviation in deviations:
        concerned = [each for each in selected if _applies(deviation, each)]
        found = [verdicts[each.id] for each in concerned]
        if concerned:
            happens = any(isinstance(each, Violated) for each in found)
            gone = all(isinstance(each, Held) for each in found)
            yield from _problem(deviation, today, happens=happens, gone=gone)


def _problems_of_names(
    verdicts: Mapping[str, Verdict],
    explained: Mapping[str, Sequence[str]],
    deviations: Sequence[Deviation],
    explanations: Explanations,
    today: date,
) -> Iterator[str]:
    for deviation in deviations:
        happens = any(
            deviation.name in names and isinstance(verdicts[rule], Violated) for rule, names in explained.items()
        )
        would_show = [verdicts[each] for each in explanations.shows_in(deviation.name) if each in verdicts]
        gone = bool(would_show) and all(isinstance(each, Held) for each in would_show)
        yield from _problem(deviation, today, happens=happens, gone=gone)


def _problem(deviation: Deviation, today: date, *, happens: bool, gone: bool) -> Iterator[str]:
    if today > deviation.until and happens:
        yield (
            f"the deviation {deviation.what} was waived until {deviation.until} (owner {deviation.owner}) and is still "
            f"there"
        )
    elif gone and not happens:
        yield (
            f"the deviation {deviation.what} (owner {deviation.owner}) no longer happens: take it out of the "
            f"deployment file"
        )
