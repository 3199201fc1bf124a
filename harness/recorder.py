"""The recorder: sends a call, bounds what comes back, keeps it without secrets."""

import asyncio
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse._decoders import SSEDecoder  # the library's own parser; its public reader drops comments and raw lines

from harness.history import Exchange, History, Observation, Outcome, StreamEvent
from harness.http import Answer, Call, Headers
from harness.redact import SecretBook

Facts = Callable[[Call, Answer | None], Mapping[str, Any]]
Secrets = Callable[[Call, Answer], Iterable[tuple[str, str]]]

_SECRET_HEADERS = {
    "authorization": "bearer",
    "cookie": "cookie",
    "set-cookie": "cookie",
    "x-auth-token": "bearer",
    "x-session-token": "session-token",
}


class TargetGoneError(Exception):
    """A target stopped answering; the text names it. Nothing more is sent there in this run."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one exchange: `seconds` in all, `connect_seconds` to connect, `answer_bytes` after decoding, and
    `strikes`: so many time-outs in a row on one operation end the traffic to it."""

    seconds: float = 15.0
    connect_seconds: float = 5.0
    answer_bytes: int = 2 * 1024 * 1024
    strikes: int = 3


class Recorder:
    """Sends calls and records exchanges into a History.

    `facts` are functions of the bytes as they were, called before secrets are removed; `secrets` names the
    secrets (kind, value) that an answer hands out. One recorder serves a whole run; its methods are for one event
    loop.
    """

    def __init__(
        self,
        history: History,
        book: SecretBook,
        *,
        bounds: Bounds | None = None,
        facts: Sequence[Facts] = (),
        secrets: Secrets | None = None,
        verify: bool | str = True,
    ) -> None:
        self.history = history
        self.book = book
        self.bounds = bounds or Bounds()
        self._facts = tuple(facts)
        self._secrets = secrets
        self._strikes: dict[tuple[str, str], int] = defaultdict(int)
        self._client = httpx.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self.bounds.seconds, connect=self.bounds.connect_seconds),
            limits=httpx.Limits(max_connections=128, max_keepalive_connections=8),
            headers={"Accept-Encoding": "gzip", "User-Agent": "crossapp"},
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def next_number(self) -> int:
        """The number of the next entry."""
        return len(self.history.entries) + 1

    def observe(self, step: str, values: Mapping[str, Any]) -> Observation:
        """Record what was measured; texts in it are cleaned."""
        entry = Observation(self.next_number(), step, _cleaned(self.book, values))
        self.history.entries.append(entry)
        return entry

    async def send(
        self, *, step: str, caller: str, callee: str, base_url: str, call: Call, facts: Mapping[str, Any] | None = None
    ) -> tuple[Exchange, Answer | None]:
        """Send a call and record the exchange. The answer is as received, the exchange without secrets.

        Raises TargetGoneError where the callee has stopped answering this operation; the network's other
        failures are outcomes of the exchange.
        """
        self._refuse_if_gone(callee, call.operation)
        url = base_url.rstrip("/") + call.target
        started = time.time()
        clock = time.perf_counter()
        answer: Answer | None = None
        outcome, error = Outcome.ANSWERED, ""
        try:
            async with asyncio.timeout(self.bounds.seconds):
                answer, error = await self._exchange(call, url)
            self._strikes[callee, call.operation] = 0
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as failure:
            outcome, error = Outcome.REFUSED, _reason(failure)
        except TimeoutError:
            outcome, error = Outcome.NO_ANSWER, f"no complete answer within {self.bounds.seconds:g} s"
        except httpx.HTTPError as failure:
            outcome, error = Outcome.NO_ANSWER, _reason(failure)
        seconds = time.perf_counter() - clock
        if outcome is Outcome.NO_ANSWER and seconds >= self.bounds.seconds * 0.9:
            self._strikes[callee, call.operation] += 1
        exchange = self.record(
            step=step,
            caller=caller,
            callee=callee,
            call=call,
            url=url,
            answer=answer,
            outcome=outcome,
            error=error,
            started=started,
            seconds=seconds,
            facts=facts,
        )
        return exchange, answer

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
        """Record an exchange that happened: facts first, then the secrets go."""
        if answer is not None and self._secrets is not None:
            for kind, value in self._secrets(call, answer):
                self.book.learn(kind, value)
        known: dict[str, Any] = dict(facts or {})
        for compute in self._facts:
            known.update(compute(call, answer))
        if answer is not None:
            known["secrets"] = self._secrets_in(answer)
        clean = self.book.clean
        exchange = Exchange(
            number=self.next_number(),
            step=step,
            caller=caller,
            callee=callee,
            operation=call.operation,
            method=call.method,
            url=clean(url),
            request_headers=self._clean_headers(call.headers),
            request_body=self.book.clean_bytes(call.body or b""),
            outcome=outcome,
            status=answer.status if answer is not None else None,
            response_headers=self._clean_headers(answer.headers) if answer is not None else (),
            response_body=self.book.clean_bytes(answer.body) if answer is not None else b"",
            started=started,
            seconds=seconds,
            error=clean(error),
            facts=_cleaned(self.book, known),
        )
        self.history.entries.append(exchange)
        return exchange

    @asynccontextmanager
    async def listen(self, *, step: str, callee: str, base_url: str, call: Call) -> AsyncIterator["Listener"]:
        """Hold an SSE stream open and record its events until the block is left.

        The stream's opening is an entry of kind `open`, its data the status line; raises nothing for a stream that
        cannot be had: the listener's `opened` is then False and the entry says why.
        """
        self._refuse_if_gone(callee, call.operation)
        listener = Listener(self, step)
        task = asyncio.create_task(listener.run(base_url.rstrip("/") + call.target, call))
        try:
            async with asyncio.timeout(self.bounds.seconds):
                await listener.ready.wait()
        except TimeoutError:
            listener.add("closed", data=f"no answer within {self.bounds.seconds:g} s")
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _refuse_if_gone(self, callee: str, operation: str) -> None:
        if self._strikes[callee, operation] >= self.bounds.strikes:
            raise TargetGoneError(
                f"{callee} did not answer {operation} {self.bounds.strikes} times in a row "
                f"within {self.bounds.seconds:g} s: nothing more is sent there"
            )

    async def _exchange(self, call: Call, url: str) -> tuple[Answer, str]:
        request = self._client.build_request(
            call.method,
            url,
            headers=[(k.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in call.headers],
            content=call.body,
        )
        response = await self._client.send(request, stream=True)
        try:
            body, error = await self._read_bounded(response)
        finally:
            await response.aclose()
            self._client.cookies.clear()
        headers = tuple((k.decode("latin-1"), v.decode("latin-1")) for k, v in response.headers.raw)
        return Answer(response.status_code, headers, body), error

    async def _read_bounded(self, response: httpx.Response) -> tuple[bytes, str]:
        limit = self.bounds.answer_bytes
        gzipped = response.headers.get("content-encoding", "").strip().lower() == "gzip"
        inflate = zlib.decompressobj(wbits=31) if gzipped else None
        body = bytearray()
        async for chunk in response.aiter_raw():
            try:
                body += inflate.decompress(chunk, limit + 1 - len(body)) if inflate is not None else chunk
            except zlib.error:
                return bytes(body), "the answer says gzip and is not"
            if len(body) > limit:
                return bytes(body[:limit]), f"the answer is larger than {limit} bytes: the rest was not read"
        return bytes(body), ""

    def _secrets_in(self, answer: Answer) -> list[list[str]]:
        found = [
            [kind, mark, f"header {name.lower()}"]
            for name, value in answer.headers
            for kind, mark in self.book.found_in(value)
        ]
        body = answer.body.decode("latin-1")
        return found + [[kind, mark, "body"] for kind, mark in self.book.found_in(body)]

    def _clean_headers(self, headers: Headers) -> Headers:
        cleaned = []
        for name, value in headers:
            text = self.book.clean(value)
            kind = _SECRET_HEADERS.get(name.lower())
            if kind is not None and text == value and value.strip():
                scheme, _, rest = value.partition(" ")
                text = f"{scheme} <{kind}>" if rest and scheme.isalpha() else f"<{kind}>"
            cleaned.append((name, text))
        return tuple(cleaned)


class Listener:
    """An open SSE stream. `ready` is set when the answer's head has come, or cannot come."""

    def __init__(self, recorder: Recorder, step: str) -> None:
        self._recorder = recorder
        self._step = step
        self._changed = asyncio.Condition()
        self.ready = asyncio.Event()
        self.opened = False
        self.status: int | None = None
        self.events: list[StreamEvent] = []

    def add(self, kind: str, *, event: str = "", data: str = "", id: str = "", lines: Sequence[str] = ()) -> None:
        """Record one event of the stream."""
        clean = self._recorder.book.clean
        number = self._recorder.next_number()
        entry = StreamEvent(
            number, self._step, kind, time.time(), event, clean(data), clean(id), tuple(map(clean, lines))
        )
        self._recorder.history.entries.append(entry)
        self.events.append(entry)

    async def wait_for(self, wanted: Callable[[StreamEvent], bool], *, seconds: float) -> StreamEvent | None:
        """The first event that is wanted, already there or within `seconds`; None where none comes."""
        try:
            async with asyncio.timeout(seconds), self._changed:
                while True:
                    for each in self.events:
                        if wanted(each):
                            return each
                    await self._changed.wait()
        except TimeoutError:
            return None

    async def run(self, url: str, call: Call) -> None:
        """Read the stream until cancelled or closed; at most 10,000 events, lines of at most 64 KiB."""
        timeout = httpx.Timeout(self._recorder.bounds.seconds, read=None)
        try:
            async with self._recorder._client.stream(
                call.method, url, headers=dict(call.headers), timeout=timeout
            ) as response:
                self.status = response.status_code
                kind = response.headers.get("content-type", "")
                self.opened = response.status_code == 200 and kind.partition(";")[0].strip() == "text/event-stream"
                self.add("open", data=f"{response.status_code} {kind}")
                self.ready.set()
                if self.opened:
                    await self._read(response)
            self.add("closed", data="the server closed the stream")
        except httpx.HTTPError as failure:
            self.add("closed", data=_reason(failure))
        finally:
            self.ready.set()
            async with self._changed:
                self._changed.notify_all()

    async def _read(self, response: httpx.Response) -> None:
        decoder = SSEDecoder()
        pending: list[str] = []
        async for line in _bounded_lines(response):
            if line.startswith(":"):
                self.add("comment", data=line[1:].strip(), lines=[line])
            else:
                pending.append(line)
                event = decoder.decode(line)
                if event is not None:
                    self.add("event", event=_event_name(pending), data=event.data, id=event.id, lines=pending)
                if not line:
                    pending = []
            if len(self.events) > 10_000:
                self.add("closed", data="more than 10,000 events: not read on")
                return
            async with self._changed:
                self._changed.notify_all()


def _event_name(lines: Sequence[str]) -> str:
    """The `event:` field as sent: the parser reports `message` for an unnamed event and for one named so."""
    return next((line[6:].strip() for line in lines if line.startswith("event:")), "")


async def _bounded_lines(response: httpx.Response) -> AsyncIterator[str]:
    buffer = ""
    async for chunk in response.aiter_text():
        buffer += chunk
        *lines, buffer = buffer.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in lines:
            yield line
        if len(buffer) > 65_536:
            raise httpx.ReadError("a line of the stream is longer than 65,536 characters")


def _cleaned(book: SecretBook, value: Any) -> Any:
    if isinstance(value, str):
        return book.clean(value)
    if isinstance(value, Mapping):
        return {book.clean(str(key)): _cleaned(book, each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_cleaned(book, each) for each in value]
    return value


def _reason(failure: Exception) -> str:
    text = str(failure).strip()
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
