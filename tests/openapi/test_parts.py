"""The documented parts of a response: headers, fields and entries, whether required, and their types."""

from pathlib import Path
from typing import Any

import pytest

from openapi import Document, ResponsePart, find
from openapi.bundle import Bundle
from tests.openapi import minimal


def parts(tmp_path: Path, schema: dict[str, Any]) -> dict[str, ResponsePart]:
    """The fields of a response with this schema."""
    document = minimal.document()
    response = document["paths"]["/loaves/{id}"]["put"]["responses"]["200"]
    response["content"] = {"application/json": {"schema": schema, "example": {}}}
    document["components"]["schemas"]["Crumb"] = {
        "type": "object",
        "required": ["size"],
        "properties": {"size": {"type": "integer"}, "kind": {"enum": ["rye", 1, None]}},
    }
    operation = Document("bakery", Bundle(minimal.write(tmp_path, document))).operations["bakeLoaf"]
    return {each.place: each for each in operation.response_parts(200) if not each.is_header}


def test_fields_within_fields_have_pointers_and_their_parents_come_first(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "required": ["crust"],
        "properties": {"crust": {"type": "object", "properties": {"a/b": {"type": "string"}}}, "salt": {}},
    }
    found = parts(tmp_path, schema)
    assert list(found) == ["/crust", "/crust/a~1b", "/salt"]
    assert found["/crust"] == ResponsePart("/crust", True, frozenset({"object"}))
    assert found["/crust/a~1b"] == ResponsePart("/crust/a~1b", False, frozenset({"string"}))
    assert found["/salt"].types == frozenset()


def test_entries_of_a_list_and_of_a_map_stand_below_a_star(tmp_path: Path) -> None:
    crumb = {"$ref": "#/components/schemas/Crumb"}
    schema = {
        "type": "object",
        "properties": {
            "crumbs": {"type": "array", "items": crumb},
            "by_name": {"type": "object", "additionalProperties": crumb},
        },
    }
    found = parts(tmp_path, schema)
    assert list(found)[:3] == ["/crumbs", "/crumbs/*/size", "/crumbs/*/kind"]
    assert list(found)[3:] == ["/by_name", "/by_name/*", "/by_name/*/size", "/by_name/*/kind"]
    assert found["/crumbs/*/size"].required
    assert not found["/by_name/*"].required
    assert found["/crumbs/*/kind"].types == {"string", "integer", "null"}


def test_what_stands_beside_a_reference_goes_before_what_it_refers_to(tmp_path: Path) -> None:
    schema = {
        "$ref": "#/components/schemas/Crumb",
        "required": ["kind"],
        "properties": {"kind": {"const": "rye"}},
    }
    found = parts(tmp_path, schema)
    assert found["/kind"] == ResponsePart("/kind", True, frozenset({"string"}))
    assert found["/size"].required


def test_headers_and_the_messages_of_a_stream_are_parts() -> None:
    limited = {each.place: each for each in find("generateSession").response_parts(200) if each.is_header}
    assert limited["X-RateLimit-Limit"] == ResponsePart("X-RateLimit-Limit", True, frozenset({"integer"}))
    assert [each.place for each in find("streamEventUpdates").response_parts(200)] == [
        "/type",
        "/eventId",
        "/status",
        "/timestamp",
    ]
    assert find("showWidget").response_parts(200) == []


def test_a_status_that_is_not_documented_has_no_parts() -> None:
    with pytest.raises(KeyError, match="299 is not documented for getEvent"):
        find("getEvent").response_parts(299)
