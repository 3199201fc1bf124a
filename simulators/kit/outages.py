"""Outages: an application that hangs, refuses everything, or does not know its routes."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import openapi
from openapi import Problem
from simulators.kit.errors import Refusal
from simulators.kit.faults import Fault, Honest, Registry, Swap, swap
from simulators.kit.messages import Request, Response
from simulators.kit.router import no_route
from simulators.kit.sending import Gone, Receive, gone
from simulators.kit.simulator import Simulator


async def hold(simulator: Simulator, receive: Receive, seconds: float | None = None) -> None:
    """Hold a request for ever, or for so many seconds. Raises Gone if the caller leaves, and Refusal (503) if the
    server stops."""
    left = asyncio.ensure_future(gone(receive))
    released: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    simulator.waiting.add(released)
    ends = None if seconds is None else time.monotonic() + seconds
    try:
        done: set[asyncio.Future[Any]] = set()
        # uvloop counts whole milliseconds, so that a wait can end early.
        while not done and (ends is None or time.monotonic() < ends):
            rest = None if ends is None else ends - time.monotonic()
            done, _ = await asyncio.wait({left, released}, timeout=rest, return_when=asyncio.FIRST_COMPLETED)
    finally:
        left.cancel()
        simulator.waiting.discard(released)
    if released.done():
        raise Refusal(503, "SERVICE_UNAVAILABLE", "the server stops")
    if left.done():
        raise Gone


def hanging(simulator: Simulator, *operations: str, after: Callable[[Request], object] | None = None) -> Sequence[Swap]:
    """Take the requests for some operations and never answer, until the caller leaves or the server stops.

    `after` is called once the request was read.
    """

    async def hang(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        honest.count()
        if after is not None:
            after(request)
        await hold(simulator, receive)
        raise Gone

    return [swap(each.serve, hang) for each in simulator.endpoints(operations)]


def refusing_media_types(form_error: Callable[[Request, Sequence[Problem]], Refusal | None]) -> Swap:
    """Answer 415 to a body of another media type. `form_error` is the part that refuses ill-formed requests."""

    def refuse(
        honest: Honest[[Request, Sequence[Problem]], Refusal | None], request: Request, problems: Sequence[Problem]
    ) -> Refusal | None:
        if any(each.pointer == "/headers/content-type" for each in problems):
            return Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "application/json is needed")
        return honest(request, problems)

    return swap(form_error, refuse)


def refusing(simulator: Simulator, *operations: str, status: int, code: str, message: str) -> Sequence[Swap]:
    """Refuse every authenticated request for some operations, before its form is checked."""

    def refuse(honest: Honest[[Request], None], request: Request) -> None:
        raise Refusal(status, code, message)

    return [swap(each.check_form, refuse) for each in simulator.endpoints(operations)]


def register_missing_routes(registry: Registry, operations: Mapping[str, str]) -> None:
    """Register faults under which one route is not registered. operations: operationIds by the name of the fault."""
    for name, operation in operations.items():
        route = openapi.load(registry.app).operations[operation]
        sentence = f"{route.method} {route.path} is not registered."
        kills = frozenset({f"routes.{operation}"})
        registry.add(Fault(name, registry.app, sentence, partial(_missing, operation), kills, area="routes"))


def _missing(operation: str, simulator: Simulator) -> Sequence[Swap]:
    return missing(simulator, operation)


def missing(simulator: Simulator, *operations: str) -> Sequence[Swap]:
    """Leave routes unregistered: 404, as for an unknown path. A preflight is answered before the router."""

    async def decide(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        raise no_route()

    left = {path for operation, path in simulator.router.paths.items() if operation not in operations}
    gone = {simulator.router.paths[each] for each in operations} - left
    others = [each for each in simulator.router.other_methods if each.path in gone]
    return [
        *(swap(each.decide, decide) for each in simulator.endpoints(operations)),
        *(swap(each.refusal, lambda honest: no_route()) for each in others),
    ]
