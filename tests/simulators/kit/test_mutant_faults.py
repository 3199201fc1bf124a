"""Mutants on a simulator: armed by their names through the control plane, they change responses and count it."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest

from simulators.kit.messages import Request, Response, json_response
from simulators.kit.mutant_faults import mutant_fault
from simulators.kit.simulator import Simulator
from tests.simulators.kit.double import EVENT, ask, simulator

CONTROL = "/__crossapp__/faults"
TOKEN = {"Authorization": "Bearer secret"}


def armed(*names: str, own: Any = None) -> Simulator:
    """A simulator with these mutants, armed as a caller arms them."""
    found = simulator(control_token="secret", own=own)
    for name in names:
        (answer,) = ask(found.app, ("PUT", f"{CONTROL}/{quote(f'mutate:{name}', safe='')}"), headers=TOKEN)
        assert answer.status_code == 200, answer.text
    return found


def fired(found: Simulator, name: str) -> int:
    return found.faults.fired(f"mutate:{name}")


def test_a_mutant_changes_the_responses_of_its_operation_and_status_and_no_others() -> None:
    name = "getEvent:200:/title:drop"
    found = armed(name)
    event, missing = ask(found.app, ("GET", "/api/events/7"), ("GET", "/api/nothing"))
    assert event.json() == {key: value for key, value in {**EVENT, "id": "7"}.items() if key != "title"}
    assert (missing.status_code, fired(found, name)) == (404, 1)
    assert [each.faults for each in found.journal.exchanges()] == [(f"mutate:{name}",), ()]


def test_disarming_puts_the_honest_response_back() -> None:
    name = "getEvent:200:/id:retype"
    found = armed(name)
    (changed,) = ask(found.app, ("GET", "/api/events/7"))
    assert changed.json()["id"] == 7
    (gone,) = ask(found.app, ("DELETE", f"{CONTROL}/{quote(f'mutate:{name}', safe='')}"), headers=TOKEN)
    assert gone.json()["armed"] is False
    assert ask(found.app, ("GET", "/api/events/7"))[0].json()["id"] == "7"


def test_a_response_without_the_field_is_sent_as_it_is_and_not_counted() -> None:
    name = "getEvent:200:/contactData:null"
    found = armed("getEvent:200:/contactData/hiEventsStatus:drop", name)
    assert ask(found.app, ("GET", "/api/events/7"))[0].json() == {**EVENT, "id": "7"}
    assert fired(found, name) == 0


@pytest.mark.parametrize(("kind", "left"), [("drop", None), ("retype", "soon")])
def test_a_header_is_dropped_or_garbled(kind: str, left: str | None) -> None:
    name = f"validateSession:200:X-RateLimit-Limit:{kind}"
    found = armed(name, own={"validateSession": _validates})
    answer, refused = ask(
        found.app,
        ("POST", "/api/cross-app/validate-session"),
        ("POST", "/api/cross-app/validate-permission"),
        json={"session_token": "t"},
    )
    assert answer.status_code == 200
    assert answer.headers.get("x-ratelimit-limit") == left
    assert answer.headers["x-ratelimit-remaining"].isdecimal()
    assert refused.headers["x-ratelimit-limit"].isdecimal()
    assert fired(found, name) == 1


def test_the_messages_of_a_stream_are_changed() -> None:
    message = {"type": "ticketing_status_changed", "eventId": "11", "status": "active", "timestamp": "2030"}
    stream = _Stream([b": open\n\n", f"id: 1\ndata: {json.dumps(message)}\n\n".encode()])

    def opens(request: Request) -> Response:
        return Response(headers=[(b"content-type", b"text/event-stream")], stream=stream)

    name = "streamEventUpdates:200:/eventId:retype"
    found = armed(name, own={"streamEventUpdates": opens})
    (answer,) = ask(found.app, ("GET", "/api/events/updates"))
    lines = answer.text.split("\n")
    assert json.loads(lines[3].removeprefix("data: ")) == {**message, "eventId": 11}
    assert lines[:3] == [": open", "", "id: 1"]
    assert (fired(found, name), stream.closed) == (1, True)


def test_a_name_that_no_mutant_has_is_unknown() -> None:
    found = simulator(control_token="secret")
    for name in ("mutate:getEvent:200:/title:invert", "mutate:validateCrossAppSession:200:/token:drop"):
        (answer,) = ask(found.app, ("PUT", f"{CONTROL}/{quote(name, safe='')}"), headers=TOKEN)
        assert answer.status_code == 404
    assert mutant_fault("tuvens-api", "getEvent") is None


def _validates(request: Request) -> Response:
    return json_response({"user_id": "1", "email": "a@b.example", "name": "A", "account_id": 1})


class _Stream:
    def __init__(self, chunks: Sequence[bytes]) -> None:
        self._chunks = list(chunks)
        self.closed = False

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop(0)

    async def aclose(self) -> None:
        self.closed = True
