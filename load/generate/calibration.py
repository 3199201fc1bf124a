"""The generator's own share of latencies: the same generator against an empty ASGI server."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from harness.server import Server, listen
from load.generate.generator_log import GeneratorLog
from load.generate.samples import Result
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.measures import EMPTY


async def empty(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that reads the request and answers {}."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}"})


def page(frame: str = "") -> Callable[[Any, Any, Any], Any]:
    """An ASGI application that serves an empty page, or one with nothing but an iframe of the URL `frame`."""
    inside = f'<iframe title="empty" src="{frame}"></iframe>' if frame else ""
    body = f'<!doctype html><html lang="en"><title>Empty</title>{inside}</html>'.encode()

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


@contextmanager
def empty_server(application: Callable[[Any, Any, Any], Any] = empty) -> Iterator[str]:
    """Serve an application in a thread on a free port of 127.0.0.1 inside the block; yields its URL."""
    listener = listen()
    server = Server(application)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join(5)
        listener.close()


def schedule(rate: float, seconds: float, seed: int) -> Schedule:
    """A short schedule at the rate of the run."""
    return Schedule(steady(rate, seconds, min(1.0, seconds / 3)), ArrivalModel.POISSON, seed, {EMPTY: 1.0})


def floor_of(log: GeneratorLog, windows: tuple[tuple[float, float], ...]) -> Mapping[str, float]:
    """Latencies and start lags of the measured requests in milliseconds; empty if none was answered."""
    measured = [
        each
        for each in log.samples
        if each.result is Result.OK and any(start <= each.at < end for start, end in windows)
    ]
    if not measured:
        return {}
    latencies = sorted(each.latency for each in measured)
    lags = sorted(each.latency - each.service for each in measured)
    return {
        "requests": float(len(measured)),
        "latency p50": _at(latencies, 0.5),
        "latency p95": _at(latencies, 0.95),
        "latency p99": _at(latencies, 0.99),
        "start lag p95": _at(lags, 0.95),
    }


def _at(ordered: list[float], q: float) -> float:
    return round(ordered[min(int(q * len(ordered)), len(ordered) - 1)], 3)
