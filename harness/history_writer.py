"""Adds what happened to a history: facts are computed first, then secrets are redacted."""

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from harness.history import Entry, Exchange, History, Observation, Outcome, StreamEvent
from harness.http import Answer, Call, Headers
from harness.redact import Redactor, named_tokens, names_secret, redact_named
from harness.sse import SseMessage

Facts = Callable[[Call, Answer | None], Mapping[str, Any]]
Secrets = Callable[[Call, Answer], Iterable[tuple[str, str]]]

_SECRET_HEADERS = {
    "authorization": "bearer",
    "cookie": "cookie",
    "set-cookie": "cookie",
    "x-auth-token": "bearer",
    "x-session-token": "session-token",
    "x-shared-secret": "shared-secret",
}


# No application answers a usual request with more, so that their number is bounded by the requests that we send.
_USUAL_BYTES, _USUAL_HEADERS = 4_096, 50
_HEADER_OVERHEAD = 200


class HistoryWriter:
    """Adds redacted entries to a history.

    `facts` are functions of the unredacted bytes; `secrets` yields (kind, value) of the secrets that an answer hands
    out. With `foreign` traffic, sent by others, the values of fields and headers whose names suggest a secret are
    redacted as well. `kept_bytes` of bodies and headers, or `kept_entries`, make the record full: then its older half
    is forgotten if there is `forgetting`, which gets that half beforehand; else it `is_full`. Answers of one operation
    that are larger than usual by `operation_bytes` in all make it full for that operation.
    """

    def __init__(
        self,
        history: History,
        redactor: Redactor,
        *,
        facts: Sequence[Facts] = (),
        secrets: Secrets | None = None,
        foreign: bool = False,
        kept_bytes: int = 64 * 1024 * 1024,
        kept_entries: int = sys.maxsize,
        operation_bytes: int = 8 * 1024 * 1024,
        forgetting: Callable[[Sequence[Entry]], None] | None = None,
    ) -> None:
        self.history = history
        self.redactor = redactor
        self._facts = tuple(facts)
        self._secrets = secrets
        self._foreign = foreign
        self._kept_bytes = kept_bytes
        self._kept_entries = kept_entries
        self._kept = 0
        self.forgetting = forgetting
        self.operation_bytes = operation_bytes
        self._large: dict[tuple[str, str], int] = defaultdict(int)

    @property
    def is_full(self) -> bool:
        """Whether nothing more may be recorded."""
        return self.forgetting is None and self._is_at_limit()

    def _is_at_limit(self) -> bool:
        return self._kept >= self._kept_bytes or len(self.history.entries) >= self._kept_entries

    def full_for(self, callee: str, operation: str) -> bool:
        """Whether the answers of an operation have used up what is kept of it."""
        return self._large[callee, operation] >= self.operation_bytes

    def next_number(self) -> int:
        """The number of the next entry."""
        return self.history.forgotten + len(self.history.entries) + 1

    def observe(self, step: str, values: Mapping[str, Any]) -> Observation:
        """Record a measurement."""
        entry = Observation(self.next_number(), step, self.redactor.redact_fields(values))
        self.history.entries.append(entry)
        return entry

    def stream_event(self, step: str, message: SseMessage) -> StreamEvent:
        """Record a message of an event stream; its kind may also be `open` or `closed`."""
        redact = self.redactor.redact
        entry = StreamEvent(
            self.next_number(),
            step,
            message.kind,
            time.time(),
            redact(message.event),
            redact(message.data),
            redact(message.id),
            tuple(map(redact, message.lines)),
        )
        self._keep(entry)
        return entry

    def record(
        self,
        *,
        step: str,
        caller: str,
        callee: str,
        call: Call,
        url: str,
        answer: Answer | None,
        outcome: Outcome,
        error: str = "",
        started: float = 0.0,
        seconds: float = 0.0,
        facts: Mapping[str, Any] | None = None,
    ) -> Exchange:
        """Record an exchange. `started` is Unix seconds, `seconds` its duration; `facts` join the computed ones."""
        body = call.body or b""
        self._register_secrets(call, body, answer)
        came = answer or Answer(0)
        values = [value for _, value in (*call.headers, *came.headers)]
        suspicious = self.redactor.suspects((url, error, *values, body.decode("latin-1"), came.body.decode("latin-1")))
        redact = self.redactor.redact if suspicious else _unchanged
        known: dict[str, Any] = dict(facts or {})
        for compute in self._facts:
            known.update(compute(call, answer))
        if answer is not None:
            known["secrets"] = self._secrets_in(answer) if suspicious else []
        exchange = Exchange(
            number=self.next_number(),
            step=step,
            caller=caller,
            callee=callee,
            operation=call.operation,
            method=call.method,
            url=redact_named(redact(url)) if self._foreign else redact(url),
            request_headers=self._redact_headers(call.headers, redact),
            request_body=self._redact_body(body, redact),
            outcome=outcome,
            status=answer.status if answer is not None else None,
            response_headers=self._redact_headers(came.headers, redact),
            response_body=self._redact_body(came.body, redact),
            started=started,
            seconds=seconds,
            error=redact(error),
            facts=self.redactor.redact_fields(known),
        )
        came_bytes = len(exchange.response_body) + _size(exchange.response_headers)
        self._large[callee, call.operation] += max(came_bytes - _USUAL_BYTES, 0)
        self._keep(exchange)
        return exchange

    def _keep(self, entry: Exchange | StreamEvent) -> None:
        if self.forgetting is not None and self._is_at_limit():
            half = len(self.history.entries) // 2
            self.forgetting(self.history.entries[:half])
            self.history.forget(half)
            self._kept = sum(map(_bytes_of, self.history.entries))
        self._kept += _bytes_of(entry)
        self.history.entries.append(entry)

    def _register_secrets(self, call: Call, body: bytes, answer: Answer | None) -> None:
        if answer is not None and self._secrets is not None:
            for kind, value in self._secrets(call, answer):
                self.redactor.register(kind, value)
        if self._foreign:
            for text in (call.target, body.decode("latin-1")):
                for value in named_tokens(text):
                    self.redactor.register("unknown-token-sent", value)

    def _secrets_in(self, answer: Answer) -> list[list[str]]:
        """[kind, fingerprint, place] of each registered secret in an answer."""
        found = [
            [kind, mark, f"header {name.lower()}"]
            for name, value in answer.headers
            for kind, mark in self.redactor.found_in(value)
        ]
        body = answer.body.decode("latin-1")
        return found + [[kind, mark, "body"] for kind, mark in self.redactor.found_in(body)]

    def _redact_body(self, body: bytes, redact: Callable[[str], str]) -> bytes:
        text = redact(body.decode("latin-1"))
        return (redact_named(text) if self._foreign else text).encode("latin-1", "replace")

    def _redact_headers(self, headers: Headers, redact: Callable[[str], str]) -> Headers:
        redacted = []
        for name, value in headers:
            text = redact(value)
            kind = _SECRET_HEADERS.get(name.lower())
            if kind is None and self._foreign and names_secret(name):
                kind = "secret"
            if kind is not None and text == value and value.strip():
                scheme, _, rest = value.partition(" ")
                text = f"{scheme} <{kind}>" if rest and scheme.isalpha() else f"<{kind}>"
            redacted.append((name, text))
        return tuple(redacted)


def _bytes_of(entry: Entry) -> int:
    match entry:
        case Exchange():
            bodies = len(entry.request_body) + len(entry.response_body)
            return bodies + _size(entry.request_headers) + _size(entry.response_headers)
        case StreamEvent():
            return len(entry.data) + sum(map(len, entry.lines))
        case Observation():
            return 0


def _size(headers: Headers) -> int:
    """The bytes of headers; very many cost more memory than their text."""
    unusual = max(len(headers) - _USUAL_HEADERS, 0)
    return sum(len(name) + len(value) for name, value in headers) + unusual * _HEADER_OVERHEAD


def _unchanged(text: str) -> str:
    return text
