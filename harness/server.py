"""Serving ASGI applications on this machine with uvicorn, in the running event loop."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn

from harness.http_protocol import HttpProtocol


class ServeError(Exception):
    """A server that cannot start: the text names the port, or says why."""


class Server(uvicorn.Server):
    """A uvicorn server for one application; `settings` are further ones of uvicorn. It handles no signals, and calls
    `interrupt` of the application, if it has one, before it stops.

    The Date header is left to the application.
    """

    def __init__(self, app: Any, **settings: Any) -> None:
        usual: dict[str, Any] = {
            "http": HttpProtocol,
            "ws": "none",
            "lifespan": "off",
            "log_level": "warning",
            "access_log": False,
            "date_header": False,
            "server_header": False,
            "proxy_headers": False,
            "timeout_graceful_shutdown": 1,
        }
        super().__init__(uvicorn.Config(app, **{**usual, **settings}))

    async def start(self, listener: socket.socket) -> asyncio.Task[None]:
        """Begin to serve; returns the task once requests are taken. Set `should_exit` to end it. Raises ServeError."""
        serving = asyncio.create_task(self.serve(sockets=[listener]))
        while not self.started:
            if serving.done():
                error = serving.exception()
                raise ServeError(f"did not start{f': {error}' if error else '; see what it logged'}")
            await asyncio.sleep(0.002)
        return serving

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        interrupt = getattr(self.config.app, "interrupt", None)
        if interrupt is not None:
            interrupt()
        await super().shutdown(sockets)


def listen(port: int = 0, host: str = "127.0.0.1", *, shared: bool = False) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises ServeError if the port is taken.

    host: an IPv4 address of this machine. shared: other processes may listen on the same port; the system distributes
    connections among them.
    """
    # asyncio sets TCP_NODELAY only if the protocol is named; without it a response in two pieces takes 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise ServeError(f"port {port} on {host} is not free ({error.strerror}); choose another one") from None
    listener.setblocking(False)
    return listener
