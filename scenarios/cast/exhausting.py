"""Using up a rate limit: only one that can be used up within its minute, with progress that can be watched."""

import asyncio
from collections.abc import Awaitable, Callable

from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply

AT_ONCE = 8
WINDOW = 55.0
"""Seconds within which a limit of a minute must be used up."""
_MEASURED = 10.0
_MANY = 200
_TOLD_EVERY = 5.0

Ask = Callable[[str], Awaitable[Reply]]


def most_requests(limit: int) -> int:
    """How many requests show that a limit is not kept: a few more than twice the limit, since a window may end
    meanwhile."""
    return 2 * limit + 10


def why_not(limit: int, up_to: int) -> str:
    """Why a limit, in requests a minute, is not used up; empty if it is."""
    return f"{limit} requests a minute are more than safety.exhaust_up_to = {up_to}" if limit > up_to else ""


async def until_limited(cast: Cast, operation: str, limit: int, ask: Ask) -> None:
    """Ask until a 429 comes, at most `most_requests`; not if the limit is above what the deployment file allows, and no
    longer when the answers come too slowly to reach it within its minute. Records `limit`, and why it was not tried."""
    reason = why_not(limit, cast.deployment.safety.exhaust_up_to)
    cast.observe(f"{operation}/limit", {"limit": limit, "not tried": reason})
    if reason:
        cast.says(f"does not use up {operation}: {reason}")
        return
    most = most_requests(limit)
    if limit >= _MANY:
        cast.says(f"uses up {operation}: {limit} requests a minute, {most} requests at most")
    loop = asyncio.get_running_loop()
    begun = told = loop.time()
    sent, limited = 0, False
    while sent < most and not limited:
        batch = min(AT_ONCE, most - sent)
        replies = await asyncio.gather(*(ask(f"{operation}/asked") for _ in range(batch)))
        sent += batch
        limited = any(each.status == 429 for each in replies)
        passed = loop.time() - begun
        if not limited and passed > _MEASURED and passed * limit > WINDOW * sent:
            cast.says(f"gives {operation} up: {sent} requests took {passed:.0f} s, too slow to reach {limit} a minute")
            return
        if loop.time() - told >= _TOLD_EVERY:
            told = loop.time()
            cast.says(f"uses up {operation}: {sent} of {most} requests at most")
