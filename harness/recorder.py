"""Sends calls and records the exchanges."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from harness.deployment import Linked
from harness.history import Exchange, History, Outcome
from harness.history_writer import Facts, HistoryWriter, Secrets
from harness.http import Answer, Call, Headers
from harness.listener import Listener
from harness.redact import Redactor
from harness.responses import (
    UndecodableError,
    UnreadableError,
    decoded,
    encoded_headers,
    headers_of,
    is_event_stream,
    reason_of,
)
from harness.tls import PUBLIC, TlsSettings
from harness.traffic_limits import OperationGoneError, Strikes, TargetGoneError, TrafficLimits
from harness.transport import Transport


class Forwarding:
    """A request that is forwarded for another client, and its response on the way back.

    The request is sent byte for byte, with its own headers and no others. `body` becomes the body of the response as
    received, not decompressed. An event stream is forwarded live: `opened` is awaited with its status and headers,
    then `passed` with each chunk, until the stream ends or `left` is set. `undecodable`: the status and headers of a
    response whose body was received whole, but cannot be decoded; the exchange then has no answer.
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
        self.undecodable: tuple[int, Headers] | None = None


class RequestGate(Protocol):
    """Decides whether and when requests are sent."""

    async def admit(self, step: str, app: str, call: Call, *, by_page: bool = False) -> None:
        """Wait for the turn of a request to an application; `by_page`: a page sends it in a browser.
        Raises NotAllowedError if it is not to be sent."""

    def owns(self, event: Linked) -> None:
        """Note that an event was made at hi.events for an event of the deployment file."""


class Recorder(HistoryWriter):
    """Sends calls, if its `gate` admits them, and records the exchanges. One recorder serves a whole run, in one event
    loop."""

    def __init__(
        self,
        history: History,
        redactor: Redactor,
        *,
        limits: TrafficLimits | None = None,
        facts: Sequence[Facts] = (),
        secrets: Secrets | None = None,
        tls: TlsSettings = PUBLIC,
        proxy: str = "",
        foreign: bool = False,
        gate: RequestGate | None = None,
    ) -> None:
        self.gate = gate
        self.limits = limits or TrafficLimits()
        super().__init__(
            history,
            redactor,
            facts=facts,
            secrets=secrets,
            foreign=foreign,
            kept_bytes=self.limits.kept_bytes,
            kept_entries=self.limits.kept_entries,
            operation_bytes=self.limits.operation_bytes,
        )
        self._strikes = Strikes(self.limits)
        # Requests are sent by the transport itself: the client's cookies, redirects and log lines cost and do nothing.
        self._transport = Transport(tls, proxy)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(self.limits.seconds, connect=self.limits.connect_seconds),
            headers={"Accept-Encoding": "gzip", "User-Agent": "crossapp"},
            # No cookie that a response sets may travel with another request.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

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
        """Send a call and record the exchange. The answer is as received, the exchange is redacted.

        A forwarded event stream is recorded as its events and, at its end, as an exchange whose body is the first
        `answer_bytes` of the stream.

        Raises TargetGoneError if nothing more is sent to the callee (OperationGoneError: to this operation of it), and
        NotAllowedError. Other network failures, and an answer that cannot be read to its end, are outcomes of the
        exchange.
        """
        await self._admit(step, callee, call)
        url = base_url.rstrip("/") + call.target
        started = time.time()
        clock = time.perf_counter()
        answer: Answer | None = None
        outcome, error = Outcome.ANSWERED, ""
        try:
            async with asyncio.timeout(self.limits.seconds) as limit:
                if forwarding is None:
                    answer = await self._exchange(call, url)
                else:
                    answer = await self._forward(call, url, forwarding, step, limit)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL) as failure:
            outcome, error = Outcome.REFUSED, reason_of(failure)
        except TimeoutError:
            outcome, error = Outcome.NO_ANSWER, f"no complete answer within {self.limits.seconds:g} s"
        except UnreadableError as unreadable:
            outcome, error = Outcome.NO_ANSWER, str(unreadable)
        except httpx.HTTPError as failure:
            outcome, error = Outcome.NO_ANSWER, reason_of(failure)
        seconds = time.perf_counter() - clock
        waited = self.limits.connect_seconds if outcome is Outcome.REFUSED else self.limits.seconds
        self._strikes.count(
            callee,
            call.operation,
            answered=answer is not None,
            timed_out=seconds >= waited * 0.9,
            throttled=answer is not None and answer.status == 429,
        )
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

    def still_throttled(self, callee: str, operation: str) -> None:
        """Count a 429 after the wait that the 429 before it asked for: six in a row end the traffic there."""
        self._strikes.still_throttled(callee, operation)

    @asynccontextmanager
    async def listen(self, *, step: str, callee: str, base_url: str, call: Call) -> AsyncIterator[Listener]:
        """Keep an event stream open and record its messages until the block is left.

        The head of the response is an entry of kind `open`. Raises nothing if there is no stream: `opened` of the
        listener is then False, and an entry of kind `closed` says why. Raises TargetGoneError and NotAllowedError.
        """
        await self._admit(step, callee, call)
        listener = Listener(self, step, self.limits.answer_bytes)
        url = base_url.rstrip("/") + call.target
        task = asyncio.create_task(listener.run(self._client, url, call, self.limits.seconds))
        try:
            async with asyncio.timeout(self.limits.seconds):
                await listener.ready.wait()
            self._strikes.count(callee, call.operation, answered=listener.status is not None, timed_out=False)
        except TimeoutError:
            task.cancel()
            listener.closed(f"no answer within {self.limits.seconds:g} s")
            self._strikes.count(callee, call.operation, answered=False, timed_out=True)
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _admit(self, step: str, callee: str, call: Call) -> None:
        if self.is_full:
            raise TargetGoneError(
                f"the record is full ({self.limits.kept_bytes} bytes): nothing more is sent to {callee}"
            )
        if self.full_for(callee, call.operation):
            raise OperationGoneError(
                f"{callee} answered {call.operation or 'undocumented paths'} with more than is kept of an operation "
                f"({self.operation_bytes} bytes): nothing more is sent there"
            )
        self._strikes.check(callee, call.operation)
        if self.gate is not None:
            await self.gate.admit(step, callee, call)

    async def _exchange(self, call: Call, url: str) -> Answer:
        request = self._client.build_request(call.method, url, headers=encoded_headers(call.headers), content=call.body)
        response = await self._transport.handle_async_request(request)
        try:
            return await self._whole(response)
        finally:
            await response.aclose()

    async def _forward(self, call: Call, url: str, forwarding: Forwarding, step: str, limit: asyncio.Timeout) -> Answer:
        # Not built by the client, which would add its own headers and normalise the URL.
        timeout = httpx.Timeout(self.limits.seconds, connect=self.limits.connect_seconds, read=None)
        base = url.removesuffix(call.target)
        request = httpx.Request(
            call.method,
            base,
            headers=encoded_headers(call.headers),
            content=call.body,
            extensions={
                "target": (urlsplit(base).path + call.target).encode("latin-1", "replace"),
                "timeout": timeout.as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        forwarding.body.clear()
        forwarding.undecodable = None
        try:
            if not is_event_stream(response):
                return await self._whole(response, forwarding.body)
            limit.reschedule(None)
            forwarding.streamed = True
            await forwarding.opened(response.status_code, headers_of(response))
            return await self._forward_stream(response, forwarding, Listener(self, step, self.limits.answer_bytes))
        except UndecodableError:
            forwarding.undecodable = response.status_code, headers_of(response)
            raise
        finally:
            await response.aclose()

    async def _forward_stream(self, response: httpx.Response, forwarding: Forwarding, listener: Listener) -> Answer:
        """Forward a stream until it ends, breaks, or the client leaves; the body is its beginning."""
        kept = bytearray()

        async def passed(chunk: bytes) -> None:
            kept.extend(chunk[: self.limits.answer_bytes - len(kept)])
            await forwarding.passed(chunk)

        listener.opened_by(response)
        reading = asyncio.create_task(listener.read(response, passed))
        leaving = asyncio.create_task(forwarding.left.wait())
        try:
            await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done():
                listener.closed("its reader left the stream")
            else:
                failure = reading.exception()
                if failure is not None and not isinstance(failure, httpx.HTTPError | UnreadableError):
                    raise failure
                listener.closed(reason_of(failure) if failure else "the server closed the stream")
        finally:
            reading.cancel()
            leaving.cancel()
            await asyncio.gather(reading, leaving, return_exceptions=True)
        return Answer(response.status_code, headers_of(response), bytes(kept))

    async def _whole(self, response: httpx.Response, raw: bytearray | None = None) -> Answer:
        """The answer, read to its end; `raw` receives its body as sent. Raises UnreadableError."""
        limit = self.limits.answer_bytes

        async def keep(chunk: bytes) -> None:
            assert raw is not None
            raw.extend(chunk)
            _refuse_above(limit, len(raw), response)

        body = bytearray()
        async for part in decoded(response, limit + 1, keep if raw is not None else None):
            body += part
            _refuse_above(limit, len(body), response)
        return Answer(response.status_code, headers_of(response), bytes(body))


def _refuse_above(limit: int, size: int, response: httpx.Response) -> None:
    if size > limit:
        raise UnreadableError(f"status {response.status_code}, and more than {limit} bytes: the rest was not read")
