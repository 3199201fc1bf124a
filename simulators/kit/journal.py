"""What went in and out of a simulator: numbered exchanges, secrets removed before they are kept."""

import asyncio
import base64
import contextlib
import re
import time
from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from harness.http import Answer, Call
from harness.redact import placeholder

KEPT = 10_000
_KEPT_BYTES = 64 * 1024 * 1024
KEPT_BODY = 64 * 1024
_KEPT_TOKENS = 50_000
_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*")
_RUN = re.compile(r"[A-Za-z0-9_.~-]{32,1024}")
_SHORTEST = 8

Headers = Sequence[tuple[str, str]]
Body = str | dict[str, str]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, as they are kept: without secrets.

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


class Journal:
    """The last 10,000 exchanges (fewer where bodies are large), and a way to wait for one."""

    def __init__(self, app: str, constants: Mapping[str, str]) -> None:
        """`constants` are secrets known from the start, value -> kind (shared-secret, control-token, ...)."""
        self.app = app
        self.last = 0
        self.breaches = 0
        self._constants = {value: placeholder(kind, value) for value, kind in constants.items() if value}
        self._tokens: OrderedDict[str, str] = OrderedDict()
        self._ring: deque[tuple[Exchange, int]] = deque()
        self._bytes = 0
        self._waiting: set[asyncio.Future[None]] = set()

    def remember(self, kind: str, value: str) -> None:
        """Learn a secret that may turn up in any later message (a session token, a bearer token)."""
        if len(value) >= _SHORTEST and value not in self._tokens:
            self._tokens[value] = placeholder(kind, value)
            if len(self._tokens) > _KEPT_TOKENS:
                self._tokens.popitem(last=False)

    def clean(self, text: str, secrets: Iterable[tuple[str, str]] = ()) -> str:
        """The text with all known secrets, those in `secrets` (kind, value), and every JWT replaced."""
        for kind, value in secrets:
            if len(value) >= _SHORTEST and value in text:
                text = text.replace(value, placeholder(kind, value))
        for value, mark in self._constants.items():
            if value in text:
                text = text.replace(value, mark)
        if len(text) >= 32 and self._tokens:
            text = _RUN.sub(lambda match: self._tokens.get(match.group()) or match.group(), text)
        if "eyJ" in text:
            text = _JWT.sub(lambda match: placeholder("jwt", match.group()), text)
        return text

    def outgoing(
        self,
        callee: str,
        call: Call,
        answer: Answer | None,
        *,
        started: float,
        seconds: float,
        error: str | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
        problems: Sequence[str] = (),
        faults: Sequence[str] = (),
    ) -> Exchange:
        """Keep a call that this simulator made. `secrets` are the (kind, value) pairs that the call carries."""
        return self.record(
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
        error: str | None = None,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
        problems: Sequence[str] = (),
        faults: Sequence[str] = (),
    ) -> Exchange:
        """Keep one exchange; bodies are cut at 64 KiB. Wakes whoever waits for it."""
        self.last += 1
        target, sent, received = self._lines(target, request_headers, response_headers, secrets)
        exchange = Exchange(
            number=self.last,
            direction=direction,
            caller=self.clean(caller),
            callee=callee,
            operation=operation,
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
            facts=facts or {},
            ended=time.time(),
        )
        size = min(len(request_body), KEPT_BODY) + min(len(response_body), KEPT_BODY) + 1000
        self._ring.append((exchange, size))
        self._bytes += size
        while len(self._ring) > KEPT or self._bytes > _KEPT_BYTES:
            self._bytes -= self._ring.popleft()[1]
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        return exchange

    @property
    def first(self) -> int:
        """The number of the first exchange that is kept; the number of the next one where there is none."""
        return self.last - len(self._ring) + 1

    def exchanges(
        self, *, after: int = 0, operation: str | None = None, caller: str | None = None, limit: int | None = None
    ) -> list[Exchange]:
        """The kept exchanges with a number above `after`, in order; at most `limit` of them, the first ones."""
        # Numbers have no gaps: the place of an exchange follows from the last one's.
        skipped = min(max(0, after + 1 - self.first), len(self._ring))
        newer = (each for each, _ in islice(self._ring, skipped, None))
        found = (
            each
            for each in newer
            if (operation is None or each.operation == operation) and (caller is None or each.caller == caller)
        )
        return list(islice(found, limit))

    async def wait(
        self,
        *,
        after: int = 0,
        operation: str | None = None,
        caller: str | None = None,
        at_least: int = 1,
        seconds: float = 5.0,
    ) -> list[Exchange]:
        """As `exchanges`, once there are `at_least` of them; after `seconds` of real time what there is."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        while True:
            found = self.exchanges(after=after, operation=operation, caller=caller)
            left = deadline - loop.time()
            if len(found) >= at_least or left <= 0:
                return found
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

    def _lines(
        self, target: str, request: Headers, response: Headers, secrets: Sequence[tuple[str, str]]
    ) -> tuple[str, tuple[tuple[str, str], ...], tuple[tuple[str, str], ...]]:
        """Target and headers, cleaned in one go: this is on the path of every request."""
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
        # Cut after cleaning: a secret that straddles the cut would be no secret that anybody knows.
        whole = body if len(body) <= KEPT_BODY else body[: KEPT_BODY + 2048]
        try:
            return self.clean(whole.decode("utf-8"), secrets)[:KEPT_BODY]
        except UnicodeDecodeError:
            text = self.clean(whole.decode("latin-1"), secrets)[:KEPT_BODY]
            return {"base64": base64.b64encode(text.encode("latin-1", "replace")).decode("ascii")}
