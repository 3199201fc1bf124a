"""Events whose ticketing is as a story in a browser needs it."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from contracts.hi_events_session import wire
from harness.deployment import Linked
from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import drafted, hears

_TRIES = 4
_UNREADABLE = "the event cannot be read"


@asynccontextmanager
async def event_without_ticketing(cast: Cast) -> AsyncIterator[str | None]:
    """An event of the organiser's without ticketing, for this story alone; None where every one has it and will not be
    without. What was found is recorded as `event`."""
    async with AsyncExitStack() as stack:
        found = None
        # No more than there are: the lease of one more would be waited for for ever.
        for _ in range(min(_TRIES, len(_candidates(cast)))):
            event = await stack.enter_async_context(cast.event())
            if await _is_without(cast, event):
                found = event
                break
        if found is None:
            cast.observe("event", {"tuvens": None})
        else:
            title = (await cast.reads_event("event", found)).must_have("title", _UNREADABLE)
            cast.observe("event", {"tuvens": found, "title": title})
        yield found


def _candidates(cast: Cast) -> set[str]:
    events = set(cast.deployment.events)
    return events - {each.tuvens for each in cast.deployment.linked} or events


async def _is_without(cast: Cast, event: str) -> bool:
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


async def brought_together(cast: Cast, bearer: str, event: Linked) -> None:
    """Make an event of both sides a draft that tuvens-api knows to have ticketing, as the callback page does."""
    await drafted(cast, bearer, event)
    changes = {"hasTicketing": True, "hiEventsEventId": event.hi}
    await cast.changes_event("prepare/link", cast.organiser.jwt, event.tuvens, changes)


async def changed(cast: Cast, bearer: str, event: Linked, status: str) -> str:
    """Change an event at hi.events and wait until tuvens-api shows it; its page at hi.events as tuvens-api tells it.
    Raises StoryStoppedError."""
    reply = await cast.sets_status(f"change/{status}", bearer, event.hi, status)
    reply.must(f"the event cannot be set to {status}")
    if not await hears(cast, f"event/{status}", event.tuvens, status):
        raise StoryStoppedError(f"tuvens-api's event does not follow {status}")
    reply = await cast.reads_event(f"event/{status}", event.tuvens)
    return reply.must_have("hi_events_event_url", _UNREADABLE)


async def left(cast: Cast, bearer: str, event: Linked) -> None:
    """Leave a draft, and nothing on its way."""
    await cast.asks_hi_events("afterwards/change", wire.set_event_status(bearer, event.hi, "DRAFT"))
    await hears(cast, "afterwards/event", event.tuvens, "DRAFT", seconds=3.0)
