"""Fixtures that put an event into the state that a story starts from or leaves behind."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from contracts.hi_events_session import wire
from harness.deployment import Linked
from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import read_until_status, watch_deliveries

OPERATIONS = ("generateSession", "validateCrossAppSession", "setEventStatus", "getEvent")
"""The operations that a change of status at hi.events needs."""
_TRIES = 4
_UNREADABLE = "the event cannot be read"
_SETTLE_SECONDS = 3.0


async def given_draft(cast: Cast, bearer: str, event: Linked) -> None:
    """Set an event to DRAFT at hi.events and wait for the webhook of it: later webhooks are about later changes.
    Raises StoryStoppedError."""
    reading = await cast.asks_hi_events("prepare/read", wire.read_event(bearer, event.hi))
    status = wire.event_of(reading.json_object()).get("status")
    if status is not None:
        cast.stage.events.known(event.hi, status)
    if status == "DRAFT":
        return
    deliveries = await watch_deliveries(cast)
    reply = await cast.sets_status("prepare/change", bearer, event.hi, "DRAFT")
    reply.must("the event cannot be set to DRAFT")
    if deliveries is not None:
        await deliveries.wait(event.tuvens, at_least=1, seconds=_SETTLE_SECONDS)
    await read_until_status(cast, "prepare/event", event.tuvens, "DRAFT", seconds=_SETTLE_SECONDS)


async def given_draft_with_ticketing(cast: Cast, bearer: str, event: Linked) -> None:
    """As `given_draft`; and tuvens-api knows that the event has ticketing, as from tuvens-client's callback page."""
    await given_draft(cast, bearer, event)
    changes = {"hasTicketing": True, "hiEventsEventId": event.hi}
    await cast.changes_event("prepare/link", cast.organiser.jwt, event.tuvens, changes)


async def given_live_event(cast: Cast, bearer: str, event: Linked) -> str:
    """Make an event with ticketing live; returns the URL of its page at hi.events. Raises StoryStoppedError."""
    await given_draft_with_ticketing(cast, bearer, event)
    await set_status(cast, bearer, event, "LIVE")
    return await hi_events_page(cast, event, "LIVE")


async def set_status(
    cast: Cast, bearer: str, event: Linked, status: str, *, read_as: str = "event", name: str = ""
) -> None:
    """Change an event's status at hi.events and wait until tuvens-api shows it; the readings are recorded below
    `read_as`, by `name` (default: the status). Raises StoryStoppedError."""
    name = name or status
    reply = await cast.sets_status(f"change/{name}", bearer, event.hi, status)
    reply.must(f"the event cannot be set to {status}")
    if not await read_until_status(cast, f"{read_as}/{name}", event.tuvens, status):
        raise StoryStoppedError(f"tuvens-api's event does not follow {status}")


async def set_one_of(cast: Cast, bearer: str, event: Linked, statuses: Sequence[str]) -> str | None:
    """As `set_status`, with the first of the statuses that hi.events knows; returns it, None if it refuses all (422).
    Raises StoryStoppedError."""
    for status in statuses:
        if (await cast.sets_status(f"try/{status}", bearer, event.hi, status)).status != 422:
            await set_status(cast, bearer, event, status)
            return status
    return None


async def hi_events_page(cast: Cast, event: Linked, status: str) -> str:
    """The URL of an event's page at hi.events, as tuvens-api has it. Raises StoryStoppedError."""
    reply = await cast.reads_event(f"event/{status}", event.tuvens)
    return reply.must_have("hi_events_event_url", _UNREADABLE)


async def restore_draft(cast: Cast, bearer: str, event: Linked) -> None:
    """Set an event to DRAFT and wait until tuvens-api shows it: the next story may be about the same event."""
    await cast.sets_status("afterwards/change", bearer, event.hi, "DRAFT")
    await read_until_status(cast, "afterwards/event", event.tuvens, "DRAFT", seconds=_SETTLE_SECONDS)


@asynccontextmanager
async def given_event_without_ticketing(cast: Cast) -> AsyncIterator[str | None]:
    """The id of an event without ticketing, leased to this story; None if every event has ticketing that cannot be
    taken away. What was found is recorded as `event`."""
    async with AsyncExitStack() as stack:
        found = None
        # No more than there are: the lease of one more would be waited for for ever.
        for _ in range(min(_TRIES, len(cast.stage.events.candidates))):
            event = await stack.enter_async_context(cast.event())
            if await _is_without_ticketing(cast, event):
                found = event
                break
        if found is None:
            cast.observe("event", {"tuvens": None})
        else:
            title = (await cast.reads_event("event", found)).must_have("title", _UNREADABLE)
            cast.observe("event", {"tuvens": found, "title": title})
        yield found


async def _is_without_ticketing(cast: Cast, event: str) -> bool:
    if not await _has_ticketing(cast, event):
        return True
    await cast.changes_event("prepare/take ticketing away", cast.organiser.jwt, event, {"hasTicketing": False})
    return not await _has_ticketing(cast, event)


async def _has_ticketing(cast: Cast, event: str) -> bool:
    found = (await cast.reads_event("prepare/event", event)).must_be_object(_UNREADABLE)
    enabled = found.get("ticketing_enabled", found.get("hasTicketing"))
    if not isinstance(enabled, bool):
        raise StoryStoppedError(f"tuvens-api does not tell whether the event {event} has ticketing: {enabled!r}"[:200])
    return enabled
