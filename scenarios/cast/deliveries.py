"""What hi.events delivered to tuvens-api, as our receiver or the journal of a simulator has it."""

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
from contracts.hi_events_session import wire
from contracts.status_changes import WEBHOOK, is_about, reported_event, shows_status
from contracts.webhook.wire import SIGNATURE_HEADER, signature_matches
from harness.deployment import Linked
from harness.history import Outcome
from harness.http import Answer, Call, Headers, WireError
from harness.listener import Listener
from harness.receiver import Arrival, HangUp, Receiver, Say, Silence
from scenarios.cast.cast import BACKEND, Cast
from scenarios.cast.stage import Reply
from scenarios.stories.tuvens_api_fails import trouble

_OURS = "crossapp"
_PAUSE = 0.05
_SETTLES = 3.0
_END = 10**12


@dataclass(frozen=True, slots=True)
class Delivered:
    """A delivery: what came, what it was answered, and whether its signature was right for its bytes."""

    arrival: Arrival
    genuine: bool


class Watch(ABC):
    """The deliveries of hi.events since a moment. `told_by` is who saw them: our receiver, or an app by its journal."""

    told_by: str

    def __init__(self, cast: Cast) -> None:
        self._cast = cast

    @abstractmethod
    async def _all(self) -> Sequence[Delivered]:
        """Everything since that moment, in the order of arrival."""

    async def seen(self, tuvens_event: str, *, at_least: int = 0, seconds: float = 5.0) -> list[Delivered]:
        """The deliveries for an event, once `at_least` of them are answered; after `seconds` what there is."""
        deadline = time.monotonic() + seconds
        while True:
            found = [each for each in await self._all() if reported_event(each.arrival.body) == tuvens_event]
            if sum(each.arrival.done for each in found) >= at_least or time.monotonic() > deadline:
                return found
            await asyncio.sleep(_PAUSE)

    async def record(self, step: str, tuvens_event: str, *, answers: bool = True) -> None:
        """Record the deliveries for an event as exchanges of this story, and that they were looked for.

        Without `answers` they are recorded as not answered, with the status as a fact: answers that tuvens-api was made
        to give for the sake of the story are nobody's contract.
        """
        found = await self.seen(tuvens_event)
        for each in found:
            self._record(step, each, answers=answers)
        self._cast.observe(step, {"seen": len(found), "told by": self.told_by})

    def _record(self, step: str, delivered: Delivered, *, answers: bool) -> None:
        arrival = delivered.arrival
        status = arrival.answer.status if arrival.answer is not None else None
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
            facts={"delivery": True, "signature_valid": delivered.genuine, "answered": status},
        )


class _ByReceiver(Watch):
    """What came to our receiver."""

    told_by = RECEIVER

    def __init__(self, cast: Cast, receiver: Receiver) -> None:
        super().__init__(cast)
        self._receiver = receiver
        self._after = len(receiver.arrivals)

    async def _all(self) -> Sequence[Delivered]:
        return [
            Delivered(each, self._genuine(each)) for each in self._receiver.arrivals[self._after :] if is_delivery(each)
        ]

    def _genuine(self, arrival: Arrival) -> bool:
        given = [value for name, value in arrival.headers if name.lower() == SIGNATURE_HEADER]
        return len(given) == 1 and signature_matches(self._cast.secret, arrival.body, given[0])


class _ByJournal(Watch):
    """What a simulator's journal tells; its times are those of the simulator's clock."""

    def __init__(self, cast: Cast, app: str, after: int) -> None:
        super().__init__(cast)
        self.told_by = app
        self._after = after

    async def _all(self) -> Sequence[Delivered]:
        path = f"/journal?after={self._after}&operation={WEBHOOK}"
        found = (await self._cast.stage.control(self.told_by, "GET", path))["exchanges"]
        return [_of_journal(each) for each in found if each["caller"] != _OURS]


def _delivers(event: Linked) -> Callable[[Arrival], bool]:
    """Whether a request is a webhook about an event."""
    return lambda each: is_delivery(each) and reported_event(each.body) == event.tuvens


def is_delivery(arrival: Arrival) -> bool:
    """Whether a request that came to our receiver is a webhook, by its path."""
    return arrival.path.endswith(openapi.find(WEBHOOK).target())


async def watch(cast: Cast) -> Watch | None:
    """Look at the deliveries from now on; None where neither our receiver nor a simulator can tell of them."""
    if cast.stage.receiver is not None:
        return _ByReceiver(cast, cast.stage.receiver)
    for app in ("tuvens-api", "hi.events"):
        if cast.can(f"control:{app}"):
            last = (await cast.stage.control(app, "GET", f"/journal?after={_END}"))["last"]
            return _ByJournal(cast, app, last)
    return None


@asynccontextmanager
async def failing(
    cast: Cast, event: Linked, status: int, *, times: int | None = None, headers: Headers = ()
) -> AsyncIterator[None]:
    """Until the block is left, the webhooks for an event are answered with a status (503, 429 or 400), `times` times or
    (None) always; by our receiver where there is one, else by the simulated tuvens-api, which adds no `headers`."""
    async with AsyncExitStack() as stack:
        receiver = cast.stage.receiver
        if receiver is None:
            await stack.enter_async_context(trouble(cast, f"webhook-answers-{status}", times))
        else:
            say = Say(status, headers)
            stack.enter_context(
                receiver.answering(
                    _delivers(event),
                    *[say] * (times or 0),
                    always=say if times is None else None,
                )
            )
        yield


@asynccontextmanager
async def unanswered(cast: Cast, event: Linked, reaction: Silence | HangUp) -> AsyncIterator[None]:
    """Until the block is left, the first webhook for an event gets no answer, in our receiver's way; without one the
    simulated tuvens-api says nothing, and the simulated hi.events does not wait long for it."""
    async with AsyncExitStack() as stack:
        receiver = cast.stage.receiver
        if receiver is None:
            await stack.enter_async_context(trouble(cast, "deliveries-hurry", app="hi.events"))
            await stack.enter_async_context(trouble(cast, "webhook-hangs", 1))
        else:
            stack.enter_context(receiver.answering(_delivers(event), reaction))
        yield


def patience(cast: Cast) -> float:
    """Seconds that a delivery may take: a simulator needs none, a real queue may be asleep."""
    return 5.0 if cast.can("control:tuvens-api") and cast.can("control:hi.events") else 12.0


async def drafted(cast: Cast, bearer: str, event: Linked) -> None:
    """Bring an event to DRAFT at hi.events, and wait for what is on its way: what comes after is a change."""
    reading = _json(await cast.asks_hi_events("prepare/read", wire.read_event(bearer, event.hi)))
    if isinstance(reading, dict) and reading.get("status") == "DRAFT":
        return
    seen = await watch(cast)
    reply = await cast.sets_status("prepare/change", bearer, event.hi, "DRAFT")
    reply.must("the event cannot be set to DRAFT")
    if seen is not None:
        await seen.seen(event.tuvens, at_least=1, seconds=_SETTLES)
    await hears(cast, "prepare/event", event.tuvens, "DRAFT", seconds=_SETTLES)


async def hears_messages(listener: Listener, tuvens_event: str, count: int, *, seconds: float) -> None:
    """Wait until a stream told of an event so many times, for at most so many seconds."""
    await listener.wait_for(
        lambda _: sum(is_about(each, tuvens_event) for each in listener.events) >= count, seconds=seconds
    )


async def hears(cast: Cast, step: str, tuvens_event: str, status: str, *, seconds: float | None = None) -> bool:
    """Read an event at tuvens-api until it shows a status of hi.events, for at most so many seconds.

    Every reading is recorded; the last one tells what came of it.
    """
    deadline = time.monotonic() + (patience(cast) if seconds is None else seconds)
    pause = _PAUSE
    while True:
        reply = await cast.reads_event(step, tuvens_event)
        if shows_status(_json(reply), status):
            return True
        if time.monotonic() + pause > deadline:
            return False
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 1.0)


def _json(reply: Reply) -> object:
    if reply.answer is None:
        return None
    try:
        return reply.answer.json()
    except WireError:
        return None


def _of_journal(entry: dict[str, Any]) -> Delivered:
    status = entry["status"]
    answer = None
    if status is not None:
        answer = Answer(status, _headers(entry["response_headers"]), _bytes(entry["response_body"]))
    arrival = Arrival(
        method=entry["method"],
        target=entry["target"],
        headers=_headers(entry["request_headers"]),
        body=_bytes(entry["request_body"]),
        started=entry["started"],
        seconds=entry["seconds"],
        done=True,
        answer=answer,
        error=entry["error"] or "",
    )
    return Delivered(arrival, bool(entry.get("signature_valid")))


def _headers(value: Any) -> Headers:
    return tuple((str(name), str(text)) for name, text in value)


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode("utf-8")
