"""Compiled parts of a documented message: fields (parameters and headers), content, responses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from openapi.problems import NotJsonError, Problem, cut, json_value
from openapi.schema import Checker

UNREAD: Any = object()
"""In the place of a JSON value: the body has not been parsed yet."""

_MOST_REMEMBERED, _LONGEST_REMEMBERED = 64, 64
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter or a header: text that is read as a value of its schema."""

    name: str
    required: bool
    is_json: bool
    types: frozenset[str]
    checker: Checker
    right: set[str] = field(default_factory=set, compare=False)

    def fits_raw(self, text: bytes) -> bool:
        """As `fits`, of a header as ASGI has it."""
        decoded = text.decode("latin-1")
        return decoded in self.right or self.fits(decoded)

    def fits(self, text: str) -> bool:
        """Whether one text certainly fits; False also where only `problems` can tell."""
        fits = not self.is_json and "array" not in self.types and self.checker.fits(self._coerced(text))
        if fits and len(self.right) < _MOST_REMEMBERED and len(text) <= _LONGEST_REMEMBERED:
            self.right.add(text)
        return fits

    def problems(self, values: Sequence[str], at: str) -> list[Problem]:
        """What is wrong with the values of all occurrences; `at` is the pointer of the field."""
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
        """The text as a value of the schema's type; unchanged where it is none, so that the schema check fails."""
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
    """The documented bodies of a request or response: schema by media type, None for media types other than JSON."""

    checkers: Mapping[str, Checker | None]

    def problems(self, content_type: str | None, body: bytes, value: object) -> list[Problem]:
        """What is wrong with a body; `value` is the parsed JSON, or UNREAD."""
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
class DocumentedResponse:
    """The headers and the content that are documented for one status."""

    headers: Sequence[Field]
    content: Content
    raw_headers: Sequence[tuple[bytes, Field]]
    """The headers by their names as ASGI has them."""


def joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name; repeated ones are joined by commas."""
    given: dict[str, str] = {}
    for name, text in headers:
        name = name.lower()
        given[name] = f"{given[name]}, {text}" if name in given else text
    return given
