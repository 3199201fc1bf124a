"""Events that stories may change, each lent to one story at a time."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.deployment import Deployment, Linked
from harness.story import StoryStoppedError


class EventLeases:
    """Lends the events that the deployment file names under `events`."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._leased: set[str] = set()
        self._times_used: dict[str, int] = defaultdict(int)
        self._returned = asyncio.Condition()

    @property
    def candidates(self) -> list[str]:
        """The events that `event` lends: unlinked ones, unless all of them are linked."""
        linked = {each.tuvens for each in self._deployment.linked}
        return [each for each in self._deployment.events if each not in linked] or list(self._deployment.events)

    @asynccontextmanager
    async def event(self) -> AsyncIterator[str]:
        """The id of an event of the organiser's account that no other story changes inside the block.

        Waits until one is free. Raises StoryStoppedError if the deployment names none.
        """
        async with self._lease(self.candidates, "events.tuvens") as event_id:
            yield event_id

    @asynccontextmanager
    async def linked_event(self) -> AsyncIterator[Linked]:
        """As `event`, for an event that exists in tuvens-api and in hi.events."""
        by_id = {each.tuvens: each for each in self._deployment.linked}
        async with self._lease(list(by_id), "events.linked") as event_id:
            yield by_id[event_id]

    @asynccontextmanager
    async def _lease(self, candidates: list[str], field: str) -> AsyncIterator[str]:
        if not candidates:
            raise StoryStoppedError(f"no event may be changed: name some in {field}")
        async with self._returned:
            await self._returned.wait_for(lambda: not self._leased.issuperset(candidates))
            # The least used one: the next story is then least likely to see what this one leaves behind.
            free = [each for each in candidates if each not in self._leased]
            event_id = min(free, key=lambda each: self._times_used[each])
            self._leased.add(event_id)
            self._times_used[event_id] += 1
        try:
            yield event_id
        finally:
            async with self._returned:
                self._leased.discard(event_id)
                self._returned.notify_all()
