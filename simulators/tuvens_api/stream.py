"""The event stream: one queue for each open connection, heartbeats by the simulator's clock."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from simulators.kit.clock import Clock
from simulators.kit.faults import FaultRuntime

if TYPE_CHECKING:
    import psycopg

HEARTBEAT = 15.0
_BACKLOG = 10_000
_AGAIN = 0.5
_log = logging.getLogger(__name__)
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

    def publish_told(self, chunks: Sequence[bytes]) -> None:
        """Send what a transaction told of, once it has ended."""
        for chunk in chunks:
            self.publish(chunk)

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


class SharedHub(Hub):
    """The listeners of one process of several. What any of them publishes comes by PostgreSQL's NOTIFY, in the order
    in which the transactions that told of it were committed.

    `address` is libpq's; `missed` gives the messages of the log above a number, for a connection that was lost.
    """

    def __init__(
        self,
        clock: Clock,
        faults: FaultRuntime,
        *,
        address: str,
        channel: str,
        missed: Callable[[int], Sequence[tuple[int, str]]],
    ) -> None:
        super().__init__(clock, faults)
        self._address = address
        self._channel = channel
        self._missed = missed
        self._last = 0
        self._listening: asyncio.Task[None] | None = None

    async def listen(self) -> None:
        """Begin to listen; returns once nothing that is told from now on is lost."""
        connection = await self._connect()
        self._last = max((number for number, _ in self._missed(0)), default=0)
        self._listening = asyncio.create_task(self._relay(connection))

    def publish_told(self, chunks: Sequence[bytes]) -> None:
        """Nothing: the database tells all processes, this one too."""

    def close(self) -> None:
        """End all streams and stop listening."""
        super().close()
        if self._listening is not None:
            self._listening.cancel()

    async def _connect(self) -> "psycopg.AsyncConnection[tuple[object, ...]]":
        import psycopg

        connection = await psycopg.AsyncConnection.connect(self._address, autocommit=True)
        await connection.execute(f'LISTEN "{self._channel}"')
        return connection

    async def _relay(self, connection: "psycopg.AsyncConnection[tuple[object, ...]]") -> None:
        import psycopg

        while True:
            with contextlib.suppress(psycopg.OperationalError):
                async with connection:
                    async for told in connection.notifies():
                        told_as, _, text = told.payload.partition(" ")
                        self._tell(int(told_as), text)
            _log.error("tuvens-api: the connection that tells of status changes was lost; it is made anew")
            while True:
                try:
                    connection = await self._connect()
                    break
                except psycopg.OperationalError:
                    await asyncio.sleep(_AGAIN)
            for number, data in self._missed(self._last):
                self._tell(number, data)

    def _tell(self, number: int, data: str) -> None:
        if number > self._last:
            self._last = number
            self.publish(frame(number, data))
