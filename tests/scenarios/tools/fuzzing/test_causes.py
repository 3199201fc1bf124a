"""Failures of cases become causes: once each, the smallest case first, and nothing that the contract leaves open."""

from dataclasses import replace
from typing import Any

import pytest

import openapi
from harness.history import Exchange
from scenarios.tools.fuzzing.causes import FuzzCause, RequestForm, causes_of
from scenarios.tools.fuzzing.document import adapted, lenient
from scenarios.tools.fuzzing.engine import Failure
from tests.contracts.histories import answer, no_answer

FORM = RequestForm("tuvens-api", lenient(adapted("tuvens-api", openapi.EDITION, lambda operation_id: [{}])))
JSON = (("Content-Type", "application/json"),)


def failed(check: str, case: str = "a", title: str = "Wrong", detail: str = "") -> Failure:
    return Failure("generateSession", check, title, detail, case)


def causes(failures: list[Failure], **exchanges: Exchange) -> list[FuzzCause]:
    numbered = {name: replace(each, number=at) for at, (name, each) in enumerate(exchanges.items(), start=1)}
    return causes_of(failures, numbered.get, FORM)


def asked(status: int, sent: object = b"{}", **said: Any) -> Exchange:
    return answer("s/x", status, {}, sent=sent, request_headers=JSON, **said)


def test_the_same_at_several_cases_is_one_cause_told_by_the_smallest() -> None:
    found = causes(
        [failed("not_a_server_error", case) for case in "abc"],
        a=asked(500, sent=b"x" * 9),
        b=asked(500, sent=b"x"),
        c=asked(500, sent=b"x" * 3),
    )
    (cause,) = found
    assert cause.exchanges == (2, 3, 1)
    assert cause.expected == "a status below 500"
    assert cause.observed == "a server error in 500 {}"


def test_a_server_error_that_fits_no_document_is_one_cause() -> None:
    both = [failed("not_a_server_error"), failed("status_code_conformance"), failed("response_schema_conformance")]
    (cause,) = causes(both, a=asked(500))
    assert cause.check == "not_a_server_error"


def test_values_make_no_second_cause_but_places_do() -> None:
    def at(pointer: str, value: str) -> dict[str, list[str]]:
        return {"problems": [f"{pointer}: value is not of type, got {value}"]}

    found = causes(
        [failed("response_schema_conformance", case) for case in "abc"],
        a=asked(200, facts=at("/body/name", "1")),
        b=asked(200, facts=at("/body/name", "null")),
        c=asked(400, facts=at("/body/path", "null")),
    )
    assert [each.exchanges for each in found] == [(1, 2), (3,)]


def test_what_is_accepted_is_told_by_the_place_that_is_ill_formed() -> None:
    found = causes(
        [failed("negative_data_rejection", case) for case in "abc"],
        a=asked(200, sent={"account_id": "7"}),
        b=asked(200, sent={"account_id": []}),
        c=asked(200, sent=b"["),
    )
    assert [each.key for each in found] == [
        "negative_data_rejection: /body/account_id",
        "negative_data_rejection: /body",
    ]


@pytest.mark.parametrize("sent", [{"account_id": None}, None, b"null", {"account_id": 1.0, "more": 1}])
def test_what_is_left_open_is_no_cause(sent: object) -> None:
    given = b"" if sent is None else sent
    headers = JSON if sent is not None else (("Content-Type", "text/plain"),)
    exchange = answer("s/x", 200, {}, sent=given or b"x", request_headers=headers)
    assert causes([failed("negative_data_rejection")], a=exchange) == []


def test_neither_a_network_nor_a_rate_limit_nor_a_case_that_was_not_sent_is_a_cause() -> None:
    for failure in (failed("not_a_server_error"), failed("status_code_conformance")):
        assert causes([failure], a=no_answer("s/x")) == []
        assert causes([failure], a=asked(429)) == []
        assert causes([failure]) == []


def test_another_application_that_fails_is_no_cause_where_the_document_says_so() -> None:
    assert causes([failed("not_a_server_error")], a=asked(503, facts={"problems": []})) == []
    told = asked(503, facts={"problems": ["/status: 503 is not documented"]})
    assert len(causes([failed("not_a_server_error")], a=told)) == 1


def test_rate_limit_headers_are_left_to_their_own_rule() -> None:
    told = asked(200, facts={"problems": ["/headers/x-ratelimit-limit: is required", "/body/a: is required"]})
    (cause,) = causes([failed("response_schema_conformance")], a=told)
    assert "/body/a" in cause.observed
