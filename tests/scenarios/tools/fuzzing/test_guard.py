"""What a fuzzer must not send is changed before it is sent."""

from typing import Any

import pytest

import openapi
from scenarios.tools.fuzzing.guard import Guard


def kept(operation_id: str, id: str, *, event: str = "12", method: str = "") -> str:
    path = {"id": id}
    operation = openapi.find(operation_id)
    Guard(operation.app, openapi.EDITION, event).keep(operation_id, method or operation.method, path, None)
    return path["id"]


@pytest.mark.parametrize("operation_id", ["updateEvent", "setEventStatus"])
def test_no_event_is_changed_but_the_one_that_may_be(operation_id: str) -> None:
    assert kept(operation_id, "12") == "12"
    assert kept(operation_id, "11") == "crossapp-11"
    assert kept(operation_id, "") == "crossapp-"
    assert kept(operation_id, "12", event="") == "crossapp-12"


def test_by_another_method_no_event_is_named_at_all() -> None:
    assert kept("getEvent", "12", method="DELETE") == "crossapp-12"
    assert kept("updateEvent", "12", method="delete") == "crossapp-12"


def test_what_is_only_read_may_be_any() -> None:
    assert kept("getEvent", "11") == "11"
    assert kept("getEvent", "' OR 1=1") == "' OR 1=1"


@pytest.mark.parametrize(
    ("id", "sent"),
    [("a/b", "a_b"), ("..", "crossapp-.."), ("\\\x00\x7f", "___"), ("updates", "crossapp-updates"), ("\ud800", "_")],
)
def test_what_routers_see_and_applications_do_not_is_not_sent(id: str, sent: str) -> None:
    assert kept("getEvent", id) == sent


@pytest.mark.parametrize(
    ("named", "sent"),
    [("12", "12"), ("11", "crossapp-11"), (11, -12), (-3, -4), (1.5, -2.5), (True, True), (None, None), ([1], [1])],
)
def test_a_webhook_names_no_other_event(named: object, sent: object) -> None:
    body = {"payload": {"tuvens_event_id": named}}
    Guard("tuvens-api", openapi.EDITION, "12").keep("receiveEventStatusChanged", "POST", {}, body)
    assert body["payload"]["tuvens_event_id"] == sent


@pytest.mark.parametrize("body", [None, [], "x", {"payload": "x"}, {"payload": {}}, {}])
def test_a_body_without_the_field_stays_as_it_is(body: Any) -> None:
    Guard("tuvens-api", openapi.EDITION, "12").keep("receiveEventStatusChanged", "POST", None, body)
