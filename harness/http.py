"""HTTP messages as values, which wire modules build and read without I/O."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

Headers = tuple[tuple[str, str], ...]


class WireError(ValueError):
    """A message that does not have the expected form; the text says what is wrong."""


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, its name case-insensitive; None if it is absent."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is ready to be sent.

    `operation` is an operationId of the OpenAPI documents, `target` the path with its query, percent-encoded,
    relative to the callee's base URL.
    """

    operation: str
    method: str
    target: str
    headers: Headers = ()
    body: bytes | None = None

    def with_header(self, name: str, value: str | None) -> "Call":
        """The same call with one header set to `value`, or removed if `value` is None."""
        kept = tuple((key, old) for key, old in self.headers if key.lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def with_body(self, body: bytes | None, content_type: str | None = "application/json") -> "Call":
        """The same call with another body, sent as `content_type` (None: without that header)."""
        return replace(self, body=body).with_header("Content-Type", content_type)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as received; its body is decompressed."""

    status: int
    headers: Headers = field(default=())
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return header(self.headers, name)

    def json(self) -> object:
        """The body as a JSON value. Raises WireError if it is not JSON."""
        return read_json(self.body)


def json_body(value: object) -> bytes:
    """Compact UTF-8 JSON, as JavaScript's JSON.stringify writes it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def read_json(body: bytes) -> object:
    """Parse JSON strictly (no NaN, no Infinity). Raises WireError for anything else."""

    def refuse(word: str) -> object:
        raise WireError(f"{word} is not JSON")

    try:
        return json.loads(body.decode("utf-8"), parse_constant=refuse)
    except WireError:
        raise
    except (ValueError, RecursionError) as error:
        kind = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise WireError(f"the body is not JSON: {kind}") from None


def object_or_empty(body: bytes) -> dict[str, Any]:
    """The JSON object in a body; empty if the body is no JSON object."""
    try:
        value = read_json(body)
    except WireError:
        return {}
    return value if isinstance(value, dict) else {}


def success_of(answer: Answer) -> dict[str, object]:
    """The JSON object of a 2xx response. Raises WireError for any other response."""
    if not 200 <= answer.status < 300:
        raise WireError(f"the answer has status {answer.status}")
    value = answer.json()
    if not isinstance(value, dict):
        raise WireError("the answer is not a JSON object")
    return value


def field_of(value: object, name: str, kind: type | tuple[type, ...]) -> object:
    """A field of a JSON object, checked for its type. Raises WireError naming the field."""
    if not isinstance(value, dict):
        raise WireError(f"expected a JSON object, found {type(value).__name__}")
    found = value.get(name)
    kinds = kind if isinstance(kind, tuple) else (kind,)
    if not isinstance(found, kinds) or (isinstance(found, bool) and bool not in kinds):
        wanted = " or ".join(each.__name__ for each in kinds)
        raise WireError(f"field {name!r}: expected {wanted}, found {type(found).__name__}")
    if isinstance(found, str) and not _encodable(found):
        raise WireError(f"field {name!r}: holds half of a surrogate pair, which is not text")
    return found


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
