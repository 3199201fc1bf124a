"""Simulators that serve in a thread while tests call them."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from harness.loop import loop_factory
from harness.server import Server, listen
from simulators.launch import Launched, LaunchOptions
from simulators.people import find_person
from simulators.tuvens_api.jwts import mint_jwt


class Outside:
    """Launched simulators, seen from outside. `app` is the one that is meant unless another is named."""

    app: str

    def __init__(self, built: Launched) -> None:
        self.built = built
        self.client = httpx.Client(trust_env=False, verify=False, timeout=20)

    def reset(self) -> None:
        """All simulators back to the seed, honest, at the real time."""
        for app in self.built.urls:
            self.control("DELETE", "/faults", app=app)
            self.control("POST", "/reset", app=app)
            self.control("PUT", "/clock", {"now": time.time(), "running": True}, app=app)

    def control(self, method: str, path: str, body: object = None, *, app: str = "") -> Any:
        """Ask a control plane; its JSON."""
        app = app or self.app
        headers = {"Authorization": f"Bearer {self.built.control_tokens[app]}"}
        answer = self.client.request(method, f"{self.built.urls[app]}/__crossapp__{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def arm(self, fault: str, *, app: str = "", times: int | None = None) -> None:
        """Be wrong in this way until the next reset, or `times` times."""
        self.control("PUT", f"/faults/{fault}", {"times": times}, app=app)

    def jwt(self, user: str = "organiser") -> str:
        """A JWT of a user, by id, email or role."""
        return mint_jwt(self.built.jwt_secret, find_person(self.built.options.seed, user).user, time.time())


@contextmanager
def launched(
    options: LaunchOptions | None = None, *, wrapped: Callable[[str, Any], Any] = lambda app, served: served
) -> Iterator[Launched]:
    """Simulators with these options; `wrapped` gives what is served in place of each ASGI application."""
    built = Launched(options or LaunchOptions())
    for app, simulator in built.simulators.items():
        simulator.app = wrapped(app, simulator.app)
    with _in_a_thread(built.serve):
        yield built


@contextmanager
def serving(*apps: Any) -> Iterator[list[str]]:
    """Applications on free ports; yields their base URLs in order."""
    listeners = [listen() for _ in apps]

    async def serve(ready: Callable[[], None], until: Callable[[], Awaitable[object]]) -> None:
        servers = [Server(app, lifespan="on") for app in apps]
        tasks = [await each.start(listener) for each, listener in zip(servers, listeners, strict=True)]
        ready()
        await until()
        for each in servers:
            each.should_exit = True
        await asyncio.gather(*tasks)

    with _in_a_thread(serve):
        yield [f"http://127.0.0.1:{listener.getsockname()[1]}" for listener in listeners]
    for listener in listeners:
        listener.close()


@contextmanager
def _in_a_thread(
    serve: Callable[[Callable[[], None], Callable[[], Awaitable[object]]], Awaitable[None]],
) -> Iterator[None]:
    """`serve` runs until the block is left. What it raises before it is ready is raised here."""
    ready = threading.Event()
    stop: list[Callable[[], object]] = []
    ended: list[BaseException] = []

    async def run() -> None:
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(over.set))
        await serve(ready.set, over.wait)

    def main() -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(run())
        except BaseException as error:
            ended.append(error)
        finally:
            ready.set()

    thread = threading.Thread(target=main, daemon=True)
    thread.start()
    ready.wait()
    if ended:
        raise ended[0]
    try:
        yield
    finally:
        stop[0]()
        thread.join(10)
