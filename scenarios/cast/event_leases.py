"""Events that stories may change, each lent to one story at a time.

A webhook may come after the story that caused it has ended. So the next story gets an event only when tuvens-api shows
what the last one changed, or when that has been waited for long enough.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from contracts.status_changes import TICKETING, state_of
from harness.deployment import Deployment, Linked
from harness.places import place_lent
from harness.story import StoryStoppedError


def _now() -> float:
    return asyncio.get_running_loop().time()


_PAUSE = 0.2
_IMPATIENT = 1.0
# Seconds after which it is told that a story waits for the events of others.
_TOLD_AFTER = 10.0

Waits = Callable[[str, float, str], AbstractContextManager[None]]
"""A block in which a story waits, at most so many seconds, for something."""


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

    `read` reads an event at tuvens-api; `note` is called with each event before a story gets it; `waits` is told when a
    story waits for long; `seconds` is how long after a change its webhook may still come, `longest` how long a story
    may wait for an event that others use. Once a webhook did not come in its time, further ones are waited for only
    briefly: the deployment delivers none.
    """

    def __init__(
        self,
        deployment: Deployment,
        read: Callable[[str], Awaitable[Mapping[str, Any]]],
        waits: Waits,
        note: Callable[[Linked], Awaitable[None]],
        *,
        seconds: float,
        longest: float,
    ) -> None:
        self._deployment = deployment
        self._read = read
        self._waits = waits
        self._note = note
        self._seconds = seconds
        self._longest = longest
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
        events = self._deployment.changeable_events
        return [each for each in events if each not in linked] or list(events)

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

    def newest(self, hi_event: str) -> float:
        """The event_sent_at of our newest webhook about an event of hi.events, in Unix seconds; 0 if we sent none."""
        return self._newest.get(self._tuvens.get(hi_event, ""), 0.0)

    def given_up(self, tuvens_event: str) -> None:
        """Note that the webhook of the last change will not come."""
        self._due.pop(tuvens_event, None)

    async def _settle(self, story: str, event_id: str) -> None:
        """Let a story wait until tuvens-api shows what the one before changed."""
        due = self._due.pop(event_id, None)
        if due is None or due.is_shown(await self._read(event_id)):
            return
        left = max(due.since + self._seconds - _now(), 0.0)
        with self._waits(story, left, f"tuvens-api shows the last change of event {event_id} ({due.status})"):
            while _now() - due.since <= self._seconds:
                await asyncio.sleep(_PAUSE)
                if due.is_shown(await self._read(event_id)):
                    return
        self._seconds = min(self._seconds, _IMPATIENT)

    @asynccontextmanager
    async def event(self, story: str) -> AsyncIterator[str]:
        """The id of an event of the organiser's account that no other story than this one changes inside the block.

        Waits until one is free. Raises StoryStoppedError if the deployment names none.
        """
        events = [Linked("", each) for each in self.candidates]
        async with self._lease(story, events, "events.tuvens") as event:
            yield event.tuvens

    @asynccontextmanager
    async def linked_event(self, story: str) -> AsyncIterator[Linked]:
        """As `event`, for an event that exists in tuvens-api and in hi.events."""
        async with self._lease(story, self._deployment.changeable_linked, "events.linked") as event:
            yield event

    async def _one_is_free(self, story: str, candidates: list[str], field: str) -> None:
        """Let a story wait until another one gives an event back."""

        def free() -> bool:
            return not self._leased.issuperset(candidates)

        try:
            async with asyncio.timeout(_TOLD_AFTER):
                await self._returned.wait_for(free)
        except TimeoutError:
            with self._waits(story, self._longest, f"other stories use all events ({field}: name more of them)"):
                await self._returned.wait_for(free)

    @asynccontextmanager
    async def _lease(self, story: str, events: Sequence[Linked], field: str) -> AsyncIterator[Linked]:
        by_id = {each.tuvens: each for each in events}
        candidates = list(by_id)
        if not candidates:
            raise StoryStoppedError(f"no event may be changed: name some in {field}")
        async with self._returned:
            with place_lent():
                await self._one_is_free(story, candidates, field)
            # One for which nothing is to come, and of these the one that was used least.
            free = [each for each in candidates if each not in self._leased]
            event_id = min(free, key=lambda each: (each in self._due, self._times_used[each]))
            self._leased.add(event_id)
            self._times_used[event_id] += 1
        try:
            await self._settle(story, event_id)
            await self._note(by_id[event_id])
            yield by_id[event_id]
        finally:
            async with self._returned:
                self._leased.discard(event_id)
                self._returned.notify_all()
