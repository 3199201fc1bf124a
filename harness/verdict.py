"""What a judge can say: a closed union, matched with `assert_never`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never


@dataclass(frozen=True, slots=True)
class Held:
    """The rule holds in what was seen. `evidence`: numbers of the exchanges looked at, never empty."""

    evidence: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Violated:
    """The rule is broken. `evidence`: numbers of the exchanges that show it, the plainest first."""

    expected: str
    observed: str
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Blocked:
    """A premise failed, so nothing can be said. `by`: the requirement at the root."""

    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inconclusive:
    """It was tried, and what was seen does not decide it. `remedy`: what would."""

    reason: str
    evidence: tuple[int, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class NotApplicable:
    """The deployment lacks what the rule needs; `reason` says what would make it testable."""

    reason: str


@dataclass(frozen=True, slots=True)
class HarnessFault:
    """A crash of ours, or a run that cannot be trusted: it says nothing about the deployment. `remedy`: what to do."""

    error: str
    remedy: str = ""


Verdict = Held | Violated | Blocked | Inconclusive | NotApplicable | HarnessFault


class VerdictName(StrEnum):
    """A verdict's name in reports. WAIVED and NOT_TESTED are no judge's words.

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
    """The name under which a verdict is reported."""
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
