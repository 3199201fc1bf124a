"""The fields and headers that a document names in a response."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from openapi.problems import escape
from openapi.schema import Schemas, at_pointer

_JSON_TYPES: Mapping[type, str] = {
    bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object", type(None): "null",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ResponsePart:
    """A header of a response, or a field of its JSON body or of a stream's messages.

    place: of a header its name; of a field its JSON pointer, in which `*` stands for every entry of a list or a map.
    required: whether the document demands it where its parent is. An entry of a map is not.
    types: the JSON types that it may have; empty where the document leaves them open.
    """

    place: str
    required: bool
    types: frozenset[str]

    @property
    def is_header(self) -> bool:
        """Whether it is a header."""
        return not self.place.startswith("/")


def parts_of(response: Mapping[str, Any], schemas: Schemas) -> Iterator[ResponsePart]:
    """The headers and fields of a documented response, parents before children."""
    for name, node in response.get("headers", {}).items():
        header = schemas.follow(node, "")[0]
        yield ResponsePart(name, header.get("required", False), _Object.of(header["schema"], schemas).types)
    for media_type, media in response.get("content", {}).items():
        if "x-stream-item" in media:
            yield from _fields(media["x-stream-item"], schemas, "")
        elif media_type == "application/json":
            yield from _fields(media["schema"], schemas, "")


def _fields(schema: Any, schemas: Schemas, at: str) -> Iterator[ResponsePart]:
    whole = _Object.of(schema, schemas)
    for name, node in whole.properties.items():
        place = f"{at}/{escape(name)}"
        yield ResponsePart(place, name in whole.required, _Object.of(node, schemas).types)
        yield from _fields(node, schemas, place)
    if whole.entries is not None:
        place = f"{at}/*"
        if "array" not in whole.types:
            yield ResponsePart(place, required=False, types=_Object.of(whole.entries, schemas).types)
        yield from _fields(whole.entries, schemas, place)


@dataclass(slots=True)
class _Object:
    """What a schema and the schemas that it refers to say together; what stands at the reference goes first."""

    required: set[str] = field(default_factory=set)
    properties: dict[str, Any] = field(default_factory=dict)
    entries: Any = None
    types: frozenset[str] = frozenset()

    @classmethod
    def of(cls, schema: Any, schemas: Schemas) -> "_Object":
        found = cls()
        while True:
            found.required.update(schema.get("required", ()))
            for name, node in schema.get("properties", {}).items():
                found.properties.setdefault(name, node)
            if found.entries is None:
                entries = schema.get("items", schema.get("additionalProperties"))
                found.entries = entries if isinstance(entries, dict) else None
            found.types = found.types or _types(schema)
            if "$ref" not in schema:
                return found
            schema = at_pointer(schemas.raw, unquote(schema["$ref"].removeprefix("#")))


def _types(schema: Mapping[str, Any]) -> frozenset[str]:
    if "type" in schema:
        named = schema["type"]
        return frozenset([named] if isinstance(named, str) else named)
    values = [schema["const"]] if "const" in schema else schema.get("enum", ())
    return frozenset(_JSON_TYPES[type(each)] for each in values)
