"""Small things that tests of the kernel share."""

from collections.abc import Callable
from datetime import date

from harness.history import Context, Entry, Exchange, History, Outcome, StoryOutcome
from harness.report import Source
from harness.requirement import MUST, WHOLE_RECORD, Catalogue, Level, Requirement
from harness.verdict import Held, Verdict, Violated

TODAY = date(2026, 11, 22)
SOURCE = Source("2025-07", "Errors", "words")


def exchange(number: int, step: str, status: int | None = 200, body: bytes = b"{}") -> Exchange:
    """An exchange; without a status it got no answer."""
    outcome = Outcome.ANSWERED if status is not None else Outcome.NO_ANSWER
    return Exchange(
        number, step, "a", "app", "", "GET", "http://b/x", (), b"", outcome, status, (), body, 1_700_000_000.0, 0.01
    )


def history(*entries: Entry, capabilities: frozenset[str] = frozenset(), **ends: str) -> History:
    """A history; `ends` says how stories ended."""
    outcomes = [StoryOutcome(story, ended, "" if ended == "finished" else "why") for story, ended in ends.items()]
    return History(Context("d", "2025-07", {}, capabilities), entries, outcomes)


def rule(
    name: str,
    judge: Callable[[History], Verdict],
    level: Level = MUST,
    stories: tuple[str, ...] = (WHOLE_RECORD,),
    **more: tuple[str, ...],
) -> Requirement:
    """A requirement `place.<name>`."""
    return Requirement(f"place.{name}", f"{name} holds.", level, "app", SOURCE, judge, stories, **more)  # type: ignore[arg-type]


def catalogue_of(*rules: Requirement) -> Catalogue:
    """A catalogue, checked."""
    found = Catalogue()
    for each in rules:
        found.add(each)
    found.check()
    return found


HOLDS = rule("holds", lambda _: Held((1,)))
BREAKS = rule("breaks", lambda _: Violated("a", "b", (1,)))
