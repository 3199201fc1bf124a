"""The parts of a message that a document describes, compiled: fields (parameters and headers), content, answers."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openapi.problems import NotJsonError, Problem, cut, json_value
from openapi.schema import Checker

UNREAD: Any = object()
"""Stands for the JSON value of a body that nobody has parsed yet."""

_MOST_REMEMBERED, _LONGEST_REMEMBERED = 64, 64
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a header: text that stands for a value of a schema."""

    name: str
    required: bool
    is_json: bool
    types: frozenset[str]
    checker: Checker
    right: set[str] = field(default_factory=set, compare=False)

    def fits(self, text: str) -> bool:
        """Whether one text is right, for sure; what is left open here, `problems` tells."""
        fits = not self.is_json and "array" not in self.types and self.checker.fits(self._coerced(text))
        if fits and len(self.right) < _MOST_REMEMBERED and len(text) <= _LONGEST_REMEMBERED:
            self.right.add(text)
        return fits

    def problems(self, values: Sequence[str], at: str) -> list[Problem]:
        if "array" in self.types:
            value: object = [self._coerced(value) for value in values]
        elif len(values) > 1:
            return [Problem(at, f"is given {len(values)} times")]
        elif self.is_json:
            try:
                value = json_value(values[0].encode())
            except NotJsonError as error:
                return [Problem(at, str(error))]
            except UnicodeEncodeError:
                return [Problem(at, "is not JSON: it is not Unicode")]
        else:
            value = self._coerced(values[0])
        return self.checker.problems(value, at)

    def _coerced(self, text: str) -> object:
        """The text as the schema's type; as it is where it cannot be read so, which the schema then tells."""
        if "string" in self.types:
            return text
        if "integer" in self.types and _INTEGER.fullmatch(text):
            return int(text)
        if "number" in self.types and _NUMBER.fullmatch(text):
            return float(text)
        if "boolean" in self.types and text in ("true", "false"):
            return text == "true"
        return text


@dataclass(frozen=True, slots=True)
class Content:
    """The bodies that are documented at one place: media type to schema, None where it is not JSON."""

    checkers: Mapping[str, Checker | None]

    def problems(self, content_type: str | None, body: bytes, value: object) -> list[Problem]:
        expected = " or ".join(self.checkers)
        if content_type is None:
            return [Problem("/headers/content-type", f"is missing, {expected} is expected")]
        media_type = content_type if content_type in self.checkers else content_type.partition(";")[0].strip().lower()
        if media_type not in self.checkers:
            return [Problem("/headers/content-type", f"is {cut(media_type)!r}, {expected} is expected")]
        checker = self.checkers[media_type]
        if checker is None:
            return []
        if value is UNREAD:
            try:
                value = json_value(body)
            except NotJsonError as error:
                return [Problem("/body", str(error))]
        return checker.problems(value, "/body")


@dataclass(frozen=True, slots=True)
class DocumentedAnswer:
    """What is documented for one status."""

    headers: Sequence[Field]
    content: Content


def joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name; what is given several times stands side by side."""
    given: dict[str, str] = {}
    for name, text in headers:
        name = name.lower()
        given[name] = f"{given[name]}, {text}" if name in given else text
    return given
