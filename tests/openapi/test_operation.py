"""Operations tell what is wrong with a message, whatever is in it, and say nothing of a good one."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import openapi
from openapi import APPS, Document, Operation, Problem, SpecError, find, load
from openapi.bundle import Bundle
from openapi.problems import cut
from tests.openapi import minimal
from tests.openapi.bodies import answer_example, request_example

JSON = ("Content-Type", "application/json")
LIMITED = [
    ("X-RateLimit-Limit", "100"),
    ("X-RateLimit-Remaining", "99"),
    ("X-RateLimit-Reset", "1753453860"),
]
USER = b'{"user_id": "456", "email": "user@example.com", "name": "John Doe", "account_id": 123}'


@pytest.fixture
def bakery(tmp_path: Path) -> Operation:
    document = minimal.document()
    document["paths"]["/loaves/{id}"]["put"]["parameters"] += [
        {"name": "seeds", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
        {"name": "warm", "in": "query", "schema": {"type": "boolean"}},
        {"name": "weight", "in": "query", "schema": {"type": "number"}},
    ]
    return Document("bakery", Bundle(minimal.write(tmp_path, document))).operations["bakeLoaf"]


def _operations() -> Iterator[Operation]:
    for app in APPS:
        yield from load(app).operations.values()
        yield from load(app).webhooks.values()


# --- documents


def test_a_document_is_read_once() -> None:
    assert load("tuvens-api") is load("tuvens-api")


@pytest.mark.parametrize("app", APPS)
def test_a_document_names_its_application_edition_and_file(app: str) -> None:
    document = load(app)
    assert (document.app, document.edition) == (app, "2025-07")
    assert document.path.is_file()


def test_an_unknown_application_is_told_with_those_there_are() -> None:
    with pytest.raises(SpecError, match=r"no document of 'hi-events'; there are tuvens-api, hi\.events"):
        load("hi-events")


def test_an_edition_that_is_not_there_is_told() -> None:
    with pytest.raises(SpecError) as error:
        load("hi.events", "2026-07")
    assert error.value.file.name == "hi-events.yaml"
    assert error.value.pointer == "/info/version"
    assert error.value.message == "is 2025-07, edition 2026-07 was asked for"


@pytest.mark.parametrize("app", APPS)
def test_a_bundled_document_refers_to_itself_only_and_is_json(app: str) -> None:
    text = json.dumps(load(app).bundled())
    refs = [part.split('"')[0] for part in text.split('"$ref": "')[1:]]
    assert refs
    assert all(ref.startswith("#/components/") for ref in refs)


def test_a_bundled_document_may_be_changed_without_harm() -> None:
    load("hi.events").bundled()["paths"].clear()
    assert load("hi.events").bundled()["paths"]


def test_find_knows_webhooks_too() -> None:
    webhook = find("eventStatusChanged")
    assert (webhook.app, webhook.method, webhook.path) == ("hi.events", "POST", "eventStatusChanged")


def test_find_names_what_comes_close() -> None:
    with pytest.raises(KeyError, match="close: validateSession, "):
        find("validateSesion")


def test_find_does_not_guess_where_nothing_comes_close() -> None:
    with pytest.raises(KeyError, match=r"no operation 'xyz'\"$"):
        find("xyz")


def test_a_broken_document_is_refused_with_file_and_pointer(tmp_path: Path) -> None:
    document = minimal.document()
    document["components"]["schemas"]["Dough"]["properties"]["flour"] = {"$ref": "#/components/schemas/Flour"}
    path = minimal.write(tmp_path, document)
    with pytest.raises(SpecError) as error:
        Bundle(path)
    assert (error.value.file, error.value.pointer) == (path, "/components/schemas/Dough/properties/flour")
    assert str(error.value).startswith(f"{path}#/components/schemas/Dough/properties/flour: the $ref ")


def test_what_another_file_holds_moves_in_under_its_own_name(tmp_path: Path) -> None:
    main, other = minimal.document(), minimal.document()
    main["components"]["responses"]["No"]["content"]["application/json"]["schema"] = {
        "$ref": "other.yaml#/components/schemas/OtherError"
    }
    other["components"]["schemas"]["OtherError"] = {"$ref": "parts/plain-error.yaml"}
    (tmp_path / "parts").mkdir()
    tree = {"type": "object", "properties": {"cause": {"$ref": "plain-error.yaml"}}}
    minimal.write(tmp_path / "parts", tree, "plain-error.yaml")
    minimal.write(tmp_path, other, "other.yaml")
    raw = Bundle(minimal.write(tmp_path, main)).raw
    ref = {"$ref": "#/components/schemas/PlainError"}
    assert raw["components"]["responses"]["No"]["content"]["application/json"]["schema"] == ref
    assert raw["components"]["schemas"]["PlainError"] == {"type": "object", "properties": {"cause": ref}}


@pytest.mark.parametrize(
    ("ref", "message"),
    [
        ("other.yaml#/components/schemas/Dough", "clashes with this document's own schemas/Dough"),
        ("other.yaml#/info", "names neither a whole file nor a component"),
        ("other.yaml#/components/schemas/Loop", "leads back to itself"),
    ],
)
def test_a_reference_that_cannot_move_in_is_told(ref: str, message: str, tmp_path: Path) -> None:
    main, other = minimal.document(), minimal.document()
    main["components"]["schemas"]["Dough"]["properties"]["flour"] = {"$ref": ref}
    other["components"]["schemas"]["Loop"] = {"$ref": "#/components/schemas/Loop"}
    minimal.write(tmp_path, other, "other.yaml")
    with pytest.raises(SpecError, match=message):
        Bundle(minimal.write(tmp_path, main))


# --- examples


def test_every_example_of_a_request_is_a_good_request() -> None:
    seen = 0
    for operation in _operations():
        body = request_example(operation)
        if body is not None:
            problems = operation.request_problems(
                path={"id": "11"}, query=[], content_type="application/json", body=json.dumps(body).encode()
            )
            assert problems == []
            seen += 1
    assert seen >= 10


def test_every_example_of_an_answer_is_a_good_body() -> None:
    seen = 0
    for operation in _operations():
        for status in operation.statuses:
            example = answer_example(operation, status)
            if isinstance(example, dict):
                assert operation.body_problems(status, example) == []
                seen += 1
    assert seen > 70


def test_an_undocumented_status_has_no_schema() -> None:
    with pytest.raises(KeyError, match="201"):
        find("generateSession").body_problems(201, {})


# --- targets


def test_a_target_is_percent_encoded() -> None:
    target = find("showEventPage").target({"id": "2", "slug": "a b/c?é"}, [("q", "x y&z=ü"), ("q", "+")])
    assert target == "/event/2/a%20b%2Fc%3F%C3%A9?q=x%20y%26z%3D%C3%BC&q=%2B"


def test_a_target_without_parameters_is_the_path() -> None:
    assert find("generateSession").target() == "/api/cross-app/generate-session"


@pytest.mark.parametrize("path", [None, {}, {"id": ""}])
def test_a_target_needs_its_path_parameters(path: dict[str, str] | None) -> None:
    with pytest.raises(ValueError, match="getEvent needs the path parameter id"):
        find("getEvent").target(path)


def test_a_webhook_has_no_target() -> None:
    with pytest.raises(ValueError, match="is a webhook"):
        find("eventStatusChanged").target()


# --- requests


def _bake(operation: Operation, query: list[tuple[str, str]]) -> list[Problem]:
    return operation.request_problems(path={"id": "7"}, query=query, content_type=None, body=b"")


def test_a_query_is_read_by_the_types_of_its_schema(bakery: Operation) -> None:
    good = [("slices", "8"), ("seeds", "poppy"), ("seeds", "flax"), ("warm", "true"), ("weight", "-1.5e3")]
    assert _bake(bakery, good) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("slices", "8.5"), ("slices", ""), ("slices", " 8"), ("slices", "9" * 5000), ("slices", "٣")),
        *(("warm", "True"), ("warm", "1"), ("weight", "heavy"), ("weight", "NaN"), ("weight", "1e999")),
    ],
)
def test_a_query_that_cannot_be_read_by_its_type_is_told(bakery: Operation, name: str, value: str) -> None:
    [problem] = _bake(bakery, [(name, value)])
    assert problem.pointer == f"/query/{name}"
    assert len(problem.message) < 250


def test_a_parameter_that_is_no_list_is_given_once(bakery: Operation) -> None:
    assert _bake(bakery, [("slices", "8"), ("slices", "8")]) == [Problem("/query/slices", "is given 2 times")]


def test_a_missing_path_parameter_is_told(bakery: Operation) -> None:
    problems = bakery.request_problems(path={}, query=[], content_type=None, body=b"")
    assert problems == [Problem("/path/id", "is required")]


def test_a_body_that_is_not_required_may_be_absent(bakery: Operation) -> None:
    assert _bake(bakery, []) == []


def test_a_body_that_is_required_may_not_be_absent() -> None:
    problems = find("generateSession").request_problems(path={}, query=[], content_type=None, body=b"")
    assert problems == [Problem("/body", "is required")]


def test_a_body_that_is_not_documented_is_not_looked_at() -> None:
    problems = find("getEvent").request_problems(path={"id": "11"}, query=[], content_type=None, body=b"\xff")
    assert problems == []


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON", "application/json; charset=utf-8", " application/json ;x=y"],
)
def test_a_media_type_may_have_any_case_and_parameters(content_type: str) -> None:
    assert _validate(b'{"session_token": "x"}', content_type) == []


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/jsonp", "x" * 5000])
def test_another_media_type_is_told(content_type: str | None) -> None:
    [problem] = _validate(b'{"session_token": "x"}', content_type)
    assert problem.pointer == "/headers/content-type"
    assert "application/json is expected" in problem.message
    assert len(problem.message) < 200


HOSTILE = {
    "nothing but a brace": b"{",
    "two values": b"{} {}",
    "NaN": b'{"session_token": "x", "n": NaN}',
    "Infinity": b'{"session_token": "x", "n": -Infinity}',
    "a number beyond a float": b'{"session_token": "x", "n": 1e999}',
    "a number of too many digits": b'{"session_token": "x", "n": ' + b"9" * 5000 + b"}",
    "deep nesting": b'{"session_token": ' + b"[" * 300 + b"]" * 300 + b"}",
    "very deep nesting": b"[" * 100_000,
    "half a surrogate pair": rb'{"session_token": "\ud800"}',
    "half a surrogate pair as a key": rb'{"session_token": "x", "\udfff": 1}',
    "Latin-1": '{"session_token": "é"}'.encode("latin-1"),
    "UTF-16": '{"session_token": "x"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"session_token": "x"}',
    "zero bytes": b"\x00" * 100,
    "a text": b'"session_token"',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_gives_one_short_problem(body: bytes) -> None:
    [problem] = _validate(body)
    assert problem.pointer.startswith("/body")
    assert len(str(problem)) < 200


def test_of_equal_keys_the_last_one_counts() -> None:
    assert _validate(b'{"session_token": 1, "session_token": "x"}') == []


def test_a_long_value_is_cut() -> None:
    body = json.dumps({"account_id": "x" * 100_000}).encode()
    [problem] = find("generateSession").request_problems(path={}, query=[], content_type="application/json", body=body)
    assert problem.message.startswith('value is not of type "integer", got "xxx')
    assert len(problem.message) < 170


def test_a_secret_is_never_repeated() -> None:
    token = "s3cret" * 3
    answer = json.dumps({"session_token": token, "expires_at": "never"}).encode()
    problems = find("generateSession").response_problems(status=200, headers=[JSON, *LIMITED], body=answer)
    assert {problem.pointer for problem in problems} == {"/body/session_token", "/body/expires_at"}
    assert "a text of 18 characters" in problems[0].message
    assert "s3cret" not in str(problems)


def test_a_secret_within_a_value_of_the_wrong_kind_is_never_repeated() -> None:
    for body in (b'["s3cret"]', b'{"session_token": ["s3cret"]}', b'{"session_token": {"s3cret": 1}}'):
        assert "s3cret" not in str(_validate(body))


def test_many_problems_are_told_up_to_twenty() -> None:
    body = json.dumps({"accounts": [1] * 100}).encode()
    problems = find("listUserAccounts").response_problems(status=200, headers=[JSON, *LIMITED], body=body)
    assert len(problems) == 20


def _validate(body: bytes, content_type: str | None = "application/json") -> list[Problem]:
    return find("validateSession").request_problems(path={}, query=[], content_type=content_type, body=body)


# --- answers


def _answered(
    headers: list[tuple[str, str]], body: bytes = USER, status: int = 200, name: str = "validateSession"
) -> list[Problem]:
    return find(name).response_problems(status=status, headers=headers, body=body)


def test_a_good_answer_has_no_problems() -> None:
    assert _answered([JSON, *LIMITED]) == []


def test_header_names_may_have_any_case() -> None:
    headers = [(name.upper(), value) for name, value in (JSON, *LIMITED)]
    assert _answered(headers) == []


def test_extra_headers_are_fine() -> None:
    assert _answered([JSON, *LIMITED, ("Server-Timing", "db;dur=1"), ("Retry-After", "soon")]) == []


def test_an_undocumented_status_is_told_with_those_there_are() -> None:
    assert _answered([JSON, *LIMITED], status=201) == [
        Problem("/status", "201 is not documented for validateSession (only 200, 400, 401, 404, 413, 429, 500)")
    ]


@pytest.mark.parametrize("value", ["many", "-1", "", "1.5", "0x10", "99, 99", "9" * 30])
def test_an_ill_formed_header_is_told(value: str) -> None:
    headers = [JSON, LIMITED[0], ("x-ratelimit-remaining", value), LIMITED[2]]
    for _ in range(2):  # what was wrong once is wrong again
        assert [problem.pointer for problem in _answered(headers)] == ["/headers/x-ratelimit-remaining"]


def test_a_header_that_stands_twice_counts_as_one_with_both_values() -> None:
    [problem] = _answered([JSON, *LIMITED, LIMITED[0]])
    assert problem.pointer == "/headers/x-ratelimit-limit"
    assert '"100, 100"' in problem.message


def test_an_answer_without_body_or_media_type_is_told() -> None:
    assert _answered([JSON, *LIMITED], body=b"") == [Problem("/body", "is required")]
    assert [problem.pointer for problem in _answered(LIMITED)] == ["/headers/content-type"]


def test_an_answer_that_is_not_json_is_told() -> None:
    [problem] = _answered([JSON, *LIMITED], body=b"<html>")
    assert problem == Problem("/body", "is not JSON: Expecting value at line 1, column 1")


def test_an_html_error_page_where_json_is_due_is_told() -> None:
    [problem] = _answered([("Content-Type", "text/html"), *LIMITED], body=b"<html>", status=500)
    assert problem == Problem("/headers/content-type", "is 'text/html', application/json is expected")


def test_the_token_must_also_be_in_the_header_of_a_sign_in() -> None:
    body = json.dumps(answer_example(find("validateCrossAppSession"), 200)).encode()
    problems = _answered([JSON], body=body, name="validateCrossAppSession")
    assert problems == [Problem("/headers/x-auth-token", "is required")]


def test_a_redirect_needs_a_location_and_no_body() -> None:
    assert _answered([("location", "/event/11")], b"", 302, "openCrossAppPage") == []
    assert _answered([], b"", 302, "openCrossAppPage") == [Problem("/headers/location", "is required")]


def test_of_a_page_the_media_type_counts() -> None:
    assert _answered([("Content-Type", "text/html; charset=UTF-8")], b"\xff<html>", 200, "showWidget") == []
    assert _answered([JSON], b"{}", 200, "showWidget") != []


def test_a_stream_may_say_nothing_yet_but_must_be_one() -> None:
    assert _answered([("content-type", "text/event-stream")], b"", 200, "streamEventUpdates") == []
    assert _answered([], b"", 200, "streamEventUpdates") != []


def test_a_value_that_is_no_json_is_a_problem_and_not_a_crash() -> None:
    [problem] = find("validateSession").body_problems(200, {"user_id": object()})
    assert problem.pointer == "/body"


# --- the rest


@pytest.mark.parametrize("length", [0, 119, 120, 121, 5000])
def test_a_text_is_cut_to_120_characters(length: int) -> None:
    assert len(cut("x" * length)) == min(length, 120)


def test_reading_all_documents_is_quick() -> None:
    def seconds() -> float:
        start = time.process_time()
        texts: dict[Path, Any] = {}
        for app in APPS:
            Document(app, Bundle(load(app).path, texts))
        return time.process_time() - start

    assert min(seconds() for _ in range(3)) < 0.2  # 0.02 s, ten times less


def test_everything_that_is_exported_is_there() -> None:
    assert all(hasattr(openapi, name) for name in openapi.__all__)
