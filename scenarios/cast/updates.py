"""Webhooks about one event, as hi.events would send them, and reading their effect at tuvens-api."""

import asyncio
import math
import re
import time
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from random import Random
from typing import Any

from contracts.status_changes import state_of
from contracts.times import iso_millis, parse_iso
from contracts.webhook.wire import status_changed_body
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import newest_of_hi_events
from scenarios.cast.sending import Reply

TITLE = "An evening of songs"
SECONDS = 3.0
"""How long a server may take to apply a webhook that it has accepted."""
_IMPATIENT = 0.3
_PAUSE = 0.05
_AHEAD = 86_400.0
"""Seconds, more than a time zone: what is dated later is no time to follow."""
_NEAR = 2.0

State = Mapping[str, Any]


class Updates:
    """The webhooks about one event of tuvens-api, each dated later than the one before.

    `number` is the event's id at hi.events, `last` the event_sent_at of the newest webhook in Unix seconds.
    """

    def __init__(self, cast: Cast, event_id: str) -> None:
        self.cast = cast
        self.event_id = event_id
        self.number = _number(cast, event_id)
        self.last = 0.0
        self._patience = SECONDS
        self._applies = False
        self._lag = 0.0

    async def reads(self, step: str) -> State:
        """Read the event once; returns it, or an empty mapping if the answer holds none."""
        return event_in(await self.cast.reads_event(step, self.event_id))

    async def begins(self, step: str) -> State:
        """Read the event before the first webhook, so that the webhooks sent from here on are newer than the last one
        it got."""
        state = await self.reads(step)
        contact = state.get("contactData")
        heard = _time(contact.get("hiEventsLastUpdated") if isinstance(contact, dict) else None)
        theirs, tuvens = self.cast.now_at("hi.events"), self.cast.now_at("tuvens-api")
        # A time that only tuvens-api's clock has reached is when it processed the webhook: hi.events' own webhooks
        # would be older than one that is dated so.
        is_processing = theirs + _NEAR < heard <= tuvens + _NEAR
        for newest in (0.0 if is_processing else heard, await newest_of_hi_events(self.cast, self.event_id)):
            if newest < max(theirs, tuvens) + _AHEAD:
                self.last = max(self.last, newest)
        return state

    def next_time(self) -> float:
        """The event_sent_at of the next webhook: now by hi.events' clock, or a millisecond after the last one."""
        now = math.floor(self.cast.now_at("hi.events") * 1000) / 1000
        self.last = max(now, round(self.last + 0.001, 3))
        return self.last

    def body(self, status: str, *, sent_at: float | None = None, title: str = TITLE) -> bytes:
        """The body of a webhook; `sent_at` in Unix seconds, by default later than all before."""
        return status_changed_body(
            event_id=self.number,
            title=title,
            status=status,
            tuvens_event_id=self.event_id,
            sent_at=iso_millis(self.next_time() if sent_at is None else sent_at),
        )

    async def sends(self, step: str, status: str, *, sent_at: float | None = None) -> Reply:
        """Deliver a correctly signed webhook."""
        return await self.cast.delivers(step, self.body(status, sent_at=sent_at))

    async def reads_until(self, step: str, wanted: Callable[[State], bool]) -> State:
        """Read the event until it is as wanted; returns the last reading. Every reading is recorded as this step.

        Waits at most three seconds, and only 0.3 after a time-out where nothing was ever as wanted: a server that
        applies nothing must not hold up the run, and is judged for that alone.
        """
        start = time.monotonic()
        pause = _PAUSE
        first = True
        while True:
            state = await self.reads(step)
            passed = time.monotonic() - start
            if wanted(state):
                self._lag = self._lag if first else max(self._lag, passed)
                self._applies = True
                return state
            if passed + pause > self._patience:
                self._patience = SECONDS if self._applies else _IMPATIENT
                return state
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
            first = False

    async def reads_until_reported(self, step: str, status: str) -> State:
        """Read the event until its status of hi.events is `status`; returns the last reading."""
        return await self.reads_until(step, lambda state: state_of(state).reported == status)

    async def reads_until_changed(self, step: str, before: State) -> State:
        """Read the event until its ticketing status differs from `before`; returns the last reading."""
        return await self.reads_until(step, lambda state: state_of(state).ticketing != state_of(before).ticketing)

    async def reads_unchanged(self, step: str, before: State) -> State:
        """Read the event after a request that must not change it; returns the last reading.

        Reads once, or for twice as long as the server was seen to take to apply a webhook.
        """
        deadline = time.monotonic() + 2 * self._lag
        while True:
            state = await self.reads(step)
            if state_of(state) != state_of(before) or time.monotonic() >= deadline:
                return state
            await asyncio.sleep(2 * _PAUSE)

    async def brings_to(self, step: str, status: str) -> State:
        """Send a webhook and read until the event shows its status: the state that a story starts from. Raises
        StoryStoppedError if the webhook is refused."""
        (await self.sends(step, status)).must("a rightly signed update is refused")
        return await self.reads_until_reported(f"{step}/event", status)


@asynccontextmanager
async def event_with_status(cast: Cast, status: str) -> AsyncIterator[tuple[Updates, State]]:
    """The updates of an event, leased to the story, and its state after a first one (step `base`) with a status. Raises
    StoryStoppedError."""
    async with cast.event() as event:
        updates = Updates(cast, event)
        await updates.begins("begin")
        yield updates, await updates.brings_to("base", status)


def event_in(reply: Reply) -> State:
    """The event in an answer; empty if there is none."""
    return reply.json_object() if reply.ok else {}


def unknown_id(known: str, random: Random) -> str:
    """An event id that no event has, in the form of a known one: a server may refuse another form for that alone."""
    if known.isdigit():
        return str(random.randrange(1_900_000_000, 2_147_000_000))
    try:
        uuid.UUID(known)
    except ValueError:
        return re.sub(r"[0-9]|[a-z]|[A-Z]", lambda match: _like(match.group(), random), known)
    return str(uuid.UUID(int=random.getrandbits(128), version=4))


def _like(character: str, random: Random) -> str:
    if character.isdigit():
        return random.choice("0123456789")
    return random.choice("abcdef" if character.islower() else "ABCDEF")


def _number(cast: Cast, event_id: str) -> int:
    for each in cast.deployment.linked:
        if each.tuvens == event_id and each.hi.isdigit():
            return int(each.hi)
    return 100_000 + zlib.crc32(event_id.encode()) % 100_000


def _time(text: object) -> float:
    try:
        return parse_iso(text) if isinstance(text, str) else 0.0
    except ValueError:
        return 0.0
