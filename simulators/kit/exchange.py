"""One request on its way through a simulator, and the reply to it."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import orjson

from openapi import UNREAD, Operation
from simulators.kit.errors import Refusal

Headers = Sequence[tuple[str, str]]

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


class Inbound:
    """A request as the binding understands it; made by the binding, read by handlers and hooks.

    `operation` is None for an unknown path or method. `body` and `json` are filled once the body was read (`json` is
    None where there is none or it does not parse; then `broken` says why). `user_id` and `account_id` are set by
    whoever finds them out, for the audit log. `fired` are the faults, `varied` the benign variants in it.
    `settled` is there once the request wrote to a database that commits for several at once: it is done when what was
    written is kept, and nobody is answered before. `notes` are facts for the journal (such as `signature_valid`),
    `secrets` (kind, value) pairs that the journal must remove beside those that it finds by their places.
    """

    __slots__ = (
        "_headers",
        "account_id",
        "address",
        "body",
        "broken",
        "database_seconds",
        "error_code",
        "fired",
        "json",
        "method",
        "notes",
        "operation",
        "path",
        "path_params",
        "query",
        "query_string",
        "raw_headers",
        "secrets",
        "settled",
        "started",
        "user_id",
        "varied",
    )

    def __init__(self, scope: Any, operation: Operation | None, started: float) -> None:
        client = scope.get("client")
        self.operation = operation
        self.started = started
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.path_params: dict[str, str] = scope.get("path_params") or {}
        self.query_string: bytes = scope.get("query_string", b"")
        self.query: list[tuple[str, str]] = []
        self.raw_headers: list[tuple[bytes, bytes]] = scope["headers"]
        # Reversed, so that of equal names the first stays.
        self._headers = dict(reversed(self.raw_headers))
        self.address: str = client[0] if client else "unknown"
        self.body = b""
        self.json: Any = None
        self.broken: str | None = None
        self.user_id: str | None = None
        self.account_id: int | None = None
        self.error_code: str | None = None
        self.database_seconds = 0.0
        self.fired: list[str] = []
        self.varied: list[str] = []
        self.notes: dict[str, object] = {}
        self.secrets: list[tuple[str, str]] = []
        self.settled: asyncio.Future[None] | None = None

    def header_values(self, name: str) -> list[bytes]:
        """All values of a header as raw bytes; `name` in lower case."""
        wanted = name.encode("ascii")
        return [value for key, value in self.raw_headers if key == wanted]

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


@dataclass(slots=True)
class Reply:
    """An answer. With `stream` the body is sent piece by piece until the generator ends or the client goes.

    `encoded`: a body with the value that it was made of, so that nobody has to parse it.
    """

    status: int = 200
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)
    stream: AsyncGenerator[bytes, None] | None = None
    encoded: tuple[bytes, object] | None = None

    @property
    def value(self) -> object:
        """What the body is as JSON; UNREAD where the reply was made of bytes, or its body was changed since."""
        return self.encoded[1] if self.encoded is not None and self.encoded[0] is self.body else UNREAD

    def header(self, name: str) -> str | None:
        """The first value of a header, in any case; None where it is absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def without(self, *names: str) -> "Reply":
        """The same reply less the headers of these lower-case names (a trailing `*` takes all that begin so)."""
        exact = {name for name in names if not name.endswith("*")}
        begins = tuple(name[:-1] for name in names if name.endswith("*"))
        self.headers = [
            (key, value)
            for key, value in self.headers
            if key.lower() not in exact and not (begins and key.lower().startswith(begins))
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


def json_reply(value: object, status: int = 200, headers: Iterable[tuple[str, str]] = ()) -> Reply:
    """A JSON answer."""
    body = json_bytes(value)
    return Reply(status, body, [("content-type", "application/json; charset=utf-8"), *headers], encoded=(body, value))


def not_found(what: str) -> Refusal:
    """A 404 for something that does not exist."""
    return Refusal(404, "NOT_FOUND", f"{what} does not exist")


current: ContextVar[Inbound | None] = ContextVar("current", default=None)
"""The request that the running task serves; faults and database time are booked on it."""
