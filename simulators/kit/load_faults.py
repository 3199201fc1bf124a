"""Load faults: slow responses and failures that only many requests or a clock show."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any

from simulators.kit.errors import Refusal
from simulators.kit.faults import Honest, Swap, swap
from simulators.kit.messages import Request, Response
from simulators.kit.sending import Receive
from simulators.kit.simulator import Simulator


def delayed(
    simulator: Simulator, *operations: str, seconds: float, every: int = 1, in_database: bool = False
) -> Sequence[Swap]:
    """Delay the requests for some operations (none named: for all), or one in `every`, by `seconds`.

    `in_database`: the delay counts as time of the database.
    """
    count = itertools.count(1)

    async def delay(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        if next(count) % every == 0:
            honest.count()
            if in_database:
                request.database_seconds += seconds
            await asyncio.sleep(seconds)
        response: Response = await honest(request, receive)
        return response

    return _decisions(simulator, operations, delay)


def failing(simulator: Simulator, *operations: str, every: int, status: int, code: str) -> Sequence[Swap]:
    """Refuse one in `every` requests for some operations."""
    count = itertools.count(1)

    async def fail(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        if next(count) % every == 0:
            raise Refusal(status, code, "the request could not be served")
        response: Response = await honest(request, receive)
        return response

    return _decisions(simulator, operations, fail)


def pooled(simulator: Simulator, *operations: str, size: int, seconds: float, status: int, code: str) -> Sequence[Swap]:
    """Serve at most `size` requests for some operations at a time, each for `seconds` and more, and refuse others."""
    under_way = 0

    async def pool(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        nonlocal under_way
        if under_way >= size:
            raise Refusal(status, code, "the request could not be served")
        under_way += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            under_way -= 1
        response: Response = await honest(request, receive)
        return response

    return _decisions(simulator, operations, pool)


def _decisions(simulator: Simulator, operations: Sequence[str], replacement: Any) -> Sequence[Swap]:
    return [swap(each.serve, replacement) for each in simulator.endpoints(operations or simulator.router.endpoints)]
