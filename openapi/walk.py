"""Every object of an OpenAPI document that the lint looks at, with its kind and its place.

What a $ref leads to is visited where it stands, so nothing is visited twice.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from openapi.documents import METHODS
from openapi.problems import escape

Kind = Literal[
    "document",
    "info",
    "path",
    "operation",
    "parameter",
    "body",
    "response",
    "header",
    "media",
    "schema",
    "scheme",
    "reference",
]


_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "$defs")
_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMAS = (
    *("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else"),
    *("unevaluatedItems", "unevaluatedProperties"),
)


class Node(NamedTuple):
    """One object: what it is, its JSON pointer, and the object itself.

    A schema may bear a $ref beside other keywords and stays a schema; any other object with a $ref is a
    "reference", and `section` says where in `components` it must lead.
    """

    kind: Kind
    pointer: str
    value: dict[str, Any]
    section: str = ""


def walk(raw: dict[str, Any]) -> Iterator[Node]:
    """All objects of a document whose structure is sound, from the top down."""
    yield Node("document", "", raw)
    yield Node("info", "/info", raw["info"])
    for section in ("paths", "webhooks"):
        for path, item in raw.get(section, {}).items():
            yield from _path(item, f"/{section}/{escape(path)}")
    components = raw.get("components", {})
    for section, visit in _VISITORS.items():
        for name, value in components.get(section, {}).items():
            yield from visit(value, f"/components/{section}/{escape(name)}")


def _path(item: Any, at: str) -> Iterator[Node]:
    yield Node("path", at, item)
    for n, parameter in enumerate(item.get("parameters", ())):
        yield from _parameter(parameter, f"{at}/parameters/{n}")
    for method in METHODS:
        if method in item:
            yield from _operation(item[method], f"{at}/{method}")


def _operation(operation: Any, at: str) -> Iterator[Node]:
    yield Node("operation", at, operation)
    for n, parameter in enumerate(operation.get("parameters", ())):
        yield from _parameter(parameter, f"{at}/parameters/{n}")
    if "requestBody" in operation:
        yield from _body(operation["requestBody"], f"{at}/requestBody")
    for status, response in operation.get("responses", {}).items():
        yield from _response(response, f"{at}/responses/{escape(status)}")


def _parameter(parameter: Any, at: str) -> Iterator[Node]:
    if "$ref" in parameter:
        yield Node("reference", at, parameter, "parameters")
        return
    yield Node("parameter", at, parameter)
    yield from _schema_or_content(parameter, at)


def _header(header: Any, at: str) -> Iterator[Node]:
    if "$ref" in header:
        yield Node("reference", at, header, "headers")
        return
    yield Node("header", at, header)
    yield from _schema_or_content(header, at)


def _body(body: Any, at: str) -> Iterator[Node]:
    if "$ref" in body:
        yield Node("reference", at, body, "requestBodies")
        return
    yield Node("body", at, body)
    yield from _schema_or_content(body, at)


def _response(response: Any, at: str) -> Iterator[Node]:
    if "$ref" in response:
        yield Node("reference", at, response, "responses")
        return
    yield Node("response", at, response)
    for name, header in response.get("headers", {}).items():
        yield from _header(header, f"{at}/headers/{escape(name)}")
    yield from _schema_or_content(response, at)


def _scheme(scheme: Any, at: str) -> Iterator[Node]:
    if "$ref" in scheme:
        yield Node("reference", at, scheme, "securitySchemes")
        return
    yield Node("scheme", at, scheme)


def _schema_or_content(owner: Any, at: str) -> Iterator[Node]:
    if "schema" in owner:
        yield from _schema(owner["schema"], f"{at}/schema")
    for media_type, media in owner.get("content", {}).items():
        place = f"{at}/content/{escape(media_type)}"
        yield Node("media", place, media)
        for key in ("schema", "x-stream-item"):
            if key in media:
                yield from _schema(media[key], f"{place}/{key}")


def _schema(schema: Any, at: str) -> Iterator[Node]:
    if not isinstance(schema, dict):
        return
    yield Node("schema", at, schema)
    for key in _SCHEMA_MAPS:
        if isinstance(schema.get(key), dict):
            for name, part in schema[key].items():
                yield from _schema(part, f"{at}/{key}/{escape(name)}")
    for key in _SCHEMA_LISTS:
        if isinstance(schema.get(key), list):
            for n, part in enumerate(schema[key]):
                yield from _schema(part, f"{at}/{key}/{n}")
    for key in _SCHEMAS:
        yield from _schema(schema.get(key), f"{at}/{key}")


_VISITORS = {
    "parameters": _parameter,
    "requestBodies": _body,
    "responses": _response,
    "headers": _header,
    "schemas": _schema,
    "securitySchemes": _scheme,
}
