"""Serving an ASGI application on loopback in the running event loop, with requests as they were sent."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

App = Callable[[Any, Any, Any], Awaitable[None]]
_GRACE = 1


class PortTakenError(Exception):
    """A port that cannot be listened on; the text names it."""


class _AsSent(HttpToolsProtocol):
    """Keeps what ASGI has no place for: header names in their case (`sent.names`), the whole target (`sent.target`)."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["sent.names"] = []  # type: ignore[typeddict-unknown-key]

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self.scope["sent.names"].append(name)  # type: ignore[typeddict-item]

    def on_headers_complete(self) -> None:
        self.scope["sent.target"] = self.url  # type: ignore[typeddict-unknown-key]
        super().on_headers_complete()


def listen(port: int = 0) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one. Raises PortTakenError."""
    # asyncio turns off the delaying of small packets only where the protocol is named: 40 ms an answer.
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
    """Serve until the block is left; yields the base URL. `leaving` is called before open connections are waited for,
    which are cut after a second."""
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
    # Who stops the server is decided by whoever left the block, not by a handler of the server's.
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
