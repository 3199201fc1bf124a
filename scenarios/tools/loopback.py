"""Serving an ASGI application on 127.0.0.1 in the running event loop, with requests as they were sent."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from harness.http import Headers
from harness.http_protocol import HttpProtocol
from harness.server import Server

App = Callable[[Any, Any, Any], Awaitable[None]]


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


@asynccontextmanager
async def served(app: App, listener: socket.socket, leaving: Callable[[], None]) -> AsyncIterator[str]:
    """Serve inside the block; yields the base URL. At its end `leaving` is called, and open connections are cut after a
    second. Raises ServeError."""
    server = Server(app, http=_AsSent, log_level="critical")
    serving = await server.start(listener)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        leaving()
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        listener.close()
