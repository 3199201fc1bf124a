"""Every object of an OpenAPI document that the lint looks at, with its kind and its JSON pointer.

The target of a $ref is visited where it stands, so nothing is visited twice.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

from openapi.documents import METHODS
from openapi.problems import escape

Kind = Literal[
    "document", "info", "path", "operation", "parameter", "body", "response", "header", "media", "schema", "scheme",
    "reference",
]  # fmt: skip
_Shape = Literal["one", "list", "map"]
_Parts = Mapping[str, tuple[_Shape, Kind]]


class Node(NamedTuple):
    """One object: what it is, its JSON pointer, and the object itself.

    A schema may bear a $ref beside other keywords and stays a schema; any other object with a $ref is a
    "reference", and `section` says where in `components` it must lead.
    """

    kind: Kind
    pointer: str
    value: dict[str, Any]
    section: str = ""


SECTIONS: Mapping[str, Kind] = {
    "parameters": "parameter",
    "requestBodies": "body",
    "responses": "response",
    "headers": "header",
    "schemas": "schema",
    "securitySchemes": "scheme",
}
"""The sections of `components`, and the kind of object in each."""

_SECTION_OF = {kind: section for section, kind in SECTIONS.items() if kind != "schema"}
_CONTENT: _Parts = {"schema": ("one", "schema"), "content": ("map", "media")}
_PARTS: Mapping[Kind, _Parts] = {
    "document": {"info": ("one", "info"), "paths": ("map", "path"), "webhooks": ("map", "path")},
    "path": {"parameters": ("list", "parameter"), **dict.fromkeys(METHODS, ("one", "operation"))},
    "operation": {
        "parameters": ("list", "parameter"), "requestBody": ("one", "body"), "responses": ("map", "response"),
    },
    "parameter": _CONTENT,
    "header": _CONTENT,
    "body": _CONTENT,
    "response": {"headers": ("map", "header"), **_CONTENT},
    "media": {"schema": ("one", "schema"), "x-stream-item": ("one", "schema")},
    "schema": {
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs"), ("map", "schema")),
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), ("list", "schema")),
        **dict.fromkeys(
            ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else",
             "unevaluatedItems", "unevaluatedProperties"),
            ("one", "schema"),
        ),
    },
}  # fmt: skip


def walk(raw: dict[str, Any]) -> Iterator[Node]:
    """All objects of a document whose structure is sound, from the top down."""
    yield from _visit("document", raw, "")
    for section, kind in SECTIONS.items():
        for name, value in raw.get("components", {}).get(section, {}).items():
            yield from _visit(kind, value, f"/components/{section}/{escape(name)}")


def _visit(kind: Kind, value: Any, at: str) -> Iterator[Node]:
    if not isinstance(value, dict):  # `true` and `false` are schemas, too
        return
    if "$ref" in value and kind in _SECTION_OF:
        yield Node("reference", at, value, _SECTION_OF[kind])
        return
    yield Node(kind, at, value)
    for key, (shape, part) in _PARTS.get(kind, {}).items():
        found = value.get(key)
        match shape:
            case "one":
                yield from _visit(part, found, f"{at}/{key}")
            case "list" if isinstance(found, list):
                for n, each in enumerate(found):
                    yield from _visit(part, each, f"{at}/{key}/{n}")
            case "map" if isinstance(found, dict):
                for name, each in found.items():
                    yield from _visit(part, each, f"{at}/{key}/{escape(name)}")
