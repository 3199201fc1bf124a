"""One operation of a document: its facts, and what is wrong with a request or an answer of it."""

import copy
import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote, urlencode

from openapi.problems import NotJsonError, Problem, cut, escape, json_value, pointer_to
from openapi.schema import Checker, Schemas, at_pointer
from openapi.security import Scheme, scheme_of

Base = Literal["api", "pages"]

UNREAD: Any = object()
"""Stands for the JSON value of a body that nobody has parsed yet."""

_MOST_REMEMBERED, _LONGEST_REMEMBERED = 64, 64
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`limit` calls in `window` seconds, counted for each `key` (x-rate-limit)."""

    limit: int
    window: int
    key: str


@dataclass(frozen=True, slots=True)
class _Field:
    """A parameter or a header: text that stands for a value of a schema."""

    name: str
    required: bool
    is_json: bool
    types: frozenset[str]
    checker: Checker
    right: set[str] = dataclasses.field(default_factory=set, compare=False)

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
class _Content:
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
class _Answer:
    """What is documented for one status."""

    headers: Sequence[_Field]
    content: _Content


class Operation:
    """One operation: a path and a method, or a webhook.

    app: the name of the application that answers; of a webhook, the one that sends.
    id: the operationId.
    method: in upper case.
    path: the template; of a webhook its name, for the receiver's document has the path.
    base: "api", or "pages" for what lies below the address of the pages (x-base).
    raw: the operation object with the path's parameters in it.
    security: names of the schemes any one of which admits; () is public.
    schemes: those schemes themselves.
    check_order: what is looked at in which order (x-check-order); () where the contract fixes none.
    secret_fields: names of body properties, over the document, whose values a recorder must remove.
    statuses: those documented.
    """

    def __init__(self, app: str, schemas: Schemas, path: str, method: str, pointer: str) -> None:
        self._schemas = schemas
        item = at_pointer(schemas.raw, pointer)
        self._pointer = f"{pointer}/{method}"
        self._is_webhook = pointer.startswith("/webhooks/")
        document = schemas.raw
        raw: dict[str, Any] = item[method]
        self.raw = {**raw, "parameters": [*item.get("parameters", ()), *raw.get("parameters", ())]}
        self._parameter_pointers = [
            *(f"{pointer}/parameters/{n}" for n in range(len(item.get("parameters", ())))),
            *(f"{self._pointer}/parameters/{n}" for n in range(len(raw.get("parameters", ())))),
        ]
        self.app = app
        self.id: str = raw["operationId"]
        self.method = method.upper()
        self.path = path
        self.base: Base = raw.get("x-base", "api")
        requirements = raw.get("security", document.get("security", ()))
        self.security: tuple[str, ...] = tuple(name for entry in requirements for name in entry)
        known = document.get("components", {}).get("securitySchemes", {})
        self.schemes: tuple[Scheme, ...] = tuple(scheme_of(name, known[name]) for name in self.security)
        self.rate_limit = RateLimit(**raw["x-rate-limit"]) if "x-rate-limit" in raw else None
        self.check_order: tuple[str, ...] = tuple(raw.get("x-check-order", document.get("x-check-order", ())))
        self.retry_safe: bool = raw.get("x-retry-safe", False)
        self.secret_fields: frozenset[str] = schemas.secrets
        self.statuses = frozenset(int(status) for status in raw["responses"])
        self._answers: dict[int, _Answer] = {}
        literal = (re.escape(part) for part in re.split(r"{\w+}", path))
        self._served_at = re.compile("([^/]+)".join(literal))

    def __repr__(self) -> str:
        return f"<{self.app} {self.id}: {self.method} {self.path}>"

    def target(self, path: Mapping[str, str] | None = None, query: Sequence[tuple[str, str]] | None = None) -> str:
        """Path and query, percent-encoded. Raises ValueError for a webhook or a path parameter not given."""
        if self._is_webhook:
            raise ValueError(f"{self.id} is a webhook: its receiver's operation has the path")
        given = dict(path or {})
        for name in re.findall(r"{(\w+)}", self.path):
            if not given.get(name):
                raise ValueError(f"{self.id} needs the path parameter {name}")
        target = re.sub(r"{(\w+)}", lambda found: quote(given[found[1]], safe=""), self.path)
        return f"{target}?{urlencode(query, quote_via=quote, safe='')}" if query else target

    def serves(self, method: str, path: str) -> bool:
        """Whether a request with this method and percent-encoded path, below its base, is one of this operation."""
        return method == self.method and not self._is_webhook and self._served_at.fullmatch(path) is not None

    def request_problems(
        self,
        *,
        path: Mapping[str, str],
        query: Sequence[tuple[str, str]],
        content_type: str | None,
        body: bytes,
        value: object = UNREAD,
    ) -> list[Problem]:
        """What is wrong with the form of a request: path and query decoded, the body as received.

        `value` is what the body is as JSON, for a caller who has parsed it. Parameters in headers and authentication
        are not looked at. An unknown query parameter is ignored; a known one that is no list must be there once.
        """
        problems: list[Problem] = []
        for field in self._path_fields:
            if field.name in path:
                problems += field.problems([path[field.name]], f"/path/{field.name}")
            else:
                problems.append(Problem(f"/path/{field.name}", "is required"))
        for field in self._query_fields:
            values = [text for name, text in query if name == field.name]
            if values:
                problems += field.problems(values, f"/query/{field.name}")
            elif field.required:
                problems.append(Problem(f"/query/{field.name}", "is required"))
        if self._request is not None:
            content, required = self._request
            if body:
                problems += content.problems(content_type, body, value)
            elif required:
                problems.append(Problem("/body", "is required"))
        return problems

    def response_problems(
        self, *, status: int, headers: Sequence[tuple[str, str]], body: bytes, value: object = UNREAD
    ) -> list[Problem]:
        """What is wrong with an answer: its status, headers, media type, JSON and schema.

        `body` is the content, already decoded (no gzip, no chunks), `value` what it is as JSON, for a caller who knows.
        Of a body that is not JSON only the media type is looked at. Header names may be in any case.
        """
        if status not in self.statuses:
            documented = ", ".join(str(known) for known in sorted(self.statuses))
            return [Problem("/status", f"{status} is not documented for {self.id} (only {documented})")]
        answer = self._answer(status)
        problems: list[Problem] = []
        given = {name.lower(): text for name, text in headers}
        if len(given) < len(headers):
            given = _joined(headers)
        for field in answer.headers:
            text = given.get(field.name)
            if text is None:
                if field.required:
                    problems.append(Problem(f"/headers/{field.name}", "is required"))
            # Most headers say the same in every answer.
            elif text not in field.right and not field.fits(text):
                problems += field.problems([text], f"/headers/{field.name}")
        if answer.content.checkers:
            if body or "text/event-stream" in answer.content.checkers:  # a stream may say nothing yet
                problems += answer.content.problems(given.get("content-type"), body, value)
            else:
                problems.append(Problem("/body", "is required"))
        return problems

    def body_problems(self, status: int, value: object) -> list[Problem]:
        """What is wrong with the parsed JSON value of an answer's body, or with one message of a stream.

        Raises KeyError for a status that is not documented.
        """
        if status not in self.statuses:
            raise KeyError(f"{status} is not documented for {self.id}")
        node, pointer = self._response(status)
        for media_type, media in node.get("content", {}).items():
            at = f"{pointer}/content/{escape(media_type)}"
            if "x-stream-item" in media:
                return self._schemas.checker(f"{at}/x-stream-item").problems(value, "/body")
            if media_type == "application/json":
                return self._schemas.checker(f"{at}/schema").problems(value, "/body")
        return []

    def example_request(self) -> Any:
        """The first example of the request's body; None where there is no body."""
        if "requestBody" not in self.raw:
            return None
        node, _ = self._schemas.follow(self.raw["requestBody"], "")
        return _first_example(node)

    def example_response(self, status: int) -> Any:
        """The first example of an answer's body; None where there is no body.

        Raises KeyError for a status that is not documented.
        """
        if status not in self.statuses:
            raise KeyError(f"{status} is not documented for {self.id}")
        return _first_example(self._response(status)[0])

    @cached_property
    def _path_fields(self) -> list[_Field]:
        return self._fields("path")

    @cached_property
    def _query_fields(self) -> list[_Field]:
        return self._fields("query")

    @cached_property
    def _request(self) -> tuple[_Content, bool] | None:
        if "requestBody" not in self.raw:
            return None
        node, pointer = self._schemas.follow(self.raw["requestBody"], f"{self._pointer}/requestBody")
        return self._content(node, pointer), node.get("required", False)

    def _fields(self, where: str) -> list[_Field]:
        fields = []
        for entry, at in zip(self.raw["parameters"], self._parameter_pointers, strict=True):
            node, pointer = self._schemas.follow(entry, at)
            if node["in"] == where:
                fields.append(self._field(node["name"], node, pointer))
        return fields

    def _field(self, name: str, node: Any, pointer: str) -> _Field:
        is_json = "content" in node
        at = f"{pointer}/content/application~1json/schema" if is_json else f"{pointer}/schema"
        schema = node["content"]["application/json"]["schema"] if is_json else node["schema"]
        return _Field(
            name=name,
            required=node.get("required", False),
            is_json=is_json,
            types=self._schemas.types(schema, at),
            checker=self._schemas.checker(at),
        )

    def _response(self, status: int) -> tuple[Any, str]:
        key = str(status)
        return self._schemas.follow(self.raw["responses"][key], f"{self._pointer}/responses/{key}")

    def _answer(self, status: int) -> _Answer:
        answer = self._answers.get(status)
        if answer is None:
            node, pointer = self._response(status)
            headers = []
            for name, entry in node.get("headers", {}).items():
                header, at = self._schemas.follow(entry, pointer_to(f"{pointer}/headers", [name]))
                headers.append(self._field(name.lower(), header, at))
            answer = self._answers[status] = _Answer(headers, self._content(node, pointer))
        return answer

    def _content(self, node: Any, pointer: str) -> _Content:
        return _Content(
            {
                media_type: self._schemas.checker(f"{pointer}/content/{escape(media_type)}/schema")
                if media_type == "application/json"
                else None
                for media_type in node.get("content", {})
            }
        )


def _joined(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name; what is given several times stands side by side."""
    given: dict[str, str] = {}
    for name, text in headers:
        name = name.lower()
        given[name] = f"{given[name]}, {text}" if name in given else text
    return given


def _first_example(node: Any) -> Any:
    for media in node.get("content", {}).values():
        if "example" in media:
            return copy.deepcopy(media["example"])
        for example in media.get("examples", {}).values():
            return copy.deepcopy(example["value"])
    return None
