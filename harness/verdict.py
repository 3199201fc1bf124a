"""Verdicts: the closed union of what a judge returns, matched with `assert_never`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Held:
    """The rule holds in all that was observed. `evidence`: numbers of the entries examined, never empty."""

    evidence: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Violated:
    """The rule is broken. `evidence`: numbers of the entries that show it, the clearest first. `parts`: the
    violations of which this one is made, where a rule found several. `check`: the check that failed, where several
    rules make it."""

    expected: str
    observed: str
    evidence: tuple[int, ...] = ()
    parts: tuple["Violated", ...] = ()
    check: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A premise failed, so the rule cannot be judged. `by`: the requirement at the root."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """What was observed does not decide the rule. `remedy`: what would decide it. `blocks`: whether the rules that rest
    on it are undecided, too. `unasked`: because a step that the rule reads never happened."""

    reason: str
    evidence: tuple[int, ...] = ()
    remedy: str = ""
    blocks: bool = True
    unasked: bool = False


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The deployment lacks a capability that the rule needs; `reason` says what would make it testable. `lacks`: the
    capability if the rule declares it as a need. `blocks`: whether the rules that rest on it lack it, too."""

    reason: str
    lacks: str = ""
    blocks: bool = True


@dataclass(frozen=True, slots=True)
class HarnessFault:
    """crossapp crashed, or the run cannot be trusted; says nothing about the deployment. `remedy`: what to do."""

    error: str
    remedy: str = ""


Verdict = Held | Violated | Blocked | Inconclusive | NotApplicable | HarnessFault


def lets_through(premise: Verdict) -> bool:
    """Whether what rests on a premise with this verdict can be judged."""
    match premise:
        case Held() | Inconclusive(blocks=False) | NotApplicable(blocks=False):
            return True
        case _:
            return False


class VerdictName(StrEnum):
    """The name of a verdict in reports. No judge returns WAIVED or NOT_TESTED.

    WAIVED: a declared deviation happened. NOT_TESTED: no requirement of the run covers a claim.
    """

    HELD = "held"
    VIOLATED = "violated"
    BLOCKED = "blocked"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not_applicable"
    HARNESS_FAULT = "harness_fault"
    WAIVED = "waived"
    NOT_TESTED = "not_tested"


def name_of(verdict: Verdict) -> VerdictName:
    """The name of a verdict in reports."""
    match verdict:
        case Held():
            return VerdictName.HELD
        case Violated():
            return VerdictName.VIOLATED
        case Blocked():
            return VerdictName.BLOCKED
        case Inconclusive():
            return VerdictName.INCONCLUSIVE
        case NotApplicable():
            return VerdictName.NOT_APPLICABLE
        case HarnessFault():
            return VerdictName.HARNESS_FAULT
        case _:
            assert_never(verdict)
