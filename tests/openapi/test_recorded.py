"""What a document says of a recorded request: placeholders accuse nobody."""

import openapi
from openapi.recorded import request_problems, signature_of

JSON = [("content-type", "application/json")]


def problems(operation: str, target: str, body: bytes = b"") -> list[str]:
    return request_problems(openapi.find(operation), target, JSON, body)


def test_a_request_in_order_has_no_problem_with_or_without_its_secret() -> None:
    for token in ("<session-token:0123abcd>", "A" * 43):
        body = f'{{"session_token":"{token}"}}'.encode()
        assert problems("validateSession", "/api/cross-app/validate-session", body) == []


def test_what_a_placeholder_stands_for_might_have_been_right() -> None:
    body = b'{"session_token":"<session-token:0123abcd>","permission":"%s","resource_id":"%s"}'
    target = "/api/cross-app/validate-permission"
    assert problems("validatePermission", target, body % (b"create_events", b"<secret:0123abcd>")) == []
    (found,) = problems("validatePermission", target, body % (b"create_events", b"eleven"))
    assert found.startswith("/body/resource_id: ")


def test_what_is_wrong_is_told_with_its_place() -> None:
    (found,) = problems("validateSession", "/api/cross-app/validate-session", b'{"session":1}')
    assert found.startswith("/body/session_token: ")
    (found,) = problems("validateSession", "/api/cross-app/validate-session")
    assert found == "/body: is required"
    assert problems("validateSession", "/x", b"{")


def test_query_and_path_are_read_from_the_target_also_below_another_base() -> None:
    (found,) = problems("listUserAccounts", "/prefix/api/cross-app/user-accounts")
    assert found.startswith("/query/session_token")
    assert problems("listUserAccounts", "/api/cross-app/user-accounts?session_token=%3Csession-token:0123abcd%3E") == []
    twice = problems("listUserAccounts", "/api/cross-app/user-accounts?session_token=a&session_token=b")
    assert "is given 2 times" in twice[0]
    assert problems("getEvent", "/base/api/events/11") == []


def test_hostile_targets_are_no_fault_of_ours() -> None:
    for target in ("", "?", "/api/events/%ff%00", "/x?" + "&" * 5000, "/x?%zz=%ff"):
        assert isinstance(problems("getEvent", target), list)


def test_only_the_webhook_is_signed() -> None:
    signature = signature_of(openapi.find("receiveEventStatusChanged"))
    assert signature is not None
    assert (signature.header, signature.prefix, signature.key) == ("x-hi-events-signature", "sha256=", "shared-secret")
    assert signature_of(openapi.find("validateSession")) is None
