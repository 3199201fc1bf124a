"""Serving simulators: on an event loop that is there, or in a thread of their own."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from harness.http_protocol import HttpProtocol
from simulators.kit.errors import StartError

GRACE = 1


class Server(uvicorn.Server):
    """A uvicorn server that ends open streams before it waits for connections to close."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop serving."""
        interrupt = getattr(self.config.app, "interrupt", None)
        if interrupt is not None:
            interrupt()
        await super().shutdown(sockets)


def listen(port: int = 0, host: str = "127.0.0.1", *, shared: bool = False) -> socket.socket:
    """A listening socket; port 0 takes a free one. `shared`: other processes may listen on the same port so, and the
    system deals connections out among them. Raises StartError where the port is taken."""
    # With the protocol named, or asyncio leaves Nagle's algorithm on: an answer in two pieces would wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise StartError(f"port {port} on {host} is not free ({error.strerror}); choose another one") from None
    listener.setblocking(False)
    return listener


def server(app: Any) -> Server:
    """A server for one application with the settings that all simulators run with; not started.

    Run it with `await server.serve(sockets=[listen(port)])`. The Date header is the simulator's own.
    """
    return Server(
        uvicorn.Config(
            app,
            http=HttpProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=30,
        )
    )


@contextmanager
def serving(*apps: Any) -> Iterator[list[str]]:
    """Serve applications on free ports from one background thread and event loop (uvloop where there is one).

    Yields their base URLs in order, once all take requests. Raises StartError where one does not start.
    """
    listeners = [listen() for _ in apps]
    servers = [server(app) for app in apps]
    ended: list[BaseException] = []

    async def run() -> None:
        await asyncio.gather(
            *(each.serve(sockets=[listener]) for each, listener in zip(servers, listeners, strict=True))
        )

    def main() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(run())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=main, name="crossapp-simulators", daemon=True)
    thread.start()
    try:
        while not all(each.started for each in servers):
            if not thread.is_alive():
                raise StartError(f"a simulator did not start: {ended[0] if ended else 'see the log'}")
            thread.join(0.002)
        yield [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    finally:
        for each in servers:
            each.should_exit = True
        thread.join(10)
        for listener in listeners:
            listener.close()


def loop_factory() -> Any:
    """The factory of event loops to run simulators on: uvloop's where it is installed, else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
