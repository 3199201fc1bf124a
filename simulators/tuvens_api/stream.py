"""The event stream: one queue for each open connection, heartbeats by the simulator's clock."""

import asyncio
from collections.abc import AsyncGenerator, Iterable

from simulators.kit.clock import Clock
from simulators.kit.faults import FaultRuntime

HEARTBEAT = 15.0
_BACKLOG = 10_000
_OPENING = b": open\nretry: 1000\n\n"


def frame(number: int | None, data: str, name: str | None = None) -> bytes:
    """One event as it stands on the wire."""
    named = "" if name is None else f"event: {name}\n"
    numbered = "" if number is None else f"id: {number}\n"
    return f"{named}{numbered}data: {data}\n\n".encode()


class Hub:
    """Who listens. `open` hands out a stream; `publish` feeds all of them."""

    def __init__(self, clock: Clock, faults: FaultRuntime) -> None:
        self._clock = clock
        self._faults = faults
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    def start(self) -> None:
        """Begin the heartbeat."""
        self._clock.every(HEARTBEAT, self._beat)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._queues)

    def open(self, missed: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
        """A stream that begins with what was missed. It listens from this call on, so that nothing falls between."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(_OPENING + b"".join(missed))
        self._queues.add(queue)
        return self._read(queue)

    def replay(self, missed: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
        """A stream of what was missed that hears of nothing else: only a fault hands it out."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(_OPENING + b"".join(missed))
        return self._read(queue)

    def publish(self, chunk: bytes) -> None:
        """Send to all; one that has not read for long is cut off, and resumes by Last-Event-ID."""
        for queue in list(self._queues):
            if queue.qsize() >= _BACKLOG:
                self._queues.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(chunk)

    def close(self) -> None:
        """End all streams."""
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues.clear()

    async def _read(self, queue: asyncio.Queue[bytes | None]) -> AsyncGenerator[bytes, None]:
        try:
            while (chunk := await queue.get()) is not None:
                if self._faults.on("sse-with-crlf-and-comments"):
                    chunk = b": a comment of a proxy\n" + chunk
                    chunk = chunk.replace(b"\n", b"\r\n")
                yield chunk
        finally:
            self._queues.discard(queue)

    async def _beat(self) -> None:
        if self._queues and not self._faults.on("sse-without-heartbeat"):
            self.publish(b": heartbeat\n\n")
