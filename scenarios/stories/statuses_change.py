"""An organiser changes an event's status at hi.events, which delivers webhooks of it to tuvens-api."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from contracts.hi_events_delivery.observations import STATUSES
from contracts.status_changes import TICKETING
from contracts.times import iso_millis
from contracts.webhook.wire import sign, status_changed_body
from harness.deployment import Linked
from harness.effects import Effect
from harness.receiver import HangUp, Silence
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import (
    Delivered,
    DeliveryWatch,
    deliveries_answered,
    delivery_seconds,
    first_delivery_unanswered,
    read_until_status,
    wait_for_messages,
    watch_deliveries,
)
from scenarios.cast.event_fixtures import OPERATIONS, given_draft
from scenarios.catalogue import story

_NO_STATUS = "POSTPONED"
_EVERYBODY_HAS = ("LIVE", "DRAFT")
_LAST = ("CANCELLED", "LIVE", "DRAFT")
_PAUSE = 0.1
_FAILURES = ("linked-event", "failures:tuvens-api", "retries:hi.events")
_SILENCE = 35.0
_QUIET = 5.0


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    also={Effect.MALFORMED, Effect.FORGE},
    needs=("linked-event",),
    operations=OPERATIONS,
)
async def statuses_are_changed(cast: Cast) -> None:
    """An organiser sets an event at hi.events to each status in turn, and to a word that is none; someone looks at
    tuvens-api's event after each change."""
    async with cast.linked_event() as event, AsyncExitStack() as stack:
        bearer = await cast.bearer()
        cast.observe("event", {"hi": event.hi, "tuvens": event.tuvens, "refused": _NO_STATUS})
        await given_draft(cast, bearer, event)
        deliveries = await watch_deliveries(cast)
        seconds = delivery_seconds(cast)
        listener = None
        if deliveries is None:
            await _send_own(cast, event)
            listener = await stack.enter_async_context(cast.listens("stream"))
        made: list[str] = []

        async def change(step: str, status: str) -> None:
            nonlocal seconds
            if not await _change(cast, step, bearer, event, status, known=status in _EVERYBODY_HAS):
                return
            made.append(status)
            if not await read_until_status(cast, f"effect/{step}", event.tuvens, status, seconds=seconds):
                seconds = 1.0

        for status in STATUSES:
            if made and TICKETING[made[-1]] == TICKETING[status]:
                # The status between was refused: without another one the change would not show.
                await change(f"LIVE before {status}", "LIVE")
            await change(status, status)
        if cast.can(Effect.MALFORMED):
            await cast.sets_status("unknown status", bearer, event.hi, _NO_STATUS)
        await change("last", next(each for each in _LAST if each in made and TICKETING[each] != TICKETING[made[-1]]))
        if deliveries is not None:
            # The event may show a status before its delivery is complete.
            await deliveries.wait(event.tuvens, at_least=len(made), seconds=delivery_seconds(cast))
        if listener is not None:
            await wait_for_messages(listener, event.tuvens, len(made), seconds=seconds)
        await _record(cast, deliveries, "deliveries", event)


@story(does={Effect.READ, Effect.MINT, Effect.CHANGE}, needs=("linked-event",), operations=OPERATIONS)
async def changes_follow_closely(cast: Cast) -> None:
    """An organiser sets an event live, and drafts it in the same breath; where no delivery can be seen, drafts an event
    that is live, and sets it live again."""
    async with cast.linked_event() as event, AsyncExitStack() as stack:
        bearer = await cast.bearer()
        cast.observe("event", {"hi": event.hi, "tuvens": event.tuvens})
        await given_draft(cast, bearer, event)
        deliveries = await watch_deliveries(cast)
        changes, listener = ("LIVE", "DRAFT"), None
        if deliveries is None:
            # An event that was a draft before would not show whether DRAFT was overtaken or is late.
            changes = ("DRAFT", "LIVE")
            listener = await stack.enter_async_context(cast.listens("stream"))
            await _change(cast, "before", bearer, event, "LIVE")
            await read_until_status(cast, "before", event.tuvens, "LIVE")
        for number, status in enumerate(changes):
            await _change(cast, status, bearer, event, status, closely=number > 0)
        if deliveries is not None:
            await deliveries.wait(event.tuvens, at_least=2, seconds=delivery_seconds(cast))
        await read_until_status(cast, "effect", event.tuvens, changes[-1])
        if listener is not None:
            await wait_for_messages(listener, event.tuvens, 3, seconds=delivery_seconds(cast))
        await _record(cast, deliveries, "deliveries", event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.MALFORMED},
    phase=Phase.ONE_BY_ONE,
    needs=_FAILURES,
    operations=OPERATIONS,
    waits_for=("retries",),
)
async def deliveries_fail(cast: Cast) -> None:
    """An organiser changes events while tuvens-api answers 503, answers 400, has had enough, says nothing or hangs up;
    hi.events tries again, as the simulators' clocks are moved or all wait for it."""
    async with cast.stage.prompt_deliveries:
        await _all_fail(cast)


async def _all_fail(cast: Cast) -> None:
    starts = await _server_error(cast)
    await _client_error(cast, starts)
    if len(starts) < 2:
        return  # nothing is retried: waiting for retries of other failures would show nothing new
    await _order(cast)
    await _too_many_requests(cast)
    if cast.stage.receiver is not None or _by_clock(cast):
        await _no_answer(cast, "time-out", Silence(_SILENCE))
    if cast.stage.receiver is not None:
        await _no_answer(cast, "broken connection", HangUp())
    if _by_clock(cast):
        cast.stage.sessions.forget()


async def _server_error(cast: Cast) -> list[float]:
    """Returns the times of the attempts in Unix seconds."""
    async with _part(cast, "server error") as part, deliveries_answered(cast, part.event, 503, times=2):
        await part.change("LIVE")
        found = await part.attempts(3)
        await read_until_status(cast, "server error/event", part.event.tuvens, "LIVE")
    return [each.arrival.started for each in found]


async def _client_error(cast: Cast, starts: list[float]) -> None:
    async with _part(cast, "client error") as part, deliveries_answered(cast, part.event, 400):
        await part.change("LIVE")
        await part.deliveries.wait(part.event.tuvens, at_least=1, seconds=delivery_seconds(cast))
        if _by_clock(cast):
            await cast.stage.clock.advance(600.0)
        else:
            # A sender that treats 400 like 503 retries after the pause that it made there.
            within = _retry_within(cast)
            quiet = min(max(3 * (starts[1] - starts[0]), _QUIET), within) if len(starts) > 1 else within
            with cast.waiting(quiet, "a retry that must not come"):
                await part.deliveries.wait(part.event.tuvens, at_least=2, seconds=quiet)
        cast.stage.events.given_up(part.event.tuvens)


async def _order(cast: Cast) -> None:
    async with _part(cast, "order") as part, deliveries_answered(cast, part.event, 503, times=1):
        await part.change("LIVE")
        await part.change("DRAFT", closely=True)
        await part.attempts(3)
        await read_until_status(cast, "order/event", part.event.tuvens, "DRAFT")


async def _too_many_requests(cast: Cast) -> None:
    async with (
        _part(cast, "too many requests") as part,
        deliveries_answered(cast, part.event, 429, times=1, headers=(("retry-after", "1"),)),
    ):
        await part.change("LIVE")
        await part.attempts(2)


async def _no_answer(cast: Cast, name: str, reaction: Silence | HangUp) -> None:
    async with _part(cast, name) as part, first_delivery_unanswered(cast, part.event, reaction):
        await part.change("LIVE")
        seconds = delivery_seconds(cast) + _SILENCE
        with cast.waiting(seconds, "hi.events gives a webhook up that is not answered"):
            await part.deliveries.wait(part.event.tuvens, at_least=1, seconds=seconds)
        await part.attempts(2)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the story, about one event."""

    cast: Cast
    name: str
    bearer: str = field(repr=False)
    event: Linked
    deliveries: DeliveryWatch

    async def change(self, status: str, *, closely: bool = False) -> None:
        """Change the event's status; `closely`: at once after the change before."""
        await _change(self.cast, f"{self.name}/{status}", self.bearer, self.event, status, closely=closely)

    async def attempts(self, count: int) -> list[Delivered]:
        """The attempts, once there are `count`. Moves the clocks in growing steps, two hours in all; without a control
        plane waits for the first retry as long as the deployment says, for further ones as long as the run may."""
        cast, about = self.cast, self.event.tuvens
        found = await self.deliveries.wait(about, at_least=1, seconds=delivery_seconds(cast))
        if not found:
            raise StoryStoppedError("no delivery came, so none can fail")
        if _by_clock(cast):
            for seconds in (2.0, 30.0, 65.0, 300.0, 1_800.0, 5_000.0):
                await cast.stage.clock.advance(seconds)
                found = await self.deliveries.wait(about)
                if len(found) >= count:
                    return found
            # The clocks have come to the last retry; that it is sent and arrives takes real time.
            return await self.deliveries.wait(about, at_least=count, seconds=delivery_seconds(cast))
        within = _retry_within(cast)
        with cast.waiting(within, "a first retry (receiver.retry_within)"):
            found = await self.deliveries.wait(about, at_least=min(count, 2), seconds=within)
        if 2 <= len(found) < count:
            longest = max(cast.stage.patience, within)
            with cast.waiting(longest, "further retries (--patience)"):
                found = await self.deliveries.wait(about, at_least=count, seconds=longest)
        return found


@asynccontextmanager
async def _part(cast: Cast, name: str) -> AsyncIterator[_Part]:
    """A part of the story, about an event of its own. Records its deliveries, and the log of the last one if hi.events
    has a control plane."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft(cast, bearer, event)
        deliveries = await watch_deliveries(cast)
        if deliveries is None:
            raise StoryStoppedError("nothing tells of deliveries")
        yield _Part(cast, name, bearer, event, deliveries)
        await deliveries.record(f"{name}/deliveries", event.tuvens, answers=False)
        if cast.can("control:hi.events"):
            seen = await deliveries.wait(event.tuvens)
            await _read_log(cast, name, event, sum(each.arrival.body == seen[-1].arrival.body for each in seen))


async def _read_log(cast: Cast, part: str, event: Linked, attempts: int) -> None:
    """Record the log of the event's last delivery, once so many attempts are in it or they were waited for."""
    deadline = time.monotonic() + delivery_seconds(cast)
    while True:
        listed = (await cast.stage.control.call("hi.events", "GET", "/deliveries"))["deliveries"]
        mine = [each["id"] for each in listed if str(each["event_id"]) == event.hi]
        found: dict[str, Any] = {}
        if mine:
            found = await cast.stage.control.call("hi.events", "GET", f"/deliveries/{mine[-1]}")
        if len(found.get("attempts", ())) >= attempts or time.monotonic() > deadline:
            break
        await asyncio.sleep(_PAUSE)
    if found:
        logged = [{name: each[name] for name in ("started_at", "seconds", "status")} for each in found["attempts"]]
        cast.observe(f"{part}/delivery log", {"attempts": logged, "state": found["state"]})


def _by_clock(cast: Cast) -> bool:
    return cast.can("control:tuvens-api") and cast.can("control:hi.events")


def _retry_within(cast: Cast) -> float:
    settings = cast.deployment.receiver
    assert settings is not None, "without a clock that can be moved there is a receiver"
    return settings.retry_within


async def _change(
    cast: Cast, step: str, bearer: str, event: Linked, status: str, *, known: bool = True, closely: bool = False
) -> bool:
    """Change an event's status; returns whether hi.events did. Raises StoryStoppedError if it does not, except for a
    refusal (422) of a status that need not be `known`."""
    reply = await cast.sets_status(f"change/{step}", bearer, event.hi, status, closely=closely)
    if reply.status == 422 and not known:
        return False
    reply.must(f"the event cannot be set to {status}")
    return True


async def _record(cast: Cast, deliveries: DeliveryWatch | None, step: str, event: Linked) -> None:
    if deliveries is not None:
        await deliveries.record(step, event.tuvens)
    else:
        cast.observe(step, {"told by": None})


async def _send_own(cast: Cast, event: Linked) -> None:
    """Deliver a webhook that changes nothing, wrongly and correctly signed: whether tuvens-api checks signatures shows
    what an accepted webhook proves.

    It is dated a day ago, so that no webhook of hi.events counts as older, whatever its clock says.
    """
    body = status_changed_body(
        event_id=int(event.hi) if event.hi.isdigit() else event.hi,
        title="Not from Hi.Events",
        status="DRAFT",
        tuvens_event_id=event.tuvens,
        sent_at=iso_millis(cast.now_at("hi.events") - 86_400.0),
    )
    if cast.can(Effect.FORGE):
        await cast.delivers("wrongly signed", body, signature=sign("a-key-that-nobody-has-configured", body))
    await cast.delivers("rightly signed", body)
