"""Trouble beside a correct deployment: a network that resets, delays or closes connections, and a busy machine."""

import asyncio
import random
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Container, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

_CHUNK = 65_536
_STREAM = b"text/event-stream"


@dataclass(frozen=True, slots=True)
class Network:
    """What happens to connections. `resets`: the share of requests whose connection is reset, half of them after the
    request was passed on. `jitter`: seconds by which each part of an answer is late, at most. `idle`: seconds after
    which a connection is closed that carries no request and no event stream (0: never). `lost`: which of the requests
    that begin with `begins` are passed on, and their connection reset; the first is 0."""

    resets: float = 0.0
    jitter: float = 0.0
    idle: float = 0.0
    begins: bytes = b""
    lost: Container[int] = ()


class TroubledProxy:
    """A TCP proxy before one application: it passes bytes on, and makes trouble, which `troubles` counts.

    `url` is where it listens (`port` of 127.0.0.1), `target` the base URL behind it, to be set before the first
    connection.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.target = ""
        self.troubles = 0
        self._network = network
        self._begun = 0
        self._random = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen until `stop`."""
        self._server = await asyncio.start_server(self._serve, sock=self._listener)

    async def stop(self) -> None:
        """Listen no longer, and end all connections."""
        if self._server is not None:
            self._server.close()
        for each in self._writers:
            each.transport.abort()
        await asyncio.gather(*(each.wait_closed() for each in self._writers), return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = urlsplit(self.target)
        self._writers.add(writer)
        try:
            there_reader, there = await asyncio.open_connection(behind.hostname, behind.port)
        except OSError:
            writer.close()
            return
        self._writers.add(there)
        connection = _Connection(writer, there, self._network.idle)
        tasks = [
            asyncio.create_task(self._pass_requests(reader, connection)),
            asyncio.create_task(self._pass_answers(there_reader, connection)),
            asyncio.create_task(self._idle(connection)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            writer.close()
            there.close()

    async def _pass_requests(self, reader: asyncio.StreamReader, connection: "_Connection") -> None:
        while data := await reader.read(_CHUNK):
            # Head and body may come apart.
            reset = not connection.waits and self._random.random() < self._network.resets
            connection.moved(waiting=True)
            passed_on = self._random.random() < 0.5
            if self._network.lost and data.startswith(self._network.begins):
                reset = passed_on = self._begun in self._network.lost
                self._begun += 1
            # Or a quick answer would come first.
            connection.doomed = reset
            if not reset or passed_on:
                connection.there.write(data)
                await connection.there.drain()
            if reset:
                self.troubles += 1
                connection.reset()
                return

    async def _pass_answers(self, reader: asyncio.StreamReader, connection: "_Connection") -> None:
        while data := await reader.read(_CHUNK):
            if connection.doomed:
                continue
            connection.streams = connection.streams or _STREAM in data.partition(b"\r\n\r\n")[0]
            if self._network.jitter and not connection.streams:
                await asyncio.sleep(self._random.uniform(0.0, self._network.jitter))
            connection.moved(waiting=False)
            connection.here.write(data)
            await connection.here.drain()

    async def _idle(self, connection: "_Connection") -> None:
        await connection.over.wait()
        self.troubles += 1


class _Connection:
    """Both ends of a connection, and whether it is `over`: it carries no request and no event stream for `idle` seconds
    (0: never)."""

    def __init__(self, here: asyncio.StreamWriter, there: asyncio.StreamWriter, idle: float) -> None:
        self.here, self.there = here, there
        self.streams = self.waits = self.doomed = False
        self.over = asyncio.Event()
        self._idle = idle
        self._timer: asyncio.TimerHandle | None = None

    def moved(self, *, waiting: bool) -> None:
        """Something passed: a request (`waiting` for its answer) or an answer."""
        self.waits = waiting
        if self._timer is not None:
            self._timer.cancel()
        if self._idle and not waiting and not self.streams:
            self._timer = asyncio.get_running_loop().call_later(self._idle, self.over.set)

    def reset(self) -> None:
        """End the client's side by RST."""
        raw: socket.socket = self.here.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.here.transport.abort()


@contextmanager
def proxies(network: Network, apps: tuple[str, ...], seed: int = 0) -> Iterator[dict[str, TroubledProxy]]:
    """A proxy for each application, in a thread."""
    found = {app: TroubledProxy(network, seed + index) for index, app in enumerate(apps)}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        for each in found.values():
            asyncio.run_coroutine_threadsafe(each.start(), loop).result()
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(_end(found.values()), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _end(fronts: Iterable[TroubledProxy]) -> None:
    for each in fronts:
        await each.stop()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Processes that do nothing but take processor time."""
    with ExitStack() as stack:
        for _ in range(count):
            hog = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(hog.wait)
            stack.callback(hog.kill)
        yield
