"""Generated mutants: one for each thing that a document says of a response, and what each makes of a response."""

import json
from collections import Counter

import pytest

import openapi
from simulators.kit.mutants import Mutant, find, mutants_of

ALL = [mutant for app in openapi.APPS for mutant in mutants_of(app).values()]


def mutant(name: str) -> Mutant:
    """The mutant of a name, which there must be."""
    found = find(f"mutate:{name}")
    assert found is not None, name
    return found


def changed(name: str, value: object) -> object:
    """What a mutant makes of a JSON body."""
    return json.loads(mutant(name).change_text(json.dumps(value).encode()))


def test_every_documented_field_and_header_has_mutants_with_names_of_their_own() -> None:
    places = {(each.operation, each.place) for each in ALL}
    for operation in openapi.operations():
        for status in operation.statuses:
            for part in operation.response_parts(status):
                # Any text is right in a header of text, so such a header can only be missing.
                assert (operation.id, part.place) in places, part
    assert Counter(each.name for each in ALL).most_common(1)[0][1] == 1
    assert all(find(each.name) is each for each in ALL)


def test_a_mutant_of_an_unknown_name_is_none() -> None:
    assert find("mutate:generateSession:200:/session_token:invert") is None
    assert find("session-lives-an-hour") is None


@pytest.mark.parametrize(
    ("name", "permitted"),
    [
        ("generateSession:200:/session_token:drop", False),
        ("generateSession:200:/session_token:null", False),
        ("generateSession:200:/session_token:retype", False),
        ("generateSession:200:/account_id:drop", True),
        ("generateSession:200:/account_id:null", False),
        ("getEvent:200:/endDate:null", True),
        ("generateSession:200:X-RateLimit-Reset:drop", False),
        ("validateSession:error:Retry-After:drop", True),
        ("listUserAccounts:200:/accounts/*/email:null", True),
    ],
)
def test_what_the_document_allows_is_permitted(name: str, permitted: bool) -> None:
    assert mutant(name).permitted is permitted


def test_only_what_breaks_the_document_is_no_permitted_mutant() -> None:
    """Each mutant does to the documented examples what it says of itself."""
    for each in ALL:
        operation = openapi.find(each.operation)
        media = [operation.raw["responses"][str(status)] for status in each.statuses]
        assert media, each
        if each.is_header or operation.streams:
            continue
        for status in each.statuses:
            for example in _examples(operation, status):
                value = json.loads(json.dumps(example))
                if each.change(value):
                    assert bool(operation.body_problems(status, value)) is not each.permitted, each.name


def _examples(operation: openapi.Operation, status: int) -> list[object]:
    content = operation._response(status)[0].get("content", {}).get("application/json", {})
    return [content["example"]] if "example" in content else [e["value"] for e in content.get("examples", {}).values()]


def test_errors_of_an_operation_are_changed_where_the_change_breaks_the_document() -> None:
    both = mutant("validateCrossAppSession:error:/message:drop")
    assert both.statuses == {401, 413, 422, 429, 502, 503}
    assert mutant("validateCrossAppSession:error:/error:drop").statuses == {401}
    assert mutant("validateCrossAppSession:error:/errors:drop").statuses == {422}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("validateSession:200:/name:drop", {"name": "A", "email": "b"}, {"email": "b"}),
        ("validateSession:200:/name:null", {"name": "A"}, {"name": None}),
        ("validateSession:200:/name:retype", {"name": "A"}, {"name": 0}),
        ("validateSession:200:/user_id:retype", {"user_id": "456"}, {"user_id": 456}),
        ("validateSession:200:/account_id:retype", {"account_id": 123}, {"account_id": "123"}),
        ("validatePermission:200:/has_permission:retype", {"has_permission": True}, {"has_permission": "true"}),
        ("getEvent:200:/hi_events_event_id:retype", {"hi_events_event_id": 2}, {"hi_events_event_id": {"value": 2}}),
        ("getEvent:200:/endDate:retype", {"endDate": None}, {"endDate": None}),
        ("getEvent:200:/contactData:retype", {"contactData": {"a": 1}}, {"contactData": '{"a": 1}'}),
        (
            "listUserAccounts:200:/accounts/*/slug:drop",
            {"accounts": [{"slug": "a", "id": 1}, {"id": 2}, {"slug": "c"}]},
            {"accounts": [{"id": 1}, {"id": 2}, {}]},
        ),
        (
            "listUserAccounts:200:/accounts/*/slug:retype",
            {"accounts": [{"slug": "a"}, {"slug": "b"}]},
            {"accounts": [{"slug": 0}, {"slug": 0}]},
        ),
        ("validateCrossAppSession:200:/user/email:drop", {"user": None}, {"user": None}),
        ("validateCrossAppSession:200:/user/email:drop", ["user"], ["user"]),
    ],
)
def test_a_mutant_changes_one_place_where_it_is_there(name: str, value: object, expected: object) -> None:
    assert changed(name, value) == expected


def test_a_body_without_the_place_stays_as_it_is_byte_for_byte() -> None:
    dropping = mutant("validateSession:200:/name:drop")
    for body in (b'{"email" :  "b"}', b"", b"<html>", b"[1]"):
        assert dropping.change_text(body) is body


def test_each_message_of_a_stream_is_changed_and_comments_are_not() -> None:
    dropping = mutant("streamEventUpdates:200:/status:drop")
    chunk = b': heartbeat {"status": 1}\n\nid: 4\ndata: {"type": "x", "status": "active"}\n\n'
    assert dropping.change_frame(chunk) == b': heartbeat {"status": 1}\n\nid: 4\ndata: {"type": "x"}\n\n'


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("validateSession:200:/name:drop", "validateSession answers 200 without /name."),
        ("validateSession:error:/message:null", "validateSession answers an error with null in /message."),
        ("validateSession:200:/name:retype", "validateSession answers 200 with an integer in /name."),
        ("validateSession:200:/account_id:retype", "validateSession answers 200 with a string in /account_id."),
        (
            "validateSession:200:X-RateLimit-Limit:retype",
            "validateSession answers 200 with 'soon' in the header X-RateLimit-Limit.",
        ),
    ],
)
def test_a_mutant_says_what_it_does(name: str, sentence: str) -> None:
    assert mutant(name).sentence == sentence
