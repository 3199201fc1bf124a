"""What is computed from an exchange before its secrets are removed."""

import pytest

from contracts.facts import conformity
from harness.http import Answer, Call

ASK = Call("validateSession", "POST", "/api/cross-app/validate-session")


@pytest.mark.parametrize("body", [b'{"session_token":null}', b'{"session_token":""}', b"{}"])
@pytest.mark.parametrize("status", [400, 404, 500, 201])
def test_an_error_says_which_field_of_the_request_was_ill_formed(status: int, body: bytes) -> None:
    assert conformity(ASK.with_body(body), Answer(status))["ill_formed"] == ["/body/session_token"]


def test_a_well_formed_request_has_no_such_field_and_a_limit_says_nothing_of_it() -> None:
    assert conformity(ASK.with_body(b'{"session_token":"unknown"}'), Answer(404))["ill_formed"] == []
    assert "ill_formed" not in conformity(ASK.with_body(b"{}"), Answer(429))
