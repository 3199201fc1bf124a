"""The documents as the fuzzer gets them."""

from collections.abc import Mapping
from typing import Any

import pytest

import openapi
from scenarios.tools.fuzzing.causes import RequestForm
from scenarios.tools.fuzzing.document import HOSTILE, adapted, are_linked, lenient
from tests.contracts.histories import answer

VALUES = {"path.id": "12", "body.session_token": "a", "query.session_token": "a", "body.account_id": 123}


def document(app: str = "tuvens-api", *more: Mapping[str, Any]) -> dict[str, Any]:
    return adapted(app, openapi.EDITION, lambda operation_id: [VALUES, *more])


def examples(node: Mapping[str, Any]) -> list[Any]:
    return [each["value"] for each in node["examples"].values()]


def of(raw: dict[str, Any], method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = raw["paths"][path][method]
    return found


def body(raw: dict[str, Any], path: str) -> list[Any]:
    return examples(of(raw, "post", path)["requestBody"]["content"]["application/json"])


def test_operations_are_linked_if_a_link_of_one_leads_to_one_of_them() -> None:
    raw = document("hi.events")
    assert are_linked(raw, ["setEventStatus", "readEvent"])
    assert not are_linked(raw, ["readEvent"])
    assert not are_linked(raw, [])
    assert are_linked(document(), ["getEvent"])  # by a response that several operations share


def test_examples_are_values_of_the_deployment_one_set_after_the_other() -> None:
    raw = document("tuvens-api", {"body.session_token": "b", "query.session_token": "b"})
    tokens = [each["session_token"] for each in body(raw, "/api/cross-app/validate-session")]
    assert tokens == ["a", "b", HOSTILE]
    (query,) = of(raw, "get", "/api/cross-app/user-accounts")["parameters"]
    assert examples(query) == ["a", "b", HOSTILE]
    assert examples(of(raw, "patch", "/api/events/{id}")["parameters"][0])[0] == "12"


def test_each_free_text_is_hostile_in_an_example_of_its_own_and_what_has_a_form_is_not() -> None:
    sent = body(document(), "/api/webhooks/hi-events/event-status-changed")
    hostile = [
        each for each in sent if HOSTILE in (each["event_type"], each["event_sent_at"], *each["payload"].values())
    ]
    assert [[name for name, value in each["payload"].items() if value == HOSTILE] for each in hostile] == [
        ["title"],
        ["status"],
        ["tuvens_event_id"],
    ]


def test_headers_of_rate_limits_are_left_to_their_own_rules() -> None:
    for operation in (of(document(), "post", "/api/cross-app/validate-session"),):
        assert not operation["responses"]["200"].get("headers")
    shared = document()["components"]["responses"]["LimitedNotFound"]
    assert not shared["headers"]


def test_refusals_that_the_contract_leaves_open_are_documented_everywhere() -> None:
    for app in ("tuvens-api", "hi.events"):
        for item in document(app)["paths"].values():
            for operation in item.values():
                if isinstance(operation, dict) and "requestBody" in operation:
                    assert {"400", "413", "415", "422", "429"} <= set(operation["responses"])


def test_the_projects_own_documents_stay_as_they_are() -> None:
    before = openapi.load("tuvens-api").bundled()
    lenient(document())
    assert openapi.load("tuvens-api").bundled() == before


@pytest.mark.parametrize(
    ("operation_id", "sent", "pointers"),
    [
        ("generateSession", {"account_id": 0}, ["/body/account_id"]),
        ("generateSession", {"account_id": "1"}, ["/body/account_id"]),
        ("generateSession", {}, ["/body/account_id"]),
        ("generateSession", b"{", ["/body"]),
        ("generateSession", b"", ["/body"]),
        ("generateSession", {"account_id": None}, []),
        ("generateSession", {"account_id": 1, "more": {}}, []),
        ("validateSession", {"session_token": ""}, ["/body/session_token"]),
        ("validatePermission", {"session_token": "a", "permission": "", "resource_id": None}, []),
        ("setEventStatus", {"status": "PAUSED"}, ["/body/status"]),
    ],
)
def test_only_what_is_ill_formed_beyond_doubt_has_problems(
    operation_id: str, sent: object, pointers: list[str]
) -> None:
    app = openapi.find(operation_id).app
    form = RequestForm(app, lenient(document(app)))
    asked = answer("s/x", 200, sent=sent, request_headers=(("Content-Type", "application/json"),))
    assert [each.pointer for each in form.problems(operation_id, asked)] == pointers


def test_a_wrong_content_type_and_a_time_in_another_form_are_no_problems() -> None:
    form = RequestForm("tuvens-api", lenient(document()))
    other = answer("s/x", 200, sent=b"account_id=1", request_headers=(("Content-Type", "text/plain"),))
    assert form.problems("generateSession", other) == []
    payload = {"id": 1, "title": "", "status": "", "tuvens_event_id": "1"}
    told = {"event_type": "event.status_changed", "event_sent_at": "yesterday", "payload": payload}
    dated = answer("s/x", 200, sent=told, request_headers=(("Content-Type", "application/json"),))
    assert form.problems("receiveEventStatusChanged", dated) == []
