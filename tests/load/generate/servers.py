"""Known-answer servers: they answer {} after a latency, or wrongly at a rate, that the test knows."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.loop import loop_factory
from harness.server import Server, listen
from load.generate.locust_process.disturbance import RunQueue

Answer = tuple[float, int]
"""Seconds before the answer, and its status."""


@dataclass
class Told:
    """What a server says of itself, for timers are late and processors busy: when requests came and went (seconds of
    the steady clock, which all processes share), how many answers were wrong, for how many milliseconds its thread was
    kept from a processor."""

    came: list[float] = field(default_factory=list)
    went: list[float] = field(default_factory=list)
    wrong: int = 0
    waited: float = 0.0

    @property
    def took(self) -> list[float]:
        """Milliseconds from the request to the answer."""
        return [(went - came) * 1000 for came, went in zip(self.came, self.went, strict=True)]


@contextmanager
def known(
    answer: Callable[[float], Answer], stall: tuple[float, float] = (0.0, 0.0), told: Told | None = None
) -> Iterator[str]:
    """Serve from a thread; `answer` is asked with the seconds since the first request. `stall`: at which second the
    whole server stands still, and for how long."""
    began = 0.0
    stalled = False
    heard = told if told is not None else Told()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal began, stalled
        arrived = time.perf_counter()
        began = began or arrived
        since = arrived - began
        if stall[1] and since >= stall[0] and not stalled:
            stalled = True
            time.sleep(stall[1])  # noqa: ASYNC251  # the whole server stands still, on purpose
        while (await receive()).get("more_body"):
            pass
        seconds, status = answer(since)
        if seconds:
            await asyncio.sleep(seconds)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})
        heard.came.append(arrived)
        heard.went.append(time.perf_counter())
        heard.wrong += status != 200

    listener = listen()
    server = Server(app)

    def serve() -> None:
        queue = RunQueue()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))
        heard.waited = queue.waited()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def fixed(milliseconds: float) -> Callable[[float], Answer]:
    """Always the same."""
    return lambda since: (milliseconds / 1000, 200)


def bimodal(fast: float, slow: float, share: float, seed: int) -> Callable[[float], Answer]:
    """Milliseconds, and how often it is the slow one."""
    chance = random.Random(seed)
    return lambda since: ((slow if chance.random() < share else fast) / 1000, 200)


def failing(share: float, seed: int) -> Callable[[float], Answer]:
    """At once, and so often with 500."""
    chance = random.Random(seed)
    return lambda since: (0.0, 500 if chance.random() < share else 200)
