"""Example histories of the rules about routes: all of them a family, made by the operation."""

from collections.abc import Sequence
from typing import Any

import openapi
from contracts.every_operation.rules_routes import STORY
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.documented import documented, error
from tests.contracts.examples import Example, Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, closed, history, no_answer, opened

STREAM = f"{STORY}/streamEventUpdates"


def probed(*entries: Entry, events: bool = True) -> Seen:
    """What somebody without credentials was answered, at a deployment that names events or not."""
    return history(*entries, capabilities=["events"] * events)


def _of_route(operation_id: str) -> Sequence[Example]:
    step = f"{STORY}/{operation_id}"
    operation = openapi.find(operation_id)
    said: dict[str, Any] = {"operation": operation_id, "method": operation.method, "callee": operation.app}
    router = {"statusCode": 404, "message": f"Cannot {operation.method} {operation.path}", "error": "Not Found"}
    return (
        holds("it asks who is there", probed(answer(step, 401, **said))),
        holds("it answers with success", probed(answer(step, 200, **said))),
        holds("it goes wrong, which is another rule's matter", probed(answer(step, 500, **said))),
        breaks("a router knows no such path", probed(answer(step, 404, router, **said))),
        breaks("a router knows no such method", probed(answer(step, 405, **said))),
        leaves_open("no answer comes", probed(no_answer(step, **said))),
        leaves_open("nobody listens", probed(no_answer(step, refused=True, **said))),
        leaves_open("a front lets nobody through", probed(answer(step, 429, **said))),
    )


def _answers(app: str, operation_id: str) -> Sequence[Example]:
    step, other = f"{STORY}/{operation_id}", f"{STORY}/getEvent"
    elsewhere = "hi.events" if app == "tuvens-api" else "tuvens-api"
    return (
        holds("one of two probes is answered", probed(no_answer(other, callee=app), error(operation_id, 401, step))),
        leaves_open("no probe is answered", probed(no_answer(step, callee=app, refused=True))),
        leaves_open("another application answers", probed(answer(step, 200, callee=elsewhere))),
        leaves_open("nobody knocked", history(ended={STORY: "stopped"})),
    )


EXAMPLES: Examples = {
    "tuvens-api_answers": _answers("tuvens-api", "generateSession"),
    "hi.events_answers": _answers("hi.events", "setEventStatus"),
    "tuvens-client_answers": _answers("tuvens-client", "wrapGenerateSession"),
    "getEvent": (
        holds("an event is read", probed(documented("getEvent", 200, f"{STORY}/getEvent"))),
        breaks("an event that is there is not found", probed(error("getEvent", 404, f"{STORY}/getEvent"))),
        leaves_open(
            "there is no event to read, so a 404 may be the application's",
            probed(error("getEvent", 404, f"{STORY}/getEvent"), events=False),
        ),
        leaves_open("no answer comes", probed(no_answer(f"{STORY}/getEvent"))),
    ),
    "streamEventUpdates": (
        holds("a stream is opened", probed(opened(STREAM))),
        holds("it wants to know who is there, which is another rule's matter", probed(opened(STREAM, 401))),
        breaks("a router knows no such path", probed(opened(STREAM, 404, "application/json"))),
        breaks("a router knows no such method", probed(opened(STREAM, 405, "application/json"))),
        leaves_open("no answer comes", probed(closed(STREAM, "ReadTimeout"))),
    ),
    "*": _of_route,
}
