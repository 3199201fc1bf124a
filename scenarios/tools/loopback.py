"""Serving an ASGI application on 127.0.0.1 in the running event loop, with requests as they were sent."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from harness.http import Headers
from harness.http_protocol import HttpProtocol

App = Callable[[Any, Any, Any], Awaitable[None]]
_GRACE = 1


class PortTakenError(Exception):
    """A port that is not free; the text names it."""


class _AsSent(HttpProtocol):
    """Keeps what ASGI drops: the case of header names (`sent.names`) and the request target (`sent.target`)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["sent.names"] = []  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.scope["sent.names"].append(name)  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self.scope["sent.target"] = self.url  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()


def headers_as_sent(scope: Any) -> Headers:
    """The headers of a request, their names in the client's spelling."""
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, (_, value) in zip(scope["sent.names"], scope["headers"], strict=True)
    )


def target_as_sent(scope: Any) -> str:
    """The request target in the client's spelling."""
    target: bytes = scope["sent.target"]
    return target.decode("latin-1")


def listen(port: int = 0) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one. Raises PortTakenError."""
    # asyncio sets TCP_NODELAY only if the protocol is named; without it a response takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise PortTakenError(f"port {port} on 127.0.0.1 is not free ({error.strerror}); choose another one") from None
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def served(app: App, listener: socket.socket, leaving: Callable[[], None]) -> AsyncIterator[str]:
    """Serve inside the block; yields the base URL. At its end `leaving` is called, and open connections are cut after a
    second."""
    config = uvicorn.Config(
        app,
        http=_AsSent,
        ws="none",
        lifespan="off",
        log_level="critical",
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = uvicorn.Server(config)
    # The server is stopped by leaving the block, not by signal handlers of its own.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.002)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        leaving()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()
