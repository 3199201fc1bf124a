"""Every documented route that takes a credential is tried with the words of test doubles."""

import openapi
from contracts.mock_credentials.rules import takers
from scenarios.stories.mock_credentials_are_tried import KINDS


def test_each_operation_that_takes_a_credential_is_tried() -> None:
    tried = {operation.id for app, kind in KINDS for operation in takers(app, kind)}
    demanding = {
        each.id for each in openapi.operations() if any(scheme.secret and not scheme.signs for scheme in each.schemes)
    }
    assert tried == demanding
    assert {"setEventStatus", "readEvent", "wrapGenerateSession"} <= tried


def test_requests_have_a_body_where_the_document_has_an_example_of_one() -> None:
    assert openapi.find("setEventStatus").example == {"status": "LIVE"}
    assert openapi.find("validatePermission").example["permission"] == "manage_ticketing"
    assert openapi.find("readEvent").example is None
