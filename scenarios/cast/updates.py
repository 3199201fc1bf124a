"""Updates of one event, as hi.events would send them: each later than the one before, and read back at tuvens-api."""

import asyncio
import math
import re
import time
import uuid
import zlib
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from contracts.status_changes import state_of
from contracts.times import iso_millis, parse_iso
from contracts.webhook.wire import status_changed_body
from harness.http import WireError
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Reply

TITLE = "An evening of songs"
SECONDS = 3.0
"""How long a server may take to apply what it has accepted."""
_IMPATIENT = 0.3
_PAUSE = 0.05
_AHEAD = 300.0

State = Mapping[str, Any]


class Updates:
    """What hi.events sends about one event of tuvens-api.

    `number` is hi.events' number of it, `last` the event_sent_at (Unix seconds) of the newest update.
    """

    def __init__(self, cast: Cast, event_id: str) -> None:
        self.cast = cast
        self.event_id = event_id
        self.number = _number(cast, event_id)
        self.last = 0.0
        self._patience = SECONDS
        self._lag = 0.0

    async def reads(self, step: str) -> State:
        """Read the event once; empty where that gives no event."""
        return event_in(await self.cast.reads_event(step, self.event_id))

    async def begins(self, step: str) -> State:
        """Read the event before anything is sent: what is sent from here on is newer than what it heard of last.

        hi.events may have told of it before, by a clock that is ahead of ours.
        """
        state = await self.reads(step)
        contact = state.get("contactData")
        heard = _time(contact.get("hiEventsLastUpdated") if isinstance(contact, dict) else None)
        if heard < self.cast.now() + _AHEAD:
            self.last = max(self.last, heard)
        return state

    def next_time(self) -> float:
        """The event_sent_at of the next update: now by hi.events' clock, which may have dated an update of this event
        itself, or a millisecond after the last one."""
        now = math.floor((self.cast.now() + self.cast.stage.lead("hi.events")) * 1000) / 1000
        self.last = max(now, round(self.last + 0.001, 3))
        return self.last

    def body(self, status: str, *, sent_at: float | None = None, title: str = TITLE) -> bytes:
        """The body of an update; `sent_at` in Unix seconds, by default later than all before."""
        return status_changed_body(
            event_id=self.number,
            title=title,
            status=status,
            tuvens_event_id=self.event_id,
            sent_at=iso_millis(self.next_time() if sent_at is None else sent_at),
        )

    async def sends(self, step: str, status: str, *, sent_at: float | None = None) -> Reply:
        """Deliver a rightly signed update."""
        return await self.cast.delivers(step, self.body(status, sent_at=sent_at))

    async def reads_until(self, step: str, wanted: Callable[[State], bool]) -> State:
        """Read the event until it is as wanted, every time as this step; the last reading.

        Waits at most three seconds, and after having waited in vain once no longer that long: a server that applies
        nothing shall not hold up the run.
        """
        start = time.monotonic()
        pause = _PAUSE
        first = True
        while True:
            state = await self.reads(step)
            passed = time.monotonic() - start
            if wanted(state):
                self._lag = self._lag if first else max(self._lag, passed)
                return state
            if passed + pause > self._patience:
                self._patience = _IMPATIENT
                return state
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, 0.5)
            first = False

    async def reads_until_changed(self, step: str, before: State) -> State:
        """Read the event until its ticketing status is another."""
        return await self.reads_until(step, lambda state: state_of(state).ticketing != state_of(before).ticketing)

    async def reads_unchanged(self, step: str, before: State) -> State:
        """Read the event after what must not change it; the last reading.

        A server that was seen to apply updates after its answer is watched for twice as long as that took.
        """
        deadline = time.monotonic() + 2 * self._lag
        while True:
            state = await self.reads(step)
            if state_of(state) != state_of(before) or time.monotonic() >= deadline:
                return state
            await asyncio.sleep(2 * _PAUSE)

    async def brings_to(self, step: str, status: str) -> State:
        """Send an update and read until the event tells of it: where other steps start from. Raises
        StoryStoppedError where the update is refused."""
        (await self.sends(step, status)).must("a rightly signed update is refused")
        return await self.reads_until(f"{step}/event", lambda state: state_of(state).reported == status)


def event_in(reply: Reply) -> State:
    """The event in an answer; empty where there is none."""
    if not reply.ok or reply.answer is None:
        return {}
    try:
        value = reply.answer.json()
    except WireError:
        return {}
    return value if isinstance(value, dict) else {}


def unknown_id(known: str, random: Random) -> str:
    """An event id of the same form as a known one, which no event has.

    A server may refuse an id of another form for its form alone, which would say nothing about unknown events.
    """
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
