"""Which requirements a change to some responses can turn red: told by an honest run, so that only those are judged."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import openapi
from contracts.catalogue import catalogue
from harness.history import SHARED, History, StreamEvent
from harness.requirement import WHOLE_RECORD
from simulators.kit.mutants import Mutant

Response = tuple[str, int]
"""An operationId and a status."""
_STREAMED: Response = ("streamEventUpdates", 200)


@dataclass(frozen=True, slots=True)
class Reach:
    """Where responses occur in an honest run: `stories` has those of each story without a browser, `pages` those that
    the pages of a story in a browser, and the servers behind them, got."""

    stories: Mapping[str, frozenset[Response]]
    pages: Mapping[str, frozenset[Response]]

    @classmethod
    def of(cls, history: History, pages: Mapping[str, Iterable[Response]]) -> "Reach":
        """From the record of the stories without a browser, and from what the pages of each story in one got."""
        found: dict[str, set[Response]] = defaultdict(set)
        for each in history.exchanges():
            if each.status is not None:
                found[each.step.partition("/")[0]].add((each.operation, each.status))
        for event in history.entries:
            if isinstance(event, StreamEvent):
                found[event.step.partition("/")[0]].add(_STREAMED)
        return cls(
            {story: frozenset(seen) for story, seen in found.items()},
            {story: frozenset(seen) for story, seen in pages.items()},
        )

    def requirements(self, mutant: Mutant) -> set[str]:
        """The ids of the requirements without a browser that the mutant may turn red."""
        callers = _callers(mutant.operation)
        changed = {
            story
            for story, seen in self.stories.items()
            if any(
                operation in callers or (operation == mutant.operation and status in mutant.statuses)
                for operation, status in seen
            )
        }
        read = {*changed, WHOLE_RECORD}
        # What is shared is prepared for any story.
        return {each.id for each in catalogue() if SHARED in changed or read & {*each.stories}}

    def page_requirements(self, mutant: Mutant) -> set[str]:
        """The ids of the requirements in a browser whose pages, or servers behind them, get such responses."""
        changed = {
            story
            for story, seen in self.pages.items()
            if any(operation == mutant.operation and status in mutant.statuses for operation, status in seen)
        }
        return {each.id for each in catalogue() if changed & {*each.stories}}


def _callers(operation_id: str) -> set[str]:
    """The operations that call this one for each request, and those after which a signed report is sent to it."""
    operation = openapi.find(operation_id)
    found = {each.id for each in openapi.operations() if operation_id in each.calls}
    if any(scheme.signs for scheme in operation.schemes):
        found |= {each.id for each in openapi.operations() if each.changes and each.app != operation.app}
    return found
