"""The journal of a simulator: numbered exchanges, redacted when they are read."""

import asyncio
import base64
import contextlib
import marshal
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from harness.redact import placeholder
from simulators.kit.secret_fields import Field, secrets_in, secrets_of

KEPT = 10_000
_KEPT_BYTES = 64 * 1024 * 1024
KEPT_BODY = 64 * 1024
_LONGEST_SECRET = 2048
_KEPT_TOKENS = 25_000
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_RUN = re.compile(r"[A-Za-z0-9_.~-]{32,1024}")
_SHORTEST = 8
_WITHOUT_REFERENCES = 2
"""A version of marshal's format; newer ones look for repeated objects, of which there are hardly any here."""

Headers = Sequence[tuple[Field, Field]]
Body = str | dict[str, str]


class RawExchange(NamedTuple):
    """One request and its response as they were sent, with their secrets.

    direction: "in" or "out", seen from the simulator.
    caller: how the caller names itself (the product in its User-Agent).
    status: None if no response was sent or received; `error` then says why.
    started: Unix seconds of the simulator's clock. seconds: real time. ended: Unix seconds of real time.
    secrets: (kind, value) pairs to redact beside those that are recognised.
    facts: further values, such as signature_valid. problems: breaches of the OpenAPI document.
    """

    direction: str
    caller: str
    callee: str
    operation: str | None
    method: str
    target: str
    request_headers: Headers
    request_body: bytes
    status: int | None
    response_headers: Headers
    response_body: bytes
    started: float
    seconds: float
    ended: float
    error: str | None = None
    secrets: Sequence[tuple[str, str]] = ()
    facts: Mapping[str, object] = {}
    problems: Sequence[str] = ()
    faults: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A redacted exchange; its fields are those of RawExchange."""

    number: int
    direction: str
    caller: str
    callee: str
    operation: str | None
    method: str
    target: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: Body
    status: int | None
    response_headers: tuple[tuple[str, str], ...]
    response_body: Body
    started: float
    seconds: float
    error: str | None = None
    problems: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    ended: float = 0.0

    def to_json(self) -> dict[str, object]:
        """A JSON object; `facts` (such as signature_valid) stand among the other fields."""
        value = {name: getattr(self, name) for name in self.__slots__ if name != "facts"}
        return {**value, **self.facts}


class Kept(NamedTuple):
    """An exchange in memory: packed into one bytes object, which is unpacked and redacted only if it is read.

    Redacting costs ten times as much as keeping, and ten thousand exchanges of many small objects would occupy the
    garbage collector.
    """

    operation: str | None
    caller: str
    packed: bytes


class Journal:
    """The last 10,000 exchanges, fewer if bodies are large.

    Exchanges are redacted when they are read, with all secrets known by then.

    constants: secrets known from the start, value -> kind (shared-secret, control-token, ...).
    secret_fields: names of the fields that hold secrets, in bodies and queries of the app's document.
    """

    def __init__(self, app: str, constants: Mapping[str, str], secret_fields: frozenset[str] = frozenset()) -> None:
        self.app = app
        self._last = 0
        self.breaches = 0
        self._constants = {value: placeholder(kind, value) for value, kind in constants.items() if value}
        self._secret_fields = secret_fields
        # The newer tokens and the older ones, kinds by hash, which takes half of the memory.
        self._tokens: dict[int, str] = {}
        self._older: dict[int, str] = {}
        self._ring: deque[Kept] = deque()
        self._bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def first(self) -> int:
        """The number of the first exchange that is kept; the next number if none is."""
        return self._last - len(self._ring) + 1

    @property
    def last(self) -> int:
        """The number of the last exchange."""
        return self._last

    def remember(self, kind: str, value: str) -> None:
        """Register a secret that may occur in any later message (a session token, a bearer token)."""
        token = hash(value)
        if len(value) < _SHORTEST or token in self._tokens:
            return
        if len(self._tokens) >= _KEPT_TOKENS:
            self._older, self._tokens = self._tokens, {}
        self._tokens[token] = kind

    def clean(self, text: str, secrets: Iterable[tuple[str, str]] = ()) -> str:
        """Redact a text: all known secrets, the (kind, value) pairs in `secrets`, and every JWT."""
        for kind, value in secrets:
            if len(value) >= _SHORTEST and value in text:
                text = text.replace(value, placeholder(kind, value))
        for value, mark in self._constants.items():
            if value in text:
                text = text.replace(value, mark)
        if len(text) >= 32:
            text = _RUN.sub(self._without_token, text)
        if "eyJ" in text:
            text = _JWT.sub(lambda match: placeholder("jwt", match.group()), text)
        return text

    def secrets_of(self, *bodies: bytes) -> list[tuple[str, str]]:
        """The (kind, value) pairs of the secret fields of bodies."""
        return [found for body in bodies for found in secrets_of(self._secret_fields, body)]

    def record(self, exchange: RawExchange) -> None:
        """Keep an exchange, bodies cut at 64 KiB, and wake those who wait for it."""
        # Cut with a margin, and finally after redaction: half a secret would not be recognised.
        longest = KEPT_BODY + _LONGEST_SECRET
        if len(exchange.request_body) > longest or len(exchange.response_body) > longest:
            exchange = exchange._replace(
                request_body=exchange.request_body[:longest], response_body=exchange.response_body[:longest]
            )
        values: Any = tuple(exchange)
        self._keep(Kept(exchange.operation, exchange.caller, marshal.dumps(values, _WITHOUT_REFERENCES)))

    def exchanges(
        self, *, after: int = 0, operation: str | None = None, caller: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """The kept exchanges numbered above `after`, in order; the first `limit` of them."""
        return [self._read(kept, number) for number, kept in islice(self._found(after, operation, caller), limit)]

    async def wait(
        self,
        *,
        after: int = 0,
        operation: str | None = None,
        caller: str | None = None,
        at_least: int = 1,
        seconds: float = 5.0,
    ) -> list[JournalEntry]:
        """As `exchanges`, once there are `at_least` of them, or after `seconds` of real time."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            left = deadline - loop.time()
            if left <= 0 or sum(1 for _ in self._found(after, operation, caller)) >= at_least:
                return self.exchanges(after=after, operation=operation, caller=caller)
            future: asyncio.Future[None] = loop.create_future()
            self._waiting.add(future)
            try:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(future, left)
            finally:
                self._waiting.discard(future)

    def clear(self) -> None:
        """Remove all exchanges; numbering continues."""
        self._ring.clear()
        self._bytes = 0

    def _keep(self, kept: Kept) -> None:
        self._last += 1
        self._ring.append(kept)
        self._bytes += len(kept.packed)
        while len(self._ring) > KEPT or self._bytes > _KEPT_BYTES:
            self._bytes -= len(self._ring.popleft().packed)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _found(self, after: int, operation: str | None, caller: str | None) -> Iterator[tuple[int, Kept]]:
        # Numbers have no gaps, so the last one tells those of the ring.
        skipped = min(max(0, after + 1 - self.first), len(self._ring))
        for number, each in enumerate(islice(self._ring, skipped, None), self.first + skipped):
            if (operation is None or each.operation == operation) and (
                caller is None or self.clean(each.caller) == caller
            ):
                yield number, each

    def _read(self, kept: Kept, number: int = 0) -> JournalEntry:
        raw = RawExchange(*marshal.loads(kept.packed))
        request, response = _as_text(raw.request_headers), _as_text(raw.response_headers)
        found = secrets_in(self._secret_fields, raw.target, request, raw.request_body, response, raw.response_body)
        secrets = [*raw.secrets, *found]
        target, sent, received = self._lines(raw.target, request, response, secrets)
        return JournalEntry(
            number=number,
            direction=raw.direction,
            caller=self.clean(raw.caller),
            callee=raw.callee,
            operation=raw.operation,
            method=raw.method,
            target=target,
            request_headers=sent,
            request_body=self._body(raw.request_body, secrets),
            status=raw.status,
            response_headers=received,
            response_body=self._body(raw.response_body, secrets),
            started=raw.started,
            seconds=raw.seconds,
            error=raw.error,
            problems=tuple(self.clean(each, secrets) for each in raw.problems),
            faults=tuple(raw.faults),
            facts=raw.facts,
            ended=raw.ended,
        )

    def _kind(self, run: str) -> str | None:
        """The kind of a known token; None for any other run of characters."""
        token = hash(run)
        return self._tokens.get(token) or self._older.get(token)

    def _without_token(self, match: re.Match[str]) -> str:
        text = match.group()
        kind = self._kind(text)
        return text if kind is None else placeholder(kind, text)

    def _lines(
        self,
        target: str,
        request: Sequence[tuple[str, str]],
        response: Sequence[tuple[str, str]],
        secrets: Sequence[tuple[str, str]],
    ) -> tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
        """Target and headers, redacted in one go."""
        # None of them contains a line feed: it would have ended the header.
        joined = "\n".join([target, *(value for _, value in request), *(value for _, value in response)])
        lines = self.clean(joined, secrets).split("\n")
        middle = 1 + len(request)
        return (
            lines[0],
            tuple((name, line) for (name, _), line in zip(request, lines[1:middle], strict=True)),
            tuple((name, line) for (name, _), line in zip(response, lines[middle:], strict=True)),
        )

    def _body(self, body: bytes, secrets: Sequence[tuple[str, str]]) -> Body:
        if not body:
            return ""
        try:
            return self.clean(body.decode("utf-8"), secrets)[:KEPT_BODY]
        except UnicodeDecodeError:
            text = self.clean(body.decode("latin-1"), secrets)[:KEPT_BODY]
            return {"base64": base64.b64encode(text.encode("latin-1", "replace")).decode("ascii")}


def _as_text(headers: Headers) -> list[tuple[str, str]]:
    return [
        (
            name if isinstance(name, str) else name.decode("latin-1"),
            value if isinstance(value, str) else value.decode("latin-1"),
        )
        for name, value in headers
    ]
