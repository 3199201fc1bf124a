"""Servers on loopback that nobody would want to meet, each a coroutine that answers one request.

async with serving(silent) as url: ...       # in the caller's loop
with in_thread(silent) as url: ...           # for code that has a loop of its own
"""

import asyncio
import gzip
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(
    body: bytes = b"{}", status: str = "200 OK", headers: bytes = b"", kind: str = "application/json"
) -> Serve:
    """A server with one answer for everything; `headers` are whole lines."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
        writer.write(head.encode() + headers + b"\r\n" + body)
        await writer.drain()

    return serve


def raw(*parts: bytes, pause: float = 0.0) -> Serve:
    """A server that writes these bytes, whatever they are, then hangs up."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)

    return serve


def stream(*parts: bytes, then: Serve | None = None, kind: str = "text/event-stream", headers: bytes = b"") -> Serve:
    """A server of an event stream: sends the parts one by one, then goes on with `then`, or waits for the end."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n".encode() + headers + b"\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        await (then or silent)(reader, writer)

    return serve


def endless(chunk: bytes) -> Serve:
    """A server that never stops."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(chunk)
            await writer.drain()

    return serve


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Takes the request and never answers."""
    await reader.read()


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Closes the connection at once."""
    writer.close()


async def dripping(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Promises a thousand bytes and sends one now and then."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def huge(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """100 MB."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000000\r\n\r\n")
    for _number in range(100_000_000 // 50_000):
        writer.write(b"x" * 50_000)
        await writer.drain()


BOMB = gzip.compress(bytes(20_000_000))
bomb = answering(BOMB, headers=b"Content-Encoding: gzip\r\n")


async def _handle(serve: Serve, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        await reader.readexactly(length)
        await serve(reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
        pass  # a client that went away, or the end of the test
    finally:
        writer.close()


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The base URL of a server that runs in this loop until the block is left."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await _handle(serve, reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def in_thread(serve: Serve) -> Iterator[str]:
    """The base URL of a server that runs in a thread of its own until the block is left."""
    ready = threading.Event()
    urls: list[str] = []
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    async def run() -> None:
        async with serving(serve) as url:
            urls.append(url)
            ready.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()
