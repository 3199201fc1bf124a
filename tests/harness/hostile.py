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
from dataclasses import dataclass
from urllib.parse import urlsplit

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


@dataclass(frozen=True, slots=True)
class Behind:
    """An honest application behind a hostile server, which is so only at one path. `url`: its base URL."""

    url: str
    path: str

    async def passes(self, request: bytes, writer: asyncio.StreamWriter) -> bool:
        """Pass a request on and its response back, unless it is to the path; whether it was."""
        line, _, rest = request.partition(b"\r\n")
        if line.split(b" ")[1].partition(b"?")[0] == self.path.encode():
            return False
        address = urlsplit(self.url)
        reader, there = await asyncio.open_connection(address.hostname, address.port)
        try:
            there.write(line + b"\r\nConnection: close\r\n" + rest)
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        finally:
            there.close()
        return True


async def _handle(
    serve: Serve, behind: Behind | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
        )
        body = await reader.readexactly(length)
        if behind is None or not await behind.passes(head + body, writer):
            await serve(reader, writer)
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
        pass  # a client that went away, or the end of the test
    finally:
        writer.close()


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None, behind: Behind | None = None) -> AsyncIterator[str]:
    """The base URL of a server that runs in this loop until the block is left."""
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await _handle(serve, behind, reader, writer)

    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextmanager
def in_thread(serve: Serve, behind: Behind | None = None) -> Iterator[str]:
    """The base URL of a server that runs in a thread of its own until the block is left."""
    ready = threading.Event()
    urls: list[str] = []
    loop = asyncio.new_event_loop()
    end = asyncio.Event()

    async def run() -> None:
        async with serving(serve, behind=behind) as url:
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


def _json(text: bytes, headers: bytes = b"") -> Serve:
    return answering(text, headers=headers)


def _head(*lines: bytes) -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", b"Content-Type: application/json", *lines, b"", b""))


def _gzip(times: int, content: bytes = b"{}") -> bytes:
    for _ in range(times):
        content = gzip.compress(content)
    return content


def _then(head: bytes, chunk: bytes, pause: float = 0.0) -> Serve:
    """A server that writes a head, then a chunk again and again."""

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(pause)

    return serve


async def _resets(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Resets the connection within the body."""
    writer.write(_head(b"Content-Length: 1000") + b"{")
    await writer.drain()
    writer.transport.abort()


async def _late(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers just before the time is over."""
    await asyncio.sleep(0.4)
    writer.write(_head(b"Content-Length: 2") + b"{}")


_HTML = b"<script>alert(1)</script>\x1b[2J\x00\x1b]0;x\x07]]>|*_`<img src=x onerror=alert(1)>"
_LONG = 200_000

HOSTILE: dict[str, Serve] = {
    "endless chunks": _then(_head(b"Transfer-Encoding: chunked"), b"4\r\nxxxx\r\n"),
    "body by drips": _then(_head(b"Content-Length: 1000000000"), b"x", 0.02),
    "headers by drips": _then(b"HTTP/1.1 200 OK\r\nX-A: ", b"x", 0.02),
    "broken chunks": raw(_head(b"Transfer-Encoding: chunked") + b"zz\r\n{}\r\n"),
    "gzip bomb": answering(gzip.compress(bytes(20_000_000)), headers=b"Content-Encoding: gzip\r\n"),
    "20,000 gzip members": answering(gzip.compress(b"") * 20_000, headers=b"Content-Encoding: gzip\r\n"),
    "endless cookies": _then(b"HTTP/1.1 200 OK\r\n", b"Set-Cookie: a=b\r\n"),
    "endless 100 Continue": endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "1 MB header": raw(b"HTTP/1.1 200 OK\r\nX-A: " + b"x" * 1_000_000 + b"\r\n\r\n"),
    "reset within the body": _resets,
    "hangs up": hangs_up,
    "half a body": raw(_head(b"Content-Length: 1000") + b"{"),
    "HTTP/0.9": raw(b"{}"),
    "101 Switching Protocols": raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
    "two lengths": raw(_head(b"Content-Length: 2", b"Content-Length: 3") + b"{}x"),
    "negative length": raw(_head(b"Content-Length: -1") + b"{}"),
    "length and chunks": raw(_head(b"Content-Length: 2", b"Transfer-Encoding: chunked") + b"2\r\n{}\r\n0\r\n\r\n"),
    "TLS on a plain port": raw(b"\x15\x03\x01\x00\x02\x02\x46"),
    "endless event stream": stream(then=endless(b"data: x\n\n" * 1000)),
    "silent": silent,
    "dripping": dripping,
    "huge": huge,
    "just in time": _late,
    "nonsense": raw(b"\x00\xff nonsense\r\n\r\n"),
    "two answers": raw(_head(b"Content-Length: 2") + b"{}" + _head(b"Content-Length: 2") + b"[]"),
    "status 999": raw(b"HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n"),
    "status 99": raw(b"HTTP/1.1 99 Odd\r\nContent-Length: 0\r\n\r\n"),
    "header without a name": raw(b"HTTP/1.1 200 OK\r\n: x\r\nContent-Length: 0\r\n\r\n"),
    "header with NUL": raw(b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n"),
    "invalid UTF-8": _json(b'{"id": "\xff\xfe"}'),
    "brotli that was not asked for": _json(b"\x0b\x01\x80{}\x03", b"Content-Encoding: br\r\n"),
    "gzip twice": _json(_gzip(2), b"Content-Encoding: gzip, gzip\r\n"),
    "gzip that is none": _json(b"{}", b"Content-Encoding: gzip\r\n"),
    "gzip that is cut off": _json(_gzip(1, b"x" * 1000)[:-12], b"Content-Encoding: gzip\r\n"),
    "unknown charset": answering(b"{}", kind="application/json; charset=x-nonsense"),
    "list 400,000 deep": _json(b"[" * 400_000 + b"]" * 400_000),
    "objects 100,000 deep": _json(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "100,000 digits": _json(b'{"id": ' + b"9" * 100_000 + b"}"),
    "infinite number": _json(b'{"id": 1e99999}'),
    "lone surrogate": _json(b'{"id": "\\ud800"}'),
    "one key twice": _json(b'{"id": 1, "id": 2}'),
    "2,500 cookies": _json(b"{}", b"Set-Cookie: a=0123456789\r\n" * 2_500),
    "script and escapes": _json(
        b'{"message": "' + _HTML.replace(b"\x1b", b"\\u001b").replace(b"\x00", b"\\u0000") + b'"}'
    ),
    "escapes in a header": _json(b"{}", b"X-A: \x1b[2J<script>\r\n"),
    "nearly a JWT": _json(b'"-eyJ' + b"a" * _LONG + b'"'),
    "many nearly JWTs": _json(b'"' + b"-eyJa" * (_LONG // 5) + b'"'),
    "names of tokens": _json(b'"' + b"token" * (_LONG // 5) + b'"'),
    "open quotes": _json(b'{"token":"' * (_LONG // 10)),
    "2 MB": _json(b'"' + b"x" * 2_000_000 + b'"'),
    "429 for ever": answering(status="429 Too Many Requests", headers=b"Retry-After: 999999\r\n"),
    "redirect to itself": answering(status="307 Temporary Redirect", headers=b"Location: /\r\n"),
    "204 with a body": raw(b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}"),
    "bad date": _json(b"{}", b"Date: Thu, 99 Zzz 99999 99:99:99 GMT\r\n"),
    "HTTP/2 preface": raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
}
"""What servers do that nobody would want to meet, by name. Those that answer at all can be recorded."""
