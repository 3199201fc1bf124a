"""What hi.events delivered to tuvens-api, as the journal of a simulator has it."""

import asyncio
import base64
import time
from typing import Any

from contracts.hi_events_delivery.effects import shows
from contracts.hi_events_delivery.seen import OPERATION, event_of
from contracts.hi_events_session import wire
from harness.deployment import Linked
from harness.history import Outcome, StreamEvent
from harness.http import Answer, Call, Headers, WireError, read_json
from harness.recorder import Listener
from scenarios.cast import BACKEND, Cast
from scenarios.stage import Reply

_OURS = "crossapp"
_PAUSE = 0.05
_SETTLES = 3.0
_END = 10**12


class Watch:
    """The deliveries of hi.events since a moment. `app` is whose journal tells of them."""

    def __init__(self, cast: Cast, app: str, after: int) -> None:
        self.app = app
        self._cast = cast
        self._after = after

    async def seen(self, tuvens_event: str, *, at_least: int = 0, seconds: float = 5.0) -> list[dict[str, Any]]:
        """The deliveries for an event, once there are `at_least` of them; after `seconds` what there is."""
        deadline = time.monotonic() + seconds
        while True:
            found = [each for each in await self._journal() if event_of(_body(each)) == tuvens_event]
            if len(found) >= at_least or time.monotonic() > deadline:
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
        self._cast.observe(step, {"seen": len(found), "told by": self.app})

    async def _journal(self) -> list[dict[str, Any]]:
        path = f"/journal?after={self._after}&operation={OPERATION}"
        found: list[dict[str, Any]] = (await self._cast.stage.control(self.app, "GET", path))["exchanges"]
        return [each for each in found if each["caller"] != _OURS]

    def _record(self, step: str, entry: dict[str, Any], *, answers: bool) -> None:
        headers: Headers = tuple((name, value) for name, value in entry["request_headers"])
        call = Call(OPERATION, entry["method"], entry["target"], headers, _body(entry))
        status = entry["status"]
        answer = None
        if status is not None and answers:
            response: Headers = tuple((name, value) for name, value in entry["response_headers"])
            answer = Answer(status, response, _bytes(entry["response_body"]))
        self._cast.stage.recorder.record(
            step=self._cast.step(step),
            caller=BACKEND,
            callee="tuvens-api",
            call=call,
            url=self._cast.stage.target("tuvens-api").api_url + entry["target"],
            answer=answer,
            outcome=Outcome.ANSWERED if answer is not None else Outcome.NO_ANSWER,
            error=entry["error"] or "" if answers else f"tuvens-api was made to answer {status}",
            started=entry["started"],
            seconds=entry["seconds"],
            facts={
                "delivery": True,
                "signature_valid": bool(entry.get("signature_valid")),
                "answered": status,
            },
        )


async def watch(cast: Cast) -> Watch | None:
    """Look at the deliveries from now on; None where no simulator can tell of them."""
    for app in ("tuvens-api", "hi.events"):
        if cast.can(f"control:{app}"):
            last = (await cast.stage.control(app, "GET", f"/journal?after={_END}"))["last"]
            return Watch(cast, app, last)
    return None


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
        lambda _: sum(tells(each, tuvens_event) for each in listener.events) >= count, seconds=seconds
    )


def tells(event: StreamEvent, tuvens_event: str, status: str | None = None) -> bool:
    """Whether a message of tuvens-api's stream is about an event, and tells this ticketing status if one is named."""
    try:
        value = read_json(event.data.encode()) if event.kind == "event" else None
    except WireError:
        return False
    if not isinstance(value, dict) or str(value.get("eventId")) != tuvens_event:
        return False
    return status is None or value.get("status") == status


async def hears(cast: Cast, step: str, tuvens_event: str, status: str, *, seconds: float | None = None) -> bool:
    """Read an event at tuvens-api until it shows a status of hi.events, for at most so many seconds.

    Every reading is recorded; the last one tells what came of it.
    """
    deadline = time.monotonic() + (patience(cast) if seconds is None else seconds)
    pause = _PAUSE
    while True:
        reply = await cast.reads_event(step, tuvens_event)
        if shows(_json(reply), status):
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


def _body(entry: dict[str, Any]) -> bytes:
    return _bytes(entry["request_body"])


def _bytes(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else str(value).encode("utf-8")
