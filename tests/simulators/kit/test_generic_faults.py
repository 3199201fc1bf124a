"""Faults of any operation on real sockets: by name, by a request's header, and with the server's stop in between."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from simulators.kit.errors import StartError
from simulators.kit.fault_specs import FaultSpecError, is_spec, read_misbehaviour, read_spec
from simulators.kit.generic_faults import HEADER
from simulators.launch import HI_EVENTS, TUVENS_API, Launched, LaunchOptions
from tests.launching import Outside, launched

EVENT = "/api/events/11"
_BROKEN = r"Unterminated|Expecting"


class Faulty(Outside):
    app = TUVENS_API

    def get(self, path: str = EVENT, **headers: str) -> httpx.Response:
        return self.client.get(self.built.urls[TUVENS_API] + path, headers=headers)

    def journal(self) -> list[dict[str, Any]]:
        return list(self.control("GET", "/journal")["exchanges"])

    def known(self, name: str) -> dict[str, Any]:
        return next(each for each in self.control("GET", "/faults")["faults"] if each["name"] == name)


@pytest.fixture(scope="module")
def _served() -> Iterator[Faulty]:
    options = LaunchOptions(only=(TUVENS_API,), faults=("streamEventUpdates:respond=418x1",), limits="raised")
    with launched(options) as built:
        faulty = Faulty(built)
        with faulty.client:
            yield faulty


@pytest.fixture
def api(_served: Faulty) -> Faulty:
    _served.reset()
    return _served


# -- how they are written


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("validateSession:respond=503x2", ("tuvens-api", "validateSession:respond=503", 503, 0.0, 2)),
        ("setEventStatus:delay=1m500ms", ("hi.events", "setEventStatus:delay=1m500ms", 0, 60.5, None)),
        ("wrapGenerateSession:hang", ("tuvens-client", "wrapGenerateSession:hang", 0, 0.0, None)),
        ("getEvent:dropx1", ("tuvens-api", "getEvent:drop", 0, 0.0, 1)),
        ("getEvent:malformed", ("tuvens-api", "getEvent:malformed", 0, 0.0, None)),
    ],
)
def test_a_spec_names_operation_action_value_and_count(text: str, read: tuple[object, ...]) -> None:
    spec = read_spec(text)
    assert is_spec(text)
    assert (spec.app, spec.name, spec.what.status, spec.what.seconds, spec.what.times) == read


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("validateSesion:hang", "unknown operation 'validateSesion'; did you mean 'validateSession'?"),
        (":hang", "unknown operation ''; known are, for example, generateSession"),
        ("getEvent:", "unknown action ''; write respond=503, delay=3s, hang, drop, malformed, or one with x2"),
        ("getEvent:explode", "unknown action 'explode'"),
        ("getEvent:respond", "'respond': write respond=503"),
        ("getEvent:respond=200", "'200' is not an error status; write one from 400 to 599"),
        ("getEvent:respond=5O3", "'5O3' is not an error status"),
        ("getEvent:delay=3", "'3' is not a duration; write one such as 300ms, 3s or 1m"),
        ("getEvent:delay=11m", "at most 10m"),
        ("getEvent:delay=0", "more than 0"),
        ("getEvent:hang=3s", "'hang=3s': write hang without a value"),
        ("getEvent:dropx0", "x0 is never"),
    ],
)
def test_a_wrong_spec_names_the_part_and_the_remedy(text: str, said: str) -> None:
    with pytest.raises(FaultSpecError) as raised:
        read_spec(text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_names_of_other_faults_are_no_specs() -> None:
    assert not is_spec("webhook-not-sent")
    assert not is_spec("mutate:getEvent:200:/title:drop")
    assert read_misbehaviour("hang").sentence == "accepts the request and never responds"


def test_one_of_an_application_that_is_not_started_is_refused() -> None:
    with pytest.raises(StartError, match=r"belongs to hi\.events, which is not started"):
        Launched(LaunchOptions(only=(TUVENS_API,), faults=("setEventStatus:hang",)))


# -- what they do


def test_respond_is_an_error_in_the_applications_form_so_many_times(api: Faulty) -> None:
    api.arm("getEvent:respond=503x2")
    assert [api.get().status_code for _ in range(3)] == [503, 503, 200]
    first = api.journal()[0]
    assert json.loads(first["response_body"])["statusCode"] == 503
    assert first["faults"] == ["getEvent:respond=503"]
    fault = api.known("getEvent:respond=503")
    assert (fault["fired"], fault["left"], fault["area"]) == (2, 0, "any operation")
    assert api.control("GET", "/health")["contract_problems"] == 0


def test_respond_does_nothing_of_what_was_requested(api: Faulty) -> None:
    api.arm("generateSession:respond=500")
    headers = {"Authorization": f"Bearer {api.jwt()}"}
    url = api.built.urls[TUVENS_API] + "/api/cross-app/generate-session"
    assert api.client.post(url, json={"account_id": 123}, headers=headers).status_code == 500
    assert api.control("GET", "/sessions")["total"] == 0


def test_drop_closes_the_connection_and_says_so_in_the_journal(api: Faulty) -> None:
    api.arm("getEvent:dropx1")
    with pytest.raises(httpx.RemoteProtocolError):
        api.get()
    assert api.get().status_code == 200
    dropped = api.journal()[0]
    assert (dropped["status"], dropped["faults"]) == (None, ["getEvent:drop"])
    assert dropped["error"] == "the connection was closed"


def test_malformed_is_half_a_body_with_its_own_length(api: Faulty) -> None:
    api.arm("getEvent:malformed")
    response = api.get()
    assert response.status_code == 200
    with pytest.raises(ValueError, match=_BROKEN):
        response.json()
    assert int(response.headers["content-length"]) == len(response.content)


def test_malformed_messages_of_a_stream_break_off(api: Faulty) -> None:
    api.arm("streamEventUpdates:malformed")
    with api.client.stream("GET", api.built.urls[TUVENS_API] + "/api/events/updates") as stream:
        lines = stream.iter_lines()
        next(lines)
        body = status_changed_body(
            event_id=11, title="T", status="LIVE", tuvens_event_id="11", sent_at="2030-01-01T00:00:00.000Z"
        )
        call = event_status_changed(body, sign(api.built.shared_secret, body))
        sent = api.client.post(api.built.urls[TUVENS_API] + call.target, headers=list(call.headers), content=call.body)
        assert sent.status_code == 200
        data = next(line for line in lines if line.startswith("data"))
    assert data.startswith('data: {"type":"ticketing')
    with pytest.raises(ValueError, match=_BROKEN):
        json.loads(data[5:])


def test_a_delay_is_waited_for_before_the_request_is_served(api: Faulty) -> None:
    api.arm("getEvent:delay=5ms")
    for _ in range(100):
        assert api.get().status_code == 200
    # An event loop that counts whole milliseconds ends some waits early.
    assert min(each["seconds"] for each in api.journal()) >= 0.005


@pytest.mark.parametrize("action", ["hang", "delay=10m"])
def test_who_waits_for_a_response_may_leave(api: Faulty, action: str) -> None:
    api.arm(f"getEvent:{action}")
    address = ("127.0.0.1", int(api.built.urls[TUVENS_API].rpartition(":")[2]))
    with socket.create_connection(address) as caller:
        caller.sendall(f"GET {EVENT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        waiting = api.built.simulators[TUVENS_API].waiting
        _until(lambda: len(waiting) == 1)
    _until(lambda: not waiting)
    assert "left" in api.control("GET", "/journal?wait=5")["exchanges"][0]["error"]


@pytest.mark.parametrize("action", ["hangx1", "delay=10m"])
def test_a_stop_of_the_server_ends_all_that_wait(action: str) -> None:
    with ThreadPoolExecutor() as pool:
        with launched(LaunchOptions(only=(HI_EVENTS,), faults=(f"showWidget:{action}",))) as built:
            found = pool.submit(httpx.get, f"{built.urls[HI_EVENTS]}/widget/11", trust_env=False, timeout=60)
            _until(lambda: bool(built.simulators[HI_EVENTS].waiting))
        assert found.result(30).status_code == 503


def _until(true: Any) -> None:
    deadline = time.monotonic() + 30
    pause = threading.Event()
    while not true():
        assert time.monotonic() < deadline, "it did not come true within 30 s"
        pause.wait(0.005)


# -- where they are given


def test_one_that_was_armed_at_the_start_is_armed_again_by_a_reset_of_everything(api: Faulty) -> None:
    for _ in range(2):
        api.control("POST", "/reset?everything=true")
        assert api.get("/api/events/updates").status_code == 418
        assert api.known("streamEventUpdates:respond=418")["left"] == 0
    api.control("POST", "/reset")
    assert api.known("streamEventUpdates:respond=418")["armed"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("getEvent:respond=700", "'700' is not an error status"),
        ("setEventStatus:hang", "belongs to hi.events"),
    ],
)
def test_the_control_plane_refuses_what_is_written_wrongly(api: Faulty, name: str, said: str) -> None:
    headers = {"Authorization": f"Bearer {api.built.control_tokens[TUVENS_API]}"}
    url = f"{api.built.urls[TUVENS_API]}/__crossapp__/faults/{name}"
    response = api.client.put(url, headers=headers)
    assert response.status_code == 422
    assert said in response.json()["detail"]


def test_a_header_is_for_its_request_alone(api: Faulty) -> None:
    assert api.get(**{HEADER: "respond=502"}).status_code == 502
    assert api.get().status_code == 200
    with pytest.raises(httpx.RemoteProtocolError):
        api.get(**{HEADER: "drop"})
    with pytest.raises(ValueError, match=_BROKEN):
        api.get(**{HEADER: "malformed"}).json()
    assert [each["faults"] for each in api.journal()] == [["by-request-header"], [], *[["by-request-header"]] * 2]


@pytest.mark.parametrize(("text", "said"), [("respond=200", "400 to 599"), ("hangx2", "leave out x2"), ("", "write ")])
def test_a_header_that_is_written_wrongly_is_refused_with_the_remedy(api: Faulty, text: str, said: str) -> None:
    response = api.get(**{HEADER: text})
    assert response.status_code == 400
    assert said in response.json()["message"]
    assert HEADER in response.json()["message"]


def test_without_a_control_plane_the_header_is_nothing() -> None:
    with launched(LaunchOptions(only=(TUVENS_API,), control=False)) as built:
        response = httpx.get(built.urls[TUVENS_API] + EVENT, headers={HEADER: "respond=503"}, trust_env=False)
    assert response.status_code == 200
