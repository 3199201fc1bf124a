"""One request on its way through a simulator, and the response to it."""

import asyncio
import json
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from openapi import UNREAD, Operation, Problem
from simulators.kit.errors import Refusal
from simulators.kit.ratelimit import Grant

Header = tuple[bytes, bytes]
"""A header as ASGI has it: the name in lower case, both in latin-1."""

JSON: Header = (b"content-type", b"application/json; charset=utf-8")

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class Request:
    """A request as an endpoint reads it.

    operation: None for an unknown path or method.
    body, json: filled once the body was read; `json` is None without a body, or where it does not parse, and then
    `broken` says why. `problems`: what is wrong with query and JSON before the document is asked. `too_large`: the
    refusal of a body that was not read; `lingers`: the caller still sends it. `grant`: where the caller stands with the
    rate limit, once it was counted.
    user_id, account_id: set when they become known, for the audit log. session: the application's session that a guard
    found.
    fired: the faults in this exchange; varied: the benign variants in it.
    settled: done when what this request wrote is committed; None where it wrote nothing.
    notes: facts for the journal (such as `signature_valid`).
    secrets: (kind, value) pairs that the journal removes beside those that it finds by their places.
    begun: `time.perf_counter()` at the start; started: Unix seconds of the simulator's clock.
    """

    __slots__ = (
        "_headers",
        "account_id",
        "address",
        "begun",
        "body",
        "broken",
        "database_seconds",
        "error_code",
        "fired",
        "grant",
        "json",
        "lingers",
        "method",
        "notes",
        "operation",
        "path",
        "path_params",
        "problems",
        "query",
        "query_string",
        "raw_headers",
        "secrets",
        "session",
        "settled",
        "started",
        "target",
        "too_large",
        "user_id",
        "varied",
    )

    def __init__(self, scope: Any, operation: Operation | None, started: float, begun: float = 0.0) -> None:
        client = scope.get("client")
        self.operation = operation
        self.started = started
        self.begun = begun
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        raw: bytes | None = scope.get("raw_path")
        self.target = self.path if raw is None else raw.decode("latin-1")
        self.path_params: dict[str, str] = scope.get("path_params") or {}
        self.query_string: bytes = scope.get("query_string", b"")
        self.query: list[tuple[str, str]] = []
        self.raw_headers: list[Header] = scope["headers"]
        # Reversed, so that of equal names the first stays.
        self._headers = dict(reversed(self.raw_headers))
        self.address: str = client[0] if client else "unknown"
        self.body = b""
        self.json: Any = None
        self.broken: str | None = None
        self.problems: list[Problem] = []
        self.too_large: Refusal | None = None
        self.lingers = False
        self.grant: Grant | None = None
        self.user_id: str | None = None
        self.account_id: int | None = None
        self.error_code: str | None = None
        self.database_seconds = 0.0
        self.fired: list[str] = []
        self.varied: list[str] = []
        self.notes: dict[str, object] = {}
        self.secrets: list[tuple[str, str]] = []
        self.session: Any = None
        self.settled: asyncio.Future[None] | None = None

    def header_values(self, name: bytes) -> list[bytes]:
        """All values of a header; `name` in lower case."""
        return [value for key, value in self.raw_headers if key == name]

    def header(self, name: str) -> str | None:
        """The first value of a header, latin-1; `name` in lower case. None where it is absent."""
        value = self._headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1")

    def query_value(self, name: str) -> str | None:
        """The first value of a query parameter, None where it is absent."""
        return next((value for key, value in self.query if key == name), None)

    def field(self, name: str) -> Any:
        """A property of the JSON body; None where it is absent or the body is no object."""
        return self.json.get(name) if isinstance(self.json, dict) else None


class BodyStream(Protocol):
    """The pieces of a body, one after the other; an asynchronous generator is one."""

    async def __anext__(self) -> bytes:
        """The next piece. Raises StopAsyncIteration at the end."""

    async def aclose(self) -> None:
        """Stop, also where nothing was read."""


@dataclass(slots=True)
class Response:
    """An answer. With `stream` the body is sent piece by piece until the generator ends or the client leaves.

    encoded: a body with the JSON value that it was made of, which saves parsing it for validation.
    problems: in what it breaks the document, once that was checked.
    """

    status: int = 200
    body: bytes = b""
    headers: list[Header] = field(default_factory=list)
    stream: BodyStream | None = None
    encoded: tuple[bytes, object] | None = None
    problems: Sequence[str] = ()

    @property
    def value(self) -> object:
        """The body as JSON; UNREAD where the response was made of bytes, or its body was changed since."""
        return self.encoded[1] if self.encoded is not None and self.encoded[0] is self.body else UNREAD

    def header(self, name: str) -> str | None:
        """The first value of a header, latin-1; `name` in lower case. None where it is absent."""
        wanted = name.encode("ascii")
        return next((value.decode("latin-1") for key, value in self.headers if key == wanted), None)

    def without(self, *names: str) -> "Response":
        """This response less the headers of these lower-case names (a trailing `*` takes all that begin so)."""
        exact = {name.encode() for name in names if not name.endswith("*")}
        begins = tuple(name[:-1].encode() for name in names if name.endswith("*"))
        self.headers = [
            (key, value) for key, value in self.headers if key not in exact and not (begins and key.startswith(begins))
        ]
        return self


def json_bytes(value: object) -> bytes:
    """Compact UTF-8 JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # It knows no integers beyond 64 bits, no half surrogate pairs and no keys that are numbers.
        return _encode(value).encode("utf-8", "backslashreplace")


def json_text(value: object) -> str:
    """As `json_bytes`, as text."""
    return json_bytes(value).decode()


def json_response(value: object, status: int = 200, headers: Iterable[Header] = ()) -> Response:
    """A JSON answer."""
    body = json_bytes(value)
    return Response(status, body, [JSON, *headers], encoded=(body, value))


current: ContextVar[Request | None] = ContextVar("current", default=None)
"""The request that the running task serves; faults and database time are booked on it."""

noted: ContextVar[list[str] | None] = ContextVar("noted", default=None)
"""The faults that fired in the running job, for the journal of what it sends; None outside of such a job."""
