"""Requests are made from the documents: method, path, Accept, and where the credential goes."""

import pytest

import openapi
from contracts.calls import call
from harness.http import Call, header


@pytest.mark.parametrize("operation", openapi.operations(), ids=lambda each: each.id)
def test_a_request_is_one_of_its_operation(operation: openapi.Operation) -> None:
    path = {name: "11" for name in ("id", "slug") if f"{{{name}}}" in operation.path}
    made = call(operation.id, path=path)
    assert openapi.load(operation.app).operation_at(made.method, made.target) is operation
    assert made.body is None
    assert header(made.headers, "Content-Type") is None


@pytest.mark.parametrize(
    ("made", "name", "value"),
    [
        (call("generateSession", "a.b.c", json={}), "Authorization", "Bearer a.b.c"),
        (call("validateSession", "secret", json={}), "x-shared-secret", "secret"),
        (call("receiveEventStatusChanged", "sha256=00", json={}), "x-hi-events-signature", "sha256=00"),
        (call("wrapGenerateSession", "a.b.c", json={}), "Authorization", "Bearer a.b.c"),
        (call("getEvent", "a.b.c", path={"id": "1"}), "Authorization", None),
        (call("generateSession", json={}), "Authorization", None),
    ],
    ids=["a JWT", "the secret", "a signature", "not in a cookie", "of a public operation", "none"],
)
def test_a_credential_goes_into_the_header_of_its_scheme(made: Call, name: str, value: str | None) -> None:
    assert header(made.headers, name) == value


def test_a_body_is_compact_json_even_if_it_is_null() -> None:
    assert call("generateSession", json={"account_id": 1}).body == b'{"account_id":1}'
    assert call("generateSession", json=None).body == b"null"


@pytest.mark.parametrize(
    ("operation", "accept"),
    [("validateSession", "application/json"), ("showWidget", "text/html"), ("streamEventUpdates", "text/event-stream")],
)
def test_a_caller_accepts_what_the_operation_answers_with(operation: str, accept: str) -> None:
    assert header(call(operation, path={"id": "1"}).headers, "Accept") == accept
