"""hi.events reports each status that an event can have, and tuvens-api stores it."""

import asyncio
import time

from contracts.status_changes import TICKETING, state_of
from contracts.times import parse_http_date
from harness.effects import Effect
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.updates import State, Updates
from scenarios.catalogue import story

OPERATIONS = ("receiveEventStatusChanged", "getEvent")
_STATUSES = ("LIVE", "CANCELLED", "DRAFT", "ENDED", "ARCHIVED", "POSTPONED", "live")
_APART = 2.0
_PAUSE = 0.4


@story(does={Effect.READ, Effect.CHANGE}, needs=("events",), operations=OPERATIONS)
async def statuses_are_reported(cast: Cast) -> None:
    """An event goes live, is cancelled, drafted, ended, archived, postponed; before each it is in another state."""
    async with cast.event() as event:
        updates = Updates(cast, event)
        state = await updates.begins("begin")
        for status in _STATUSES:
            state = await _with_another_status(updates, status, state)
            await updates.sends(f"{status}/update", status)
            state = await updates.reads_until_changed(f"{status}/after", state)


async def _with_another_status(updates: Updates, status: str, state: State) -> State:
    """Give the event a ticketing status other than that of `status`, so that the change shows."""
    for aside in ("LIVE", "CANCELLED"):
        if state_of(state).ticketing == TICKETING.get(status, "setup"):
            await updates.sends(f"{status}/aside", aside)
            state = await updates.reads_until_changed(f"{status}/before", state)
    return state


@story(does={Effect.READ, Effect.CHANGE}, needs=("events",), operations=OPERATIONS)
async def an_event_is_told_twice(cast: Cast) -> None:
    """An event goes live and is cancelled two seconds later; after each the client reads what tuvens-api noted."""
    async with cast.event() as event:
        updates = Updates(cast, event)
        await updates.begins("begin")
        await updates.sends("first/update", "LIVE")
        await updates.reads_until_reported("first/after", "LIVE")
        await _seconds_pass(cast, event)
        await updates.sends("second/update", "CANCELLED")
        await updates.reads_until_reported("second/after", "CANCELLED")


async def _seconds_pass(cast: Cast, event: str) -> None:
    """Read the event until tuvens-api's own clock, which shows whole seconds, has moved by two."""
    deadline = time.monotonic() + 2 * _APART
    start = _date(await cast.reads_event("meanwhile", event))
    while time.monotonic() < deadline:
        await asyncio.sleep(_PAUSE)
        now = _date(await cast.reads_event("meanwhile", event))
        if start is None or now is None or now >= start + _APART:
            return


def _date(reply: Reply) -> float | None:
    return parse_http_date(reply.exchange.header("date"))
