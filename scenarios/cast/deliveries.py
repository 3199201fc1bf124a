"""hi.events' webhook deliveries to tuvens-api: watching them, answering them wrongly, and waiting for their effect.

They are seen by our own receiver, or in the journal of a simulated application.
"""

import asyncio
import base64
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import openapi
from contracts.hi_events_delivery.observations import RECEIVER
from contracts.status_changes import WEBHOOK, is_about, reported_event, shows_status
from contracts.times import iso_or_none
from contracts.webhook.wire import SIGNATURE_HEADER, signature_matches
from harness.deployment import Linked
from harness.history import Outcome
from harness.http import Answer, Call, Headers, object_or_empty
from harness.listener import Listener
from harness.receiver import HangUp, ReceivedRequest, Receiver, Say, Silence
from scenarios.cast.cast import BACKEND, Cast

_OURS = "crossapp"
_PAUSE = 0.05
_END = 10**12


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery: the request with its answer, and whether its signature is right for its body."""

    arrival: ReceivedRequest
    signature_valid: bool


class DeliveryWatch(ABC):
    """The deliveries since a moment. `seen_by` is the observer: our receiver, or an application by its journal."""

    seen_by: str

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._since = time.time()

    @abstractmethod
    async def _all(self) -> Sequence[Delivered]:
        """All deliveries since that moment, in the order of arrival."""

    async def wait(self, tuvens_event: str, *, at_least: int = 0, seconds: float = 5.0) -> list[Delivered]:
        """The deliveries for an event, once `at_least` of them are answered; after `seconds` those there are."""
        deadline = time.monotonic() + seconds
        while True:
            found = [each for each in await self._all() if reported_event(each.arrival.body) == tuvens_event]
            if sum(each.arrival.done for each in found) >= at_least or time.monotonic() > deadline:
                return found
            await asyncio.sleep(_PAUSE)

    async def record(self, step: str, tuvens_event: str, *, answers: bool = True) -> None:
        """Record the deliveries for an event as exchanges of this story, and how many were seen by whom.

        Without `answers` they are recorded as not answered, with the status as a fact: no rule may judge an answer that
        tuvens-api gave because of an armed fault.
        """
        found = await self.wait(tuvens_event)
        for each in found:
            self._record(step, each, answers=answers)
        watched = {"from": self._since, "until": time.time()}
        self._cast.observe(step, {"seen": len(found), "told by": self.seen_by, **watched})

    def _record(self, step: str, delivered: Delivered, *, answers: bool) -> None:
        arrival = delivered.arrival
        status = arrival.status
        answer = arrival.answer if answers else None
        made = "" if status is None or answers else f"tuvens-api was made to answer {status}"
        self._cast.stage.recorder.record(
            step=self._cast.step(step),
            caller=BACKEND,
            callee="tuvens-api",
            call=Call(WEBHOOK, arrival.method, arrival.target, arrival.headers, arrival.body),
            url=self._cast.stage.target("tuvens-api").api_url + arrival.target,
            answer=answer,
            outcome=Outcome.ANSWERED if answer is not None else Outcome.NO_ANSWER,
            error=made or arrival.error,
            started=arrival.started,
            seconds=arrival.seconds,
            facts={"delivery": True, "signature_valid": delivered.signature_valid, "answered": status},
        )


class _ReceiverWatch(DeliveryWatch):
    """The deliveries that reach our receiver."""

    seen_by = RECEIVER

    def __init__(self, cast: Cast, receiver: Receiver, after: int) -> None:
        super().__init__(cast)
        self._receiver = receiver
        self._after = after

    async def _all(self) -> Sequence[Delivered]:
        arrivals = self._receiver.arrivals[self._after :]
        return [Delivered(each, self._is_signed(each)) for each in arrivals if is_delivery(each)]

    def _is_signed(self, arrival: ReceivedRequest) -> bool:
        given = [value for name, value in arrival.headers if name.lower() == SIGNATURE_HEADER]
        return len(given) == 1 and signature_matches(self._cast.secret, arrival.body, given[0])


class _JournalWatch(DeliveryWatch):
    """The deliveries in a simulator's journal; times are those of the simulator's clock."""

    def __init__(self, cast: Cast, app: str, after: int) -> None:
        super().__init__(cast)
        self.seen_by = app
        self._after = after

    async def _all(self) -> Sequence[Delivered]:
        path = f"/journal?after={self._after}&operation={WEBHOOK}"
        found = (await self._cast.stage.control.call(self.seen_by, "GET", path))["exchanges"]
        return [_of_journal(each) for each in found if each["caller"] != _OURS]


def _is_about(event: Linked) -> Callable[[ReceivedRequest], bool]:
    """A function that tells whether a request is a webhook about an event."""
    return lambda each: is_delivery(each) and reported_event(each.body) == event.tuvens


def is_delivery(arrival: ReceivedRequest) -> bool:
    """Whether a request to our receiver is a webhook, by its path."""
    return arrival.path.endswith(openapi.find(WEBHOOK).target())


async def watch_deliveries(cast: Cast, *, earlier: bool = False) -> DeliveryWatch | None:
    """Watch the deliveries from now on, or `earlier` ones, too; None if there is neither a receiver nor a simulator's
    journal."""
    receiver = cast.stage.receiver
    if receiver is not None:
        return _ReceiverWatch(cast, receiver, 0 if earlier else len(receiver.arrivals))
    for app in ("tuvens-api", "hi.events"):
        if cast.can(f"control:{app}"):
            last = 0 if earlier else (await cast.stage.control.call(app, "GET", f"/journal?after={_END}"))["last"]
            return _JournalWatch(cast, app, last)
    return None


async def newest_of_hi_events(cast: Cast, tuvens_event: str) -> float:
    """The event_sent_at of hi.events' newest webhook about an event, in Unix seconds; 0 if none was seen."""
    watch = await watch_deliveries(cast, earlier=True)
    bodies = [] if watch is None else [each.arrival.body for each in await watch.wait(tuvens_event)]
    return max((iso_or_none(object_or_empty(each).get("event_sent_at")) or 0.0 for each in bodies), default=0.0)


async def _until_none_is_pending(cast: Cast) -> None:
    """Wait for the webhooks of earlier stories, which a fault of tuvens-api would hit as well."""
    deadline = time.monotonic() + delivery_seconds(cast)
    while cast.can("control:hi.events") and time.monotonic() < deadline:
        listed = (await cast.stage.control.call("hi.events", "GET", "/deliveries"))["deliveries"]
        if all(each["state"] != "pending" for each in listed):
            return
        await asyncio.sleep(_PAUSE)


@asynccontextmanager
async def deliveries_answered(
    cast: Cast, event: Linked, status: int, *, times: int | None = None, headers: Headers = ()
) -> AsyncIterator[None]:
    """Answer the webhooks for an event with a status (503, 429 or 400) inside the block: the first `times` or (None)
    all. Our receiver does it if there is one, else the simulated tuvens-api, which adds no `headers`."""
    receiver = cast.stage.receiver
    if receiver is None:
        await _until_none_is_pending(cast)
        async with cast.stage.control.fault(f"webhook-answers-{status}", times):
            yield
        return
    say = Say(status, headers)
    with receiver.answering(
        _is_about(event),
        *[say] * (times or 0),
        always=say if times is None else None,
    ):
        yield


@asynccontextmanager
async def first_delivery_unanswered(cast: Cast, event: Linked, reaction: Silence | HangUp) -> AsyncIterator[None]:
    """Leave the first webhook for an event without an answer inside the block. Our receiver reacts as given; without
    one the simulated tuvens-api stays silent, and the simulated hi.events gives up soon."""
    receiver = cast.stage.receiver
    if receiver is None:
        await _until_none_is_pending(cast)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(cast.stage.control.fault("deliveries-hurry", app="hi.events"))
            await stack.enter_async_context(cast.stage.control.fault("webhook-hangs", 1))
            yield
        return
    with receiver.answering(_is_about(event), reaction):
        yield


def delivery_seconds(cast: Cast) -> float:
    """Seconds that a delivery may take: longer if a real queue may have to wake up."""
    return 5.0 if cast.can("control:tuvens-api") and cast.can("control:hi.events") else 12.0


async def wait_for_messages(listener: Listener, tuvens_event: str, count: int, *, seconds: float) -> None:
    """Wait until a stream has carried `count` messages about an event, at most `seconds`."""
    await listener.wait_for(
        lambda _: sum(is_about(each, tuvens_event) for each in listener.events) >= count, seconds=seconds
    )


async def read_until_status(
    cast: Cast, step: str, tuvens_event: str, status: str, *, seconds: float | None = None
) -> bool:
    """Read an event at tuvens-api until it shows a status of hi.events, for at most `seconds` (default
    `delivery_seconds`); returns whether it did. Every reading is recorded as `step`."""
    deadline = time.monotonic() + (delivery_seconds(cast) if seconds is None else seconds)
    pause = _PAUSE
    while True:
        reply = await cast.reads_event(step, tuvens_event)
        if shows_status(reply.json_object(), status):
            return True
        if time.monotonic() + pause > deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def _of_journal(entry: dict[str, Any]) -> Delivered:
    status = entry["status"]
    answer = None
    if status is not None:
        answer = Answer(status, _headers(entry["response_headers"]), _bytes(entry["response_body"]))
    arrival = ReceivedRequest(
        method=entry["method"],
        target=entry["target"],
        headers=_headers(entry["request_headers"]),
        body=_bytes(entry["request_body"]),
        started=entry["started"],
        seconds=entry["seconds"],
        done=True,
        status=status,
        answer=answer,
        error=entry["error"] or "",
    )
    return Delivered(arrival, bool(entry.get("signature_valid")))


def _headers(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode("utf-8")
