"""Events that stories may change, each lent to one story at a time.

A webhook may come after the story that caused it has ended. So the next story gets an event only when tuvens-api shows
what the last one changed, or when that has been waited for long enough.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contracts.status_changes import TICKETING, state_of
from harness.deployment import Deployment, Linked
from harness.story import StoryStoppedError


def _now() -> float:
    return asyncio.get_running_loop().time()


_PAUSE = 0.2
_IMPATIENT = 1.0


@dataclass(frozen=True, slots=True)
class _Due:
    """A status that tuvens-api has been told, or is to be told, `since` a time of the event loop."""

    status: str
    since: float

    def is_shown(self, event: Mapping[str, Any]) -> bool:
        """Whether the JSON of the event at tuvens-api shows it."""
        state = state_of(event)
        if state.reported is not None:
            return bool(state.reported == self.status)
        return bool(state.ticketing == TICKETING.get(self.status, "setup"))


class EventLeases:
    """Lends the events that the deployment file names under `events`; a linked event and its Tuvens event are one.

    `read` reads an event at tuvens-api; `seconds` is how long after a change its webhook may still come. Once one did
    not come in that time, further ones are waited for only briefly: the deployment delivers none.
    """

    def __init__(
        self, deployment: Deployment, read: Callable[[str], Awaitable[Mapping[str, Any]]], *, seconds: float
    ) -> None:
        self._deployment = deployment
        self._read = read
        self._seconds = seconds
        self._tuvens = {each.hi: each.tuvens for each in deployment.linked}
        self._statuses: dict[str, str] = {}
        self._due: dict[str, _Due] = {}
        self._newest: dict[str, float] = defaultdict(float)
        self._leased: set[str] = set()
        self._times_used: dict[str, int] = defaultdict(int)
        self._returned = asyncio.Condition()

    @property
    def candidates(self) -> list[str]:
        """The events that `event` lends: unlinked ones, unless all of them are linked."""
        linked = {each.tuvens for each in self._deployment.linked}
        return [each for each in self._deployment.events if each not in linked] or list(self._deployment.events)

    def made(self, event: Linked) -> None:
        """Note that an event was made at hi.events for a Tuvens event; it is a draft."""
        self._tuvens[event.hi] = event.tuvens
        self._statuses[event.hi] = "DRAFT"

    def known(self, hi_event: str, status: object) -> None:
        """Note the status that hi.events itself shows of an event."""
        self._statuses[hi_event] = str(status)

    def changed(self, hi_event: str, status: str) -> None:
        """Note that an event was, or may have been, set to a status at hi.events: a webhook of it is to come, unless it
        had that status before."""
        event = self._tuvens.get(hi_event)
        if event is not None and self._statuses.get(hi_event) != status:
            self._due[event] = _Due(status, _now())
        self._statuses[hi_event] = status

    def told(self, tuvens_event: str, status: str, sent_at: float) -> None:
        """Note that tuvens-api took a webhook of ours; one that is not newer than the one before changes nothing."""
        if sent_at > self._newest[tuvens_event]:
            self._newest[tuvens_event] = sent_at
            self._due[tuvens_event] = _Due(status, _now())

    def given_up(self, tuvens_event: str) -> None:
        """Note that the webhook of the last change will not come."""
        self._due.pop(tuvens_event, None)

    async def _settle(self, event_id: str) -> None:
        """Wait until tuvens-api shows what the story before changed."""
        due = self._due.pop(event_id, None)
        while due is not None and not due.is_shown(await self._read(event_id)):
            if _now() - due.since > self._seconds:
                self._seconds = min(self._seconds, _IMPATIENT)
                return
            await asyncio.sleep(_PAUSE)

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
            # One for which nothing is to come, and of these the one that was used least.
            free = [each for each in candidates if each not in self._leased]
            event_id = min(free, key=lambda each: (each in self._due, self._times_used[each]))
            self._leased.add(event_id)
            self._times_used[event_id] += 1
        try:
            await self._settle(event_id)
            yield event_id
        finally:
            async with self._returned:
                self._leased.discard(event_id)
                self._returned.notify_all()
