"""The event stream: one queue for each open connection, heartbeats by the simulator's clock."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from simulators.kit.clock import Clock
from simulators.kit.stream_log import StreamLog

if TYPE_CHECKING:
    import psycopg

HEARTBEAT = 15.0
_BACKLOG = 10_000
_AGAIN = 0.5
_log = logging.getLogger(__name__)
OPENING = b": open\nretry: 1000\n\n"


class Hub:
    """The open streams: `open` returns one, `publish` feeds all of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.log = StreamLog()
        self._queues: set[asyncio.Queue[bytes | None]] = set()

    def start(self) -> None:
        """Begin the heartbeat."""
        self._clock.every(HEARTBEAT, self._beat)

    @property
    def listeners(self) -> int:
        """How many streams are open."""
        return len(self._queues)

    def open(self, missed: Iterable[bytes]) -> "OpenStream":
        """A stream that begins with what was missed. It listens from this call on, so that nothing falls between."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        queue.put_nowait(OPENING + b"".join(missed))
        self._queues.add(queue)
        return OpenStream(self, queue)

    def leave(self, queue: asyncio.Queue[bytes | None]) -> None:
        """Publish no more to a stream."""
        self._queues.discard(queue)

    def frame(self, number: int, data: str) -> bytes:
        """One message as it is sent."""
        return f"id: {number}\ndata: {data}\n\n".encode()

    def encode(self, chunk: bytes) -> bytes:
        """A piece of a stream as it goes over the network."""
        return chunk

    def publish(self, chunk: bytes) -> None:
        """Send to all; one that has not read for long is cut off, and resumes by Last-Event-ID."""
        self.log.record(chunk, len(self._queues))
        for queue in list(self._queues):
            if queue.qsize() >= _BACKLOG:
                self._queues.discard(queue)
                queue.put_nowait(None)
            else:
                queue.put_nowait(chunk)

    def publish_committed(self, chunks: Sequence[bytes]) -> None:
        """Send the messages of a transaction, once it is committed."""
        for chunk in chunks:
            self.publish(chunk)

    def end_all(self) -> None:
        """End all streams."""
        for queue in self._queues:
            queue.put_nowait(None)
        self._queues.clear()

    def close(self) -> None:
        """End all streams, as the last thing."""
        self.end_all()

    async def _beat(self) -> None:
        if self._queues:
            self.beat()

    def beat(self) -> None:
        """Send a heartbeat, which is a comment."""
        self.publish(b": heartbeat\n\n")


class OpenStream:
    """One open stream: pieces to send, until the hub closes it or its reader leaves."""

    def __init__(self, hub: Hub, queue: asyncio.Queue[bytes | None]) -> None:
        self._hub = hub
        self._queue = queue

    def __aiter__(self) -> "OpenStream":
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._queue.get()
        if chunk is None:
            await self.aclose()
            raise StopAsyncIteration
        return self._hub.encode(chunk)

    async def aclose(self) -> None:
        """Leave the hub, also where nothing was read."""
        self._hub.leave(self._queue)


class SharedHub(Hub):
    """The listeners of one process of several. What any of them publishes comes by PostgreSQL's NOTIFY, in the order
    in which the transactions that told of it were committed.

    `address` is libpq's; `missed` gives the messages of the log above a number, for a connection that was lost.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        address: str,
        channel: str,
        missed: Callable[[int], Sequence[tuple[int, str]]],
    ) -> None:
        super().__init__(clock)
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

    def publish_committed(self, chunks: Sequence[bytes]) -> None:
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
            self.publish(self.frame(number, data))
