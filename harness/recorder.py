"""The recorder: sends a call, bounds what comes back, keeps it without secrets."""

import asyncio
import codecs
import ssl
import time
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit

import httpx
from httpx_sse._decoders import SSEDecoder  # the library's own parser; its public reader drops comments and raw lines

from harness.history import Exchange, History, Observation, Outcome, StreamEvent
from harness.http import Answer, Call, Headers
from harness.redact import Redactor, named_tokens, names_secret, redact_named

Facts = Callable[[Call, Answer | None], Mapping[str, Any]]
Secrets = Callable[[Call, Answer], Iterable[tuple[str, str]]]
Passed = Callable[[bytes], Awaitable[None]]

_SECRET_HEADERS = {
    "authorization": "bearer",
    "cookie": "cookie",
    "set-cookie": "cookie",
    "x-auth-token": "bearer",
    "x-session-token": "session-token",
    "x-shared-secret": "shared-secret",
}
_LONGEST_LINE = 65_536
_MOST_EVENTS = 10_000


class TargetGoneError(Exception):
    """A target stopped answering, or said more than can be kept; the text names it. Nothing more is sent there in this
    run."""


class UnreadableError(Exception):
    """An answer that came, and that no client could or would read to its end; the text says why."""


class Forwarding:
    """A request that is forwarded for somebody else, and its answer on the way back.

    It travels with its own headers and no other, to its target byte for byte. `body` becomes the answer's body as it
    came, not decoded. An event stream goes on live: `opened` is called with its status and headers, then `passed` with
    each part, until the stream ends or `left` is set.
    """

    def __init__(
        self,
        opened: Callable[[int, Headers], Awaitable[None]],
        passed: Callable[[bytes], Awaitable[None]],
        left: asyncio.Event,
    ) -> None:
        self.opened = opened
        self.passed = passed
        self.left = left
        self.body = bytearray()
        self.streamed = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of one exchange: `seconds` in all, `connect_seconds` to connect, `answer_bytes` after decoding; and of a
    run: `strikes`, so many time-outs in a row on one operation end the traffic to it, and to a target that has not
    answered anything yet; `kept_bytes`, the bodies of all that is recorded."""

    seconds: float = 15.0
    connect_seconds: float = 5.0
    answer_bytes: int = 2 * 1024 * 1024
    strikes: int = 3
    kept_bytes: int = 64 * 1024 * 1024


class Recorder:
    """Sends calls and records exchanges into a History.

    `facts` are functions of the bytes as they were, called before secrets are removed; `secrets` names the
    secrets (kind, value) that an answer hands out. With `foreign` traffic, which others have sent, what is a secret by
    the name of its field or header is removed, too. One recorder serves a whole run; its methods are for one event
    loop.
    """

    def __init__(
        self,
        history: History,
        redactor: Redactor,
        *,
        bounds: Bounds | None = None,
        facts: Sequence[Facts] = (),
        secrets: Secrets | None = None,
        verify: bool | ssl.SSLContext = True,
        foreign: bool = False,
    ) -> None:
        self.history = history
        self.redactor = redactor
        self.bounds = bounds or Bounds()
        self._facts = tuple(facts)
        self._secrets = secrets
        self._foreign = foreign
        self._strikes: dict[tuple[str, str], int] = defaultdict(int)
        self._silent: dict[str, int] = defaultdict(int)
        self._heard: set[str] = set()
        self._kept = 0
        self._client = httpx.AsyncClient(
            verify=verify,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self.bounds.seconds, connect=self.bounds.connect_seconds),
            limits=httpx.Limits(max_connections=128, max_keepalive_connections=8),
            headers={"Accept-Encoding": "gzip", "User-Agent": "crossapp"},
            # A jar that takes nothing: what one answer sets must never travel with another request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def next_number(self) -> int:
        """The number of the next entry."""
        return len(self.history.entries) + 1

    def observe(self, step: str, values: Mapping[str, Any]) -> Observation:
        """Record a measurement, redacted."""
        entry = Observation(self.next_number(), step, self.redactor.redact_fields(values))
        self.history.entries.append(entry)
        return entry

    async def send(
        self,
        *,
        step: str,
        caller: str,
        callee: str,
        base_url: str,
        call: Call,
        facts: Mapping[str, Any] | None = None,
        forwarding: Forwarding | None = None,
    ) -> tuple[Exchange, Answer | None]:
        """Send a call and record the exchange. The answer is as received, the exchange without secrets.

        A forwarded event stream is recorded as its events and, at its end, as an exchange whose body is its beginning.

        Raises TargetGoneError where the callee has stopped answering this operation, or the record is full; the
        network's other failures, and an answer that cannot be read to its end, are outcomes of the exchange.
        """
        self._refuse_if_gone(callee, call.operation)
        url = base_url.rstrip("/") + call.target
        started = time.time()
        clock = time.perf_counter()
        answer: Answer | None = None
        outcome, error = Outcome.ANSWERED, ""
        try:
            async with asyncio.timeout(self.bounds.seconds) as limit:
                if forwarding is None:
                    answer = await self._exchange(call, url)
                else:
                    answer = await self._forwarded(call, url, forwarding, Listener(self, step), limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as failure:
            outcome, error = Outcome.REFUSED, _reason(failure)
        except TimeoutError:
            outcome, error = Outcome.NO_ANSWER, f"no complete answer within {self.bounds.seconds:g} s"
        except UnreadableError as unreadable:
            outcome, error = Outcome.NO_ANSWER, str(unreadable)
        except httpx.HTTPError as failure:
            outcome, error = Outcome.NO_ANSWER, _reason(failure)
        seconds = time.perf_counter() - clock
        waited = self.bounds.connect_seconds if outcome is Outcome.REFUSED else self.bounds.seconds
        self._count(callee, call.operation, answered=answer is not None, timed_out=seconds >= waited * 0.9)
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
                self.redactor.register(kind, value)
        body = call.body or b""
        if self._foreign:
            for text in (call.target, body.decode("latin-1")):
                for value in named_tokens(text):
                    self.redactor.register("unknown-token-sent", value)
        known: dict[str, Any] = dict(facts or {})
        for compute in self._facts:
            known.update(compute(call, answer))
        if answer is not None:
            known["secrets"] = self._secrets_in(answer)
        redact = self.redactor.redact
        exchange = Exchange(
            number=self.next_number(),
            step=step,
            caller=caller,
            callee=callee,
            operation=call.operation,
            method=call.method,
            url=redact_named(redact(url)) if self._foreign else redact(url),
            request_headers=self._redact_headers(call.headers),
            request_body=self._redact_body(body),
            outcome=outcome,
            status=answer.status if answer is not None else None,
            response_headers=self._redact_headers(answer.headers) if answer is not None else (),
            response_body=self._redact_body(answer.body) if answer is not None else b"",
            started=started,
            seconds=seconds,
            error=redact(error),
            facts=self.redactor.redact_fields(known),
        )
        self.keep(exchange, len(exchange.request_body) + len(exchange.response_body))
        return exchange

    def keep(self, entry: Exchange | StreamEvent, size: int) -> None:
        """Append an entry whose bodies have so many bytes."""
        self._kept += size
        self.history.entries.append(entry)

    @property
    def full(self) -> bool:
        """Whether the bodies recorded so far are as much as may be kept."""
        return self._kept >= self.bounds.kept_bytes

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
            self._count(callee, call.operation, answered=listener.status is not None, timed_out=False)
        except TimeoutError:
            task.cancel()
            listener.add("closed", data=f"no answer within {self.bounds.seconds:g} s")
            self._count(callee, call.operation, answered=False, timed_out=True)
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def _count(self, callee: str, operation: str, *, answered: bool, timed_out: bool) -> None:
        if answered:
            self._strikes[callee, operation] = 0
            self._heard.add(callee)
        elif timed_out:
            self._strikes[callee, operation] += 1
            self._silent[callee] += 1

    def _refuse_if_gone(self, callee: str, operation: str) -> None:
        most = self.bounds.strikes
        if self.full:
            raise TargetGoneError(
                f"the record is full ({self.bounds.kept_bytes} bytes of bodies): nothing more is sent to {callee}"
            )
        if callee not in self._heard and self._silent[callee] >= most:
            raise TargetGoneError(
                f"{callee} answered nothing at all, {most} times within {self.bounds.seconds:g} s: "
                "nothing more is sent there"
            )
        if self._strikes[callee, operation] >= most:
            raise TargetGoneError(
                f"{callee} did not answer {operation} {most} times in a row "
                f"within {self.bounds.seconds:g} s: nothing more is sent there"
            )

    async def _exchange(self, call: Call, url: str) -> Answer:
        request = self._client.build_request(call.method, url, headers=_encoded(call.headers), content=call.body)
        response = await self._client.send(request, stream=True)
        try:
            return await self._whole(response)
        finally:
            await response.aclose()

    async def _forwarded(
        self, call: Call, url: str, forwarding: Forwarding, listener: "Listener", limit: asyncio.Timeout
    ) -> Answer:
        # Not built by the client, which would add its own headers and mend the address.
        timeout = httpx.Timeout(self.bounds.seconds, connect=self.bounds.connect_seconds, read=None)
        base = url.removesuffix(call.target)
        request = httpx.Request(
            call.method,
            base,
            headers=_encoded(call.headers),
            content=call.body,
            extensions={
                "target": (urlsplit(base).path + call.target).encode("latin-1", "replace"),
                "timeout": timeout.as_dict(),
            },
        )
        response = await self._client.send(request, stream=True)
        forwarding.body.clear()
        try:
            if not _is_stream(response):
                return await self._whole(response, forwarding.body)
            limit.reschedule(None)
            forwarding.streamed = True
            await forwarding.opened(response.status_code, _headers(response))
            return await listener.pass_on(response, forwarding)
        finally:
            await response.aclose()

    async def _whole(self, response: httpx.Response, raw: bytearray | None = None) -> Answer:
        """The answer to its end; `raw` becomes its body as it came. Raises UnreadableError."""
        limit = self.bounds.answer_bytes

        async def kept(chunk: bytes) -> None:
            if raw is not None:
                raw.extend(chunk)
                _refuse_above(limit, len(raw), response)

        body = bytearray()
        async for part in _decoded(response, limit + 1, kept):
            body += part
            _refuse_above(limit, len(body), response)
        return Answer(response.status_code, _headers(response), bytes(body))

    def _secrets_in(self, answer: Answer) -> list[list[str]]:
        found = [
            [kind, mark, f"header {name.lower()}"]
            for name, value in answer.headers
            for kind, mark in self.redactor.found_in(value)
        ]
        body = answer.body.decode("latin-1")
        return found + [[kind, mark, "body"] for kind, mark in self.redactor.found_in(body)]

    def _redact_body(self, body: bytes) -> bytes:
        redacted = self.redactor.redact_bytes(body)
        return redact_named(redacted.decode("latin-1")).encode("latin-1") if self._foreign else redacted

    def _redact_headers(self, headers: Headers) -> Headers:
        redacted = []
        for name, value in headers:
            text = self.redactor.redact(value)
            kind = _SECRET_HEADERS.get(name.lower())
            if kind is None and self._foreign and names_secret(name):
                kind = "secret"
            if kind is not None and text == value and value.strip():
                scheme, _, rest = value.partition(" ")
                text = f"{scheme} <{kind}>" if rest and scheme.isalpha() else f"<{kind}>"
            redacted.append((name, text))
        return tuple(redacted)


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
        redact = self._recorder.redactor.redact
        number = self._recorder.next_number()
        entry = StreamEvent(
            number, self._step, kind, time.time(), redact(event), redact(data), redact(id), tuple(map(redact, lines))
        )
        self._recorder.keep(entry, len(data) + sum(map(len, lines)))
        self.events.append(entry)

    async def wait_for(self, wanted: Callable[[StreamEvent], bool], *, seconds: float) -> StreamEvent | None:
        """The first event that is wanted, already there or within `seconds`; None where none comes."""
        looked_at = 0
        try:
            async with asyncio.timeout(seconds), self._changed:
                while True:
                    for each in self.events[looked_at:]:
                        if wanted(each):
                            return each
                    looked_at = len(self.events)
                    await self._changed.wait()
        except TimeoutError:
            return None

    async def run(self, url: str, call: Call) -> None:
        """Read the stream until cancelled or closed; at most 10,000 events, lines of at most 64 KiB, events of at most
        `bounds.answer_bytes` characters."""
        timeout = httpx.Timeout(self._recorder.bounds.seconds, read=None)
        try:
            async with self._recorder._client.stream(
                call.method, url, headers=dict(call.headers), timeout=timeout
            ) as response:
                self.status = response.status_code
                self.opened = _is_stream(response)
                self.add("open", data=f"{response.status_code} {response.headers.get('content-type', '')}")
                self.ready.set()
                if self.opened:
                    await self._read(response)
            self.add("closed", data="the server closed the stream")
        except UnreadableError as unreadable:
            self.add("closed", data=str(unreadable))
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            self.add("closed", data=_reason(failure))
        finally:
            self.ready.set()
            async with self._changed:
                self._changed.notify_all()

    async def pass_on(self, response: httpx.Response, forwarding: Forwarding) -> Answer:
        """Read a stream that is forwarded until it ends, breaks, or is left; its beginning is the answer's body."""
        kept = bytearray()

        async def passed(chunk: bytes) -> None:
            kept.extend(chunk[: self._recorder.bounds.answer_bytes - len(kept)])
            await forwarding.passed(chunk)

        self.opened, self.status = True, response.status_code
        self.add("open", data=f"{response.status_code} {response.headers.get('content-type', '')}")
        reading = asyncio.create_task(self._read(response, passed))
        leaving = asyncio.create_task(forwarding.left.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                self.add("closed", data="its reader left the stream")
            else:
                failure = reading.exception()
                if failure is not None and not isinstance(failure, httpx.HTTPError | UnreadableError):
                    raise failure
                self.add("closed", data=_reason(failure) if failure else "the server closed the stream")
        finally:
            reading.cancel()
            leaving.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)
        return Answer(response.status_code, _headers(response), bytes(kept))

    async def _read(self, response: httpx.Response, passed: Passed | None = None) -> None:
        decoder = SSEDecoder()
        pending: list[str] = []
        size = 0
        async for line in _lines(response, passed):
            if line.startswith(":"):
                self.add("comment", data=line[1:].strip(), lines=[line])
            else:
                pending.append(line)
                size += len(line) + 1
                event = decoder.decode(line)
                if event is not None:
                    self.add("event", event=_event_name(pending), data=event.data, id=event.id, lines=pending)
                if not line:
                    pending, size = [], 0
            if size > self._recorder.bounds.answer_bytes:
                raise UnreadableError(
                    f"an event of the stream is longer than {self._recorder.bounds.answer_bytes} bytes"
                )
            if len(self.events) > _MOST_EVENTS or self._recorder.full:
                raise UnreadableError(f"more than {_MOST_EVENTS} events, or more than can be kept: not read on")
            async with self._changed:
                self._changed.notify_all()


def _event_name(lines: Sequence[str]) -> str:
    """The `event:` field as sent: the parser reports `message` for an unnamed event and for one named so."""
    return next((line[6:].strip() for line in lines if line.startswith("event:")), "")


async def _lines(response: httpx.Response, passed: Passed | None = None) -> AsyncIterator[str]:
    """Lines as the SSE standard splits them: UTF-8, ended by CR LF, LF or CR, each as soon as its end is seen."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    buffer = ""
    after_cr = False
    async for part in _decoded(response, _LONGEST_LINE, passed):
        text = decoder.decode(part)
        if after_cr and text:
            text = text.removeprefix("\n")
            after_cr = False
        after_cr = after_cr or text.endswith("\r")
        *lines, buffer = (buffer + text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
        for line in lines:
            yield line
        if len(buffer) > _LONGEST_LINE:
            raise UnreadableError(f"a line of the stream is longer than {_LONGEST_LINE} characters")


async def _decoded(response: httpx.Response, most: int, passed: Passed | None = None) -> AsyncIterator[bytes]:
    """The body's parts without their gzip, none longer than `most` where it was compressed; `passed` is called with
    each part as it came. Raises UnreadableError."""
    gzipped = response.headers.get("content-encoding", "").strip().lower() == "gzip"
    inflate = zlib.decompressobj(wbits=31) if gzipped else None
    begun = False
    async for chunk in response.aiter_raw():
        if passed is not None:
            await passed(chunk)
        if inflate is None:
            yield chunk
            continue
        begun = begun or bool(chunk)
        try:
            while chunk and not inflate.eof:
                yield inflate.decompress(chunk, most)
                chunk = inflate.unconsumed_tail
        except zlib.error:
            raise UnreadableError(f"status {response.status_code}, and the body says gzip and is not") from None
        if chunk or inflate.unused_data:
            raise UnreadableError(f"status {response.status_code}, and the body goes on after its gzip has ended")
    if inflate is not None and begun and not inflate.eof:
        raise UnreadableError(f"status {response.status_code}, and the body's gzip ends in the middle")


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]


def _headers(response: httpx.Response) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)


def _is_stream(response: httpx.Response) -> bool:
    kind: str = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.partition(";")[0].strip() == "text/event-stream"


def _refuse_above(limit: int, size: int, response: httpx.Response) -> None:
    if size > limit:
        raise UnreadableError(f"status {response.status_code}, and more than {limit} bytes: the rest was not read")


def _reason(failure: Exception) -> str:
    text = str(failure).strip()
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__
