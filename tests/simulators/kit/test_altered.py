"""Operators on answers: each does what its name says, to the answers that it is meant for, and to no others."""

import json
from typing import Any

import pytest

import openapi
from simulators.kit.altered import Altered, Change, all_of, alter, answers, drop, errors, media_type, put, status
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import Fault, FaultRuntime

VALUE = {"a": {"b": 1, "c": 2}, "list": [{"x": 1}, {"x": 2}, 3]}


def changed(change: Change, value: Any = VALUE) -> Any:
    reply = json_reply(value)
    change(inbound(), reply)
    return json.loads(reply.body)


def inbound(operation: str = "getEvent") -> Inbound:
    return Inbound({"method": "GET", "path": "/", "headers": []}, openapi.find(operation), 0.0)


def test_fields_are_dropped_and_replaced_at_a_path() -> None:
    assert changed(drop("a", "b")) == {**VALUE, "a": {"c": 2}}
    assert changed(drop("list", "*", "x")) == {**VALUE, "list": [{}, {}, 3]}
    assert changed(put("a", "b", value=str)) == {**VALUE, "a": {"b": "1", "c": 2}}
    assert changed(put("d", value=None)) == {**VALUE, "d": None}
    assert changed(drop("nothing", "here")) == VALUE
    assert changed(drop("a"), [1]) == [1]


def test_what_is_no_json_stays_as_it_is() -> None:
    reply = Reply(200, b"<h1>", [("content-type", "text/html")])
    all_of(drop("a"), status(201), media_type("text/plain"))(inbound(), reply)
    assert (reply.status, reply.body, reply.headers) == (201, b"<h1>", [("content-type", "text/plain")])


@pytest.mark.parametrize(
    ("altered", "operation", "answer", "happens"),
    [
        (answers(status(299), "getEvent"), "getEvent", 200, True),
        (answers(status(299), "getEvent"), "getEvent", 404, False),
        (answers(status(299), "getEvent"), "updateEvent", 200, False),
        (errors(status(299)), "updateEvent", 404, True),
        (errors(status(299)), "updateEvent", 200, False),
    ],
)
def test_only_the_answers_that_are_meant_are_altered(
    altered: Altered, operation: str, answer: int, happens: bool
) -> None:
    faults = FaultRuntime([Fault("odd", "tuvens-api", "Odd.")])
    for armed in (False, True):
        if armed:
            faults.arm("odd")
        reply = json_reply(VALUE, answer)
        alter(faults, {"odd": altered}, inbound(operation), reply)
        assert (reply.status == 299) is (happens and armed)
    assert faults.fired("odd") == int(happens)
