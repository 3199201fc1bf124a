"""Known-answer servers: they answer {} after a latency, or wrongly at a rate, that the test knows."""

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from simulators.kit.server import listen, loop_factory

Answer = tuple[float, int]
"""Seconds before the answer, and its status."""


@contextmanager
def known(
    answer: Callable[[float], Answer], stall: tuple[float, float] = (0.0, 0.0), took: list[float] | None = None
) -> Iterator[str]:
    """Serve from a thread; `answer` is asked with the seconds since the first request. `stall`: at which second the
    whole server stands still, and for how long. `took` is told how many milliseconds each answer really took, for
    timers are late."""
    began = 0.0
    stalled = False

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal began, stalled
        began = began or time.perf_counter()
        since = time.perf_counter() - began
        if stall[1] and since >= stall[0] and not stalled:
            stalled = True
            time.sleep(stall[1])  # noqa: ASYNC251  # the whole server stands still, on purpose
        arrived = time.perf_counter()
        while (await receive()).get("more_body"):
            pass
        seconds, status = answer(since)
        if seconds:
            await asyncio.sleep(seconds)
        if took is not None:
            took.append((time.perf_counter() - arrived) * 1000)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    listener = listen()
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False, ws="none"))

    def serve() -> None:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(server.serve(sockets=[listener]))

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
