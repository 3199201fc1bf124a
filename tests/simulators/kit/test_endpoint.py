"""Endpoints and their router: what stops the start, what is served, and what never leaves."""

import asyncio
from typing import Any

import httpx
import pytest

from simulators.kit.errors import StartError
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.simulator import Simulator
from tests.simulators.kit.double import EVENT, ask, simulator


def _ask(found: Simulator, method: str, path: str, **more: Any) -> httpx.Response:
    (response,) = ask(found.app, (method, path), **more)
    return response


def test_a_missing_handler_and_a_left_over_one_stop_the_start_by_name() -> None:
    with pytest.raises(StartError, match="no operation for the handler getEvnt"):
        simulator(own={"getEvnt": lambda request: json_response(EVENT)})


def test_a_response_that_breaks_the_document_is_a_500_journaled_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    found = simulator(own={"getEvent": lambda request: json_response({**EVENT, "id": 11, "title": "hush"})})
    response = _ask(found, "GET", "/api/events/11")
    assert response.status_code == 500
    assert "hush" not in response.text
    assert found.health()["contract_problems"] == 1
    (exchange,) = found.journal.exchanges()
    assert exchange.status == 500
    assert exchange.problems[0].startswith("/body/id: ")
    assert "/body/id" in caplog.text


def test_an_undocumented_status_breaks_the_document_too() -> None:
    found = simulator(own={"getEvent": lambda request: json_response(EVENT, 202)})
    assert _ask(found, "GET", "/api/events/11").status_code == 500


def test_a_missing_documented_header_breaks_the_document_too() -> None:
    found = simulator(own={"validateSession": lambda request: json_response({})})
    assert _ask(found, "POST", "/api/cross-app/validate-session", json={"session_token": "x"}).status_code == 500


def test_an_exception_is_a_500_that_tells_the_caller_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: Request) -> Response:
        raise KeyError("hush")

    found = simulator(own={"getEvent": fail})
    response = _ask(found, "GET", "/api/events/hush")
    assert response.status_code == 500
    assert "hush" not in response.text + caplog.text
    assert "KeyError at test_endpoint.py" in caplog.text
    assert found.health()["failures"] == 1
    assert found.journal.exchanges()[0].to_json()["exception"] == caplog.records[0].args[-1]  # type: ignore[index]


def test_a_failing_audit_log_is_a_500_and_not_silence() -> None:
    class Failing:
        def record(self, request: Request, response: Response) -> None:
            raise OSError("disk full")

    assert _ask(simulator(audit=Failing()), "GET", "/api/events/11").status_code == 500


def test_handlers_may_be_coroutines() -> None:
    async def answer(request: Request) -> Response:
        await asyncio.sleep(0)
        return json_response({**EVENT, "id": request.path_params["id"]})

    assert _ask(simulator(own={"getEvent": answer}), "GET", "/api/events/a%2Db%20c").json()["id"] == "a-b c"


@pytest.mark.parametrize(("path", "event"), [("/api/events/a%2Fb", "a/b"), ("/api/events/%2f%C3%A9", "/é")])
def test_an_escaped_slash_stays_in_its_segment(path: str, event: str) -> None:
    assert _ask(simulator(), "GET", path).json()["id"] == event


def test_an_escaped_slash_makes_no_route_of_another_path() -> None:
    assert _ask(simulator(), "GET", "/api%2Fevents/11").status_code == 404


def test_head_is_served_where_get_is_without_a_body() -> None:
    response = _ask(simulator(), "HEAD", "/api/events/11")
    assert (response.status_code, response.content) == (200, b"")
    assert int(response.headers["content-length"]) > 0
    assert _ask(simulator(), "HEAD", "/api/cross-app/validate-session").status_code == 405


def test_literal_paths_win_over_templates() -> None:
    def stream(request: Request) -> Response:
        async def chunks() -> Any:
            yield b"data: x\n\n"

        return Response(200, headers=[(b"content-type", b"text/event-stream")], stream=chunks())

    response = _ask(simulator(own={"streamEventUpdates": stream}), "GET", "/api/events/updates")
    assert (response.status_code, response.text) == (200, "data: x\n\n")


def test_a_wrong_method_is_405_and_options_204() -> None:
    response = _ask(simulator(), "DELETE", "/api/events/11")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, PATCH, OPTIONS")
    assert _ask(simulator(), "OPTIONS", "/api/events/11").status_code == 204


def test_without_a_token_there_is_no_control_plane() -> None:
    assert _ask(simulator(), "GET", "/__crossapp__/ready").status_code == 404
