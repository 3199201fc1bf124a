"""An open event stream whose messages are recorded."""

import asyncio
from collections.abc import Callable

import httpx

from harness.history import StreamEvent
from harness.history_writer import HistoryWriter
from harness.http import Call
from harness.responses import OnChunk, UnreadableError, decoded, is_event_stream, reason_of
from harness.sse import LONGEST_LINE, SseMessage, SseReader, StreamTooLongError

_MOST_EVENTS, _TRIES = 10_000, 3


class Listener:
    """Reads one event stream into a history, up to 10,000 events of at most `longest_event` characters.

    `ready` is set once the head of the response has come, or cannot come; `opened` says whether it is an event stream.
    """

    def __init__(self, writer: HistoryWriter, step: str, longest_event: int) -> None:
        self._writer = writer
        self._step = step
        self._longest_event = longest_event
        self._changed = asyncio.Condition()
        self.ready = asyncio.Event()
        self.opened = False
        self.status: int | None = None
        self.events: list[StreamEvent] = []

    def opened_by(self, response: httpx.Response) -> None:
        """Record the head of the response as an entry of kind `open`."""
        self.status = response.status_code
        self.opened = is_event_stream(response)
        self._add(SseMessage("open", f"{response.status_code} {response.headers.get('content-type', '')}"))
        self.ready.set()

    def closed(self, reason: str) -> None:
        """Record the end of the stream as an entry of kind `closed`."""
        self._add(SseMessage("closed", reason))

    async def wait_for(self, wanted: Callable[[StreamEvent], bool], *, seconds: float) -> StreamEvent | None:
        """The first event for which `wanted` is true, recorded already or within `seconds`; None if none comes."""
        checked = 0
        try:
            async with asyncio.timeout(seconds), self._changed:
                while True:
                    for each in self.events[checked:]:
                        if wanted(each):
                            return each
                    checked = len(self.events)
                    await self._changed.wait()
        except TimeoutError:
            return None

    async def run(self, client: httpx.AsyncClient, url: str, call: Call, seconds: float) -> None:
        """Open the stream and read it until cancelled or closed; a connection that breaks before the head of the
        response is made again, three times in all. `seconds`: time-out for connecting and sending."""
        timeout = httpx.Timeout(seconds, read=None)
        try:
            for attempt in range(1, _TRIES + 1):
                try:
                    async with client.stream(call.method, url, headers=dict(call.headers), timeout=timeout) as response:
                        self.opened_by(response)
                        if self.opened:
                            await self.read(response)
                    break
                except httpx.TransportError:
                    if self.status is not None or attempt == _TRIES:
                        raise
            self.closed("the server closed the stream")
        except UnreadableError as unreadable:
            self.closed(str(unreadable))
        except (httpx.HTTPError, httpx.InvalidURL) as failure:
            self.closed(reason_of(failure))
        finally:
            self.ready.set()
            await self._notify()

    async def read(self, response: httpx.Response, on_chunk: OnChunk | None = None) -> None:
        """Record the messages of a response's body. Raises UnreadableError at a limit, and httpx.HTTPError."""
        reader, kept = SseReader(self._longest_event), 0
        try:
            async for part in decoded(response, LONGEST_LINE, on_chunk):
                for message in reader.read(part):
                    self._add(message)
                    kept += len(message.data) + sum(map(len, message.lines))
                    if len(self.events) > _MOST_EVENTS or kept > self._writer.operation_bytes or self._writer.is_full:
                        raise UnreadableError(f"more than {_MOST_EVENTS} events, or more than can be kept: not read on")
                await self._notify()
        except StreamTooLongError as error:
            raise UnreadableError(str(error)) from None

    def _add(self, message: SseMessage) -> None:
        self.events.append(self._writer.stream_event(self._step, message))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
