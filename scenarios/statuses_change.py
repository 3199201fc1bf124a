"""An organiser changes an event's status at hi.events; tuvens-api hears of it by webhooks, at once or in the end."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from contracts.hi_events_delivery.rules import CHANGES, STATUSES
from contracts.times import iso_millis
from contracts.webhook.wire import sign, status_changed_body
from harness.deployment import Linked
from harness.story import Phase, StoryStoppedError
from scenarios.cast import Cast
from scenarios.catalogue import story
from scenarios.deliveries import Watch, drafted, hears, hears_messages, patience, watch
from scenarios.tuvens_api_fails import trouble

OPERATIONS = ("generateSession", "validateCrossAppSession", "setEventStatus", "getEvent")
_NO_STATUS = "POSTPONED"
_ALL = ("control:tuvens-api", "control:hi.events", "linked-event")


@story(needs=("linked-event",), operations=OPERATIONS)
async def statuses_are_changed(cast: Cast) -> None:
    """An organiser sets an event at hi.events to each status in turn, and to a word that is none; someone looks at
    tuvens-api's event after each change."""
    bearer = await cast.bearer()
    async with cast.linked_event() as event, AsyncExitStack() as stack:
        cast.observe("event", {"hi": event.hi, "tuvens": event.tuvens, "refused": _NO_STATUS})
        await drafted(cast, bearer, event)
        seen = await watch(cast)
        seconds = patience(cast)
        listener = None
        if seen is None:
            await _send_own(cast, event)
            listener = await stack.enter_async_context(cast.listens("stream"))
        for status in STATUSES:
            await _change(cast, status, bearer, event, status)
            if not await hears(cast, f"effect/{status}", event.tuvens, status, seconds=seconds):
                seconds = 1.0
        await cast.sets_status("unknown status", bearer, event.hi, _NO_STATUS)
        await _change(cast, "last", bearer, event, CHANGES[-1])
        await hears(cast, "effect/last", event.tuvens, CHANGES[-1], seconds=seconds)
        if listener is not None:
            await hears_messages(listener, event.tuvens, len(CHANGES), seconds=seconds)
        await _record(cast, seen, "deliveries", event)


@story(needs=("linked-event",), operations=OPERATIONS)
async def changes_follow_closely(cast: Cast) -> None:
    """An organiser sets an event live, and cancels it in the same breath."""
    bearer = await cast.bearer()
    async with cast.linked_event() as event, AsyncExitStack() as stack:
        cast.observe("event", {"hi": event.hi, "tuvens": event.tuvens})
        await drafted(cast, bearer, event)
        seen = await watch(cast)
        listener = None if seen is not None else await stack.enter_async_context(cast.listens("stream"))
        await _change(cast, "LIVE", bearer, event, "LIVE")
        await _change(cast, "CANCELLED", bearer, event, "CANCELLED")
        if seen is not None:
            await seen.seen(event.tuvens, at_least=2, seconds=patience(cast))
        await hears(cast, "effect", event.tuvens, "CANCELLED")
        if listener is not None:
            await hears_messages(listener, event.tuvens, 2, seconds=patience(cast))
        await _record(cast, seen, "deliveries", event)


@story(phase=Phase.ALONE, needs=_ALL, operations=OPERATIONS)
async def deliveries_fail(cast: Cast) -> None:
    """An organiser changes an event while tuvens-api answers 503, answers 400, or has had enough; hi.events tries again
    as the simulators' clocks are moved."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await drafted(cast, bearer, event)
        await _server_error(cast, bearer, event)
        await _order(cast, event)
        await _too_many_requests(cast, event)
    # Another event where there is one: what is refused for good must not come in between.
    async with cast.linked_event() as event:
        await _client_error(cast, event)
    cast.stage.forget_sessions()


async def _server_error(cast: Cast, bearer: str, event: Linked) -> None:
    async with _part(cast, "server error", event) as seen, trouble(cast, "webhook-answers-503", times=2):
        await _change(cast, "server error/LIVE", bearer, event, "LIVE")
        await _advance_until(cast, seen, event, attempts=3)
        await hears(cast, "server error/event", event.tuvens, "LIVE", seconds=1.0)


async def _client_error(cast: Cast, event: Linked) -> None:
    bearer = await cast.bearer()
    await drafted(cast, bearer, event)
    async with _part(cast, "client error", event) as seen, trouble(cast, "webhook-answers-400"):
        await _change(cast, "client error/CANCELLED", bearer, event, "CANCELLED")
        await seen.seen(event.tuvens, at_least=1)
        await cast.stage.advance(600.0)


async def _order(cast: Cast, event: Linked) -> None:
    bearer = await cast.bearer()
    await drafted(cast, bearer, event)
    async with _part(cast, "order", event) as seen, trouble(cast, "webhook-answers-503", times=1):
        await _change(cast, "order/LIVE", bearer, event, "LIVE")
        await _change(cast, "order/CANCELLED", bearer, event, "CANCELLED")
        await _advance_until(cast, seen, event, attempts=3)
        await hears(cast, "order/event", event.tuvens, "CANCELLED", seconds=1.0)


async def _too_many_requests(cast: Cast, event: Linked) -> None:
    bearer = await cast.bearer()
    await drafted(cast, bearer, event)
    limits = await cast.stage.control("tuvens-api", "GET", "/rate-limits")
    async with _part(cast, "too many requests", event) as seen:
        await cast.stage.control("tuvens-api", "PUT", "/rate-limits", {"receiveEventStatusChanged": 1})
        try:
            await _change(cast, "too many requests/LIVE", bearer, event, "LIVE")
            await seen.seen(event.tuvens, at_least=1)
            await _change(cast, "too many requests/ENDED", bearer, event, "ENDED")
            await seen.seen(event.tuvens, at_least=2)
            # Of two windows at least one begins anew, so that the retry is let through.
            await _advance_until(cast, seen, event, attempts=3)
        finally:
            await cast.stage.control("tuvens-api", "PUT", "/rate-limits", limits)


@asynccontextmanager
async def _part(cast: Cast, part: str, event: Linked) -> AsyncIterator[Watch]:
    """A part of the story: what is delivered in it is recorded, and the log of its last delivery."""
    seen = await watch(cast)
    if seen is None:
        raise StoryStoppedError("no journal tells of deliveries")
    yield seen
    await seen.record(f"{part}/deliveries", event.tuvens, answers=False)
    listed = (await cast.stage.control("hi.events", "GET", "/deliveries"))["deliveries"]
    mine = [each["id"] for each in listed if str(each["event_id"]) == event.hi]
    if mine:
        log: dict[str, Any] = await cast.stage.control("hi.events", "GET", f"/deliveries/{mine[-1]}")
        attempts = [{name: each[name] for name in ("started_at", "seconds", "status")} for each in log["attempts"]]
        cast.observe(f"{part}/delivery log", {"attempts": attempts, "state": log["state"]})


async def _advance_until(cast: Cast, seen: Watch, event: Linked, *, attempts: int) -> None:
    """Move the clocks on, in growing steps of up to two hours in all, until so many attempts came."""
    if not await seen.seen(event.tuvens, at_least=1):
        raise StoryStoppedError("no delivery came, so none can fail")
    for seconds in (2.0, 30.0, 65.0, 300.0, 1_800.0, 5_000.0):
        await cast.stage.advance(seconds)
        if len(await seen.seen(event.tuvens)) >= attempts:
            return


async def _change(cast: Cast, step: str, bearer: str, event: Linked, status: str) -> None:
    reply = await cast.sets_status(f"change/{step}", bearer, event.hi, status)
    reply.must(f"the event cannot be set to {status}")


async def _record(cast: Cast, seen: Watch | None, step: str, event: Linked) -> None:
    if seen is not None:
        await seen.record(step, event.tuvens)
    else:
        cast.observe(step, {"told by": None})


async def _send_own(cast: Cast, event: Linked) -> None:
    """Tell tuvens-api of nothing new, with and without the secret: what it does shows what its taking a webhook means.

    Dated so long ago that no change of hi.events is taken for older, whatever its clock says.
    """
    body = status_changed_body(
        event_id=int(event.hi) if event.hi.isdigit() else event.hi,
        title="Not from Hi.Events",
        status="DRAFT",
        tuvens_event_id=event.tuvens,
        sent_at=iso_millis(cast.now() - 86_400.0),
    )
    await cast.delivers("wrongly signed", body, signature=sign("a-key-that-nobody-has-configured", body))
    await cast.delivers("rightly signed", body)
