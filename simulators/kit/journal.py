"""What went in and out of a simulator: numbered exchanges, secrets removed before anybody reads them."""

import asyncio
import base64
import contextlib
import marshal
import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from harness.http import Answer, Call
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
_PLAIN = 2
"""The version of marshal's format that looks for no object twice: what is packed here holds hardly any."""

Headers = Sequence[tuple[Field, Field]]
Body = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request and its answer, as they may be read: without secrets.

    `direction` is "in" or "out" as the simulator sees it. `caller` is what the caller calls itself (the product in
    its User-Agent). `status` is None where no answer was sent or came; `error` then says why. `started` is Unix
    seconds of the simulator's clock, `seconds` real time, `ended` Unix seconds of real time. `problems` are breaches of
    the OpenAPI document.
    """

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
    """An exchange as it lies in memory, before anybody reads it: `packed` is the rest of it in one piece of bytes.

    To take it apart and to remove the secrets costs ten times what it costs to keep it, and most are never read.
    """

    operation: str | None
    caller: str
    packed: bytes


class Journal:
    """The last 10,000 exchanges (fewer where bodies are large), and a way to wait for one.

    An exchange lies here as it came, in memory alone. Whatever leaves goes through `clean` first, with the secrets
    known then, which are all that were known when it came, and those that the exchange itself shows.
    """

    def __init__(self, app: str, constants: Mapping[str, str], secret_fields: frozenset[str] = frozenset()) -> None:
        """`constants` are secrets known from the start, value -> kind (shared-secret, control-token, ...);
        `secret_fields` the names of fields whose values are secrets, in bodies and queries of the app's document."""
        self.app = app
        self._last = 0
        self.breaches = 0
        self._constants = {value: placeholder(kind, value) for value, kind in constants.items() if value}
        self._secret_fields = secret_fields
        # The newer ones, and those before them; by their hashes, which need half of the memory.
        self._tokens: dict[int, str] = {}
        self._older: dict[int, str] = {}
        self._ring: deque[Kept] = deque()
        self._bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def first(self) -> int:
        """The number of the first exchange that is kept; the number of the next one where there is none."""
        return self._last - len(self._ring) + 1

    @property
    def last(self) -> int:
        """The number of the last exchange."""
        return self._last

    def remember(self, kind: str, value: str) -> None:
        """Learn a secret that may turn up in any other message (a session token, a bearer token)."""
        token = hash(value)
        if len(value) < _SHORTEST or token in self._tokens:
            return
        if len(self._tokens) >= _KEPT_TOKENS:
            self._older, self._tokens = self._tokens, {}
        self._tokens[token] = kind

    def clean(self, text: str, secrets: Iterable[tuple[str, str]] = ()) -> str:
        """The text with all known secrets, those in `secrets` (kind, value), and every JWT replaced."""
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
        """The (kind, value) pairs that bodies show by the names of their fields."""
        return [found for body in bodies for found in secrets_of(self._secret_fields, body)]

    def outgoing(
        self,
        callee: str,
        call: Call,
        answer: Answer | None,
        *,
        started: float,
        seconds: float,
        ended: float | None = None,
        error: str | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
        problems: Sequence[str] = (),
        faults: Sequence[str] = (),
    ) -> None:
        """Keep a call that this simulator made. `secrets` are the (kind, value) pairs that the call carries; `ended` is
        when it was over (None: now), Unix seconds of real time."""
        self.record(
            direction="out",
            caller=self.app,
            callee=callee,
            operation=call.operation,
            method=call.method,
            target=call.target,
            request_headers=call.headers,
            request_body=call.body or b"",
            status=None if answer is None else answer.status,
            response_headers=() if answer is None else answer.headers,
            response_body=b"" if answer is None else answer.body,
            started=started,
            seconds=seconds,
            ended=ended,
            error=error,
            secrets=secrets,
            facts=facts or {},
            problems=problems,
            faults=faults,
        )

    def record(
        self,
        *,
        direction: str,
        caller: str,
        callee: str,
        operation: str | None,
        method: str,
        target: str,
        request_headers: Headers,
        request_body: bytes,
        status: int | None,
        response_headers: Headers,
        response_body: bytes,
        started: float,
        seconds: float,
        ended: float | None = None,
        error: str | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
        problems: Sequence[str] = (),
        faults: Sequence[str] = (),
    ) -> None:
        """Keep one exchange; bodies are cut at 64 KiB. Wakes whoever waits for it."""
        # Cut for good after cleaning: a secret that straddles the cut would be no secret that anybody knows.
        longest = KEPT_BODY + _LONGEST_SECRET
        if len(request_body) > longest or len(response_body) > longest:
            request_body, response_body = request_body[:longest], response_body[:longest]
        # One object for each exchange: ten thousand of many small ones are what a garbage collector spends its time on.
        whole: Any = (
            direction,
            callee,
            method,
            target,
            request_headers,
            request_body,
            status,
            response_headers,
            response_body,
            started,
            seconds,
            error,
            secrets,
            facts or {},
            problems,
            faults,
            time.time() if ended is None else ended,
        )
        packed = marshal.dumps(whole, _PLAIN)
        self._keep(Kept(operation, caller, packed))

    def exchanges(
        self, *, after: int = 0, operation: str | None = None, caller: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """The kept exchanges with a number above `after`, in order; at most `limit` of them, the first ones."""
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
        """As `exchanges`, once there are `at_least` of them; after `seconds` of real time what there is."""
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
        """Forget the exchanges; numbers go on."""
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
        # Numbers have no gaps: those of the ring follow from the last one.
        skipped = min(max(0, after + 1 - self.first), len(self._ring))
        for number, each in enumerate(islice(self._ring, skipped, None), self.first + skipped):
            if (operation is None or each.operation == operation) and (
                caller is None or self.clean(each.caller) == caller
            ):
                yield number, each

    def _read(self, kept: Kept, number: int = 0) -> JournalEntry:
        (
            direction,
            callee,
            method,
            target,
            request_headers,
            request_body,
            status,
            response_headers,
            response_body,
            started,
            seconds,
            error,
            known,
            facts,
            problems,
            faults,
            ended,
        ) = marshal.loads(kept.packed)
        request, response = _as_text(request_headers), _as_text(response_headers)
        secrets = [*known, *secrets_in(self._secret_fields, target, request, request_body, response, response_body)]
        target, sent, received = self._lines(target, request, response, secrets)
        return JournalEntry(
            number=number,
            direction=direction,
            caller=self.clean(kept.caller),
            callee=callee,
            operation=kept.operation,
            method=method,
            target=target,
            request_headers=sent,
            request_body=self._body(request_body, secrets),
            status=status,
            response_headers=received,
            response_body=self._body(response_body, secrets),
            started=started,
            seconds=seconds,
            error=error,
            problems=tuple(self.clean(each, secrets) for each in problems),
            faults=tuple(faults),
            facts=facts,
            ended=ended,
        )

    def _kind(self, run: str) -> str | None:
        """What kind of secret a whole run of characters is; None where it is none."""
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
        """Target and headers, cleaned in one go."""
        # A line feed cannot stand in any of them: HTTP would have ended the header there.
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
