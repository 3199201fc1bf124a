"""Which violations have one cause: the same deviation, or the same difference from a document."""

import re
from collections.abc import Sequence

from harness.history import Exchange, History
from harness.requirement import Requirement
from harness.verdict import Verdict, Violated

# Their headers have rules of their own, and no other rule finds anything in them.
_APART = "/headers/x-ratelimit"


def cause_of(requirement: Requirement, verdict: Verdict, history: History, explained: Sequence[str]) -> str:
    """The cause of a violation, equal for all that it violates; empty for other verdicts.

    It is the known deviation that explains it; else the difference from the document in the exchange that shows it,
    where the verdict speaks of that difference; else the requirement itself.
    """
    if not isinstance(verdict, Violated):
        return ""
    if explained:
        return explained[0]
    shown = next((history.numbered(number) for number in verdict.evidence), None)
    difference = _difference(shown, f"{verdict.expected} {verdict.observed}") if isinstance(shown, Exchange) else ""
    if not difference or shown.callee != requirement.obliged:  # type: ignore[union-attr]  # an exchange has a difference
        return requirement.id
    return f"{requirement.obliged}: {difference}"


def _difference(exchange: Exchange, said: str) -> str:
    """How an exchange differs from its document, if the verdict speaks of it: its pointer, or an undocumented status or
    a server error with the operation."""
    problems = [str(each).partition(": ")[0] for each in exchange.facts.get("problems", ())]
    for pointer in problems:
        if pointer.startswith(_APART):
            continue
        if pointer == "/status":
            break
        if _speaks_of(said, pointer.rpartition("/")[2]):
            return pointer
    if exchange.status is not None and (exchange.status >= 500 or "/status" in problems):
        return f"{exchange.status} of {exchange.operation}" if _speaks_of(said, str(exchange.status)) else ""
    return ""


def _speaks_of(said: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said) is not None
