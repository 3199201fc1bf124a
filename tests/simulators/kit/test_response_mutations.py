"""Response mutations: each does what its name says, to the responses that it is meant for, and to no others."""

import json
from typing import Any

import pytest

from simulators.kit.errors import Refusal
from simulators.kit.faults import Change, Fault
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.response_mutations import (
    Mutation,
    When,
    all_of,
    drop,
    fails,
    has_status,
    media_type,
    mutated,
    put,
    status,
    succeeds,
    without_header,
)
from simulators.kit.simulator import Simulator
from tests.simulators.kit.double import EVENT, ask, simulator

VALUE = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}, 3]}


def _request() -> Request:
    return Request({"method": "GET", "path": "/", "headers": []}, None, 0.0)


def _changed(change: Mutation, value: Any = VALUE) -> Any:
    response = json_response(value)
    change(_request(), response)
    return json.loads(response.body)


def test_fields_are_dropped_and_replaced_at_a_path() -> None:
    assert _changed(drop("a", "b")) == {**VALUE, "a": {"c": 2}}
    assert _changed(drop("list", "*", "x")) == {**VALUE, "list": [{}, {}, 3]}
    assert _changed(put("a", "b", value=str)) == {**VALUE, "a": {"b": "1", "c": 2}}
    assert _changed(put("d", value=None)) == {**VALUE, "d": None}
    assert _changed(drop("nothing", "here")) == VALUE
    assert _changed(drop("a"), [1]) == [1]


def test_a_body_that_is_not_json_stays_as_it_is() -> None:
    response = Response(200, b"<h1>", [(b"content-type", b"text/html"), (b"x-one", b"1")])
    all_of(drop("a"), status(201), media_type("text/plain"), without_header("x-one"))(_request(), response)
    assert (response.status, response.body, response.headers) == (201, b"<h1>", [(b"content-type", b"text/plain")])


@pytest.mark.parametrize(
    ("operations", "when", "path", "happens"),
    [
        (("getEvent",), succeeds, "/api/events/11", True),
        (("getEvent",), succeeds, "/api/events/0", False),
        (("updateEvent",), succeeds, "/api/events/11", False),
        ((), fails, "/api/events/0", True),
        ((), fails, "/nowhere", True),
        ((), fails, "/api/events/11", False),
        ((), has_status(404), "/api/events/0", True),
    ],
)
def test_only_the_responses_that_are_meant_are_changed(
    operations: tuple[str, ...], when: When, path: str, happens: bool
) -> None:
    def change(found: Simulator) -> Change:
        return mutated(found, status(299), *operations, when=when)

    def get_event(request: Request) -> Response:
        if request.path_params["id"] == "0":
            raise Refusal(404, "EVENT_NOT_FOUND", "there is no such event")
        return json_response(EVENT)

    found = simulator({"odd": Fault("odd", "tuvens-api", "Odd.", change)}, ["odd"], own={"getEvent": get_event})
    (response,) = ask(found.app, ("GET", path))
    assert (response.status_code == 299) is happens
    assert found.faults.fired("odd") == int(happens)
    assert found.journal.breaches == 0, "a mutated response counts as a breach of ours"
