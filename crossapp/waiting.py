"""Waiting for applications that are just being started."""

import asyncio
import time
from collections.abc import Callable

import httpx

from harness.deployment import Deployment, Target
from harness.fronts import GATEWAY_ERRORS
from harness.transport import Transport

_PAUSE = 0.5


async def wait_for(deployment: Deployment, seconds: float, tell: Callable[[str], None]) -> None:
    """Wait until every real application of a deployment responds by itself, `seconds` at most; those that do not are
    left to the checks that follow. Reads their base URLs; `tell` is told once for which one is waited."""
    real = [each for each in deployment.targets.values() if each.kind != "simulated"]
    deadline = time.monotonic() + seconds
    async with httpx.AsyncClient(
        transport=Transport(deployment.tls, deployment.proxy),
        timeout=min(5.0, deployment.safety.seconds),
        headers={"User-Agent": "crossapp"},
    ) as client:
        await asyncio.gather(*(_wait_for(each, client, deadline, tell) for each in real))


async def _wait_for(target: Target, client: httpx.AsyncClient, deadline: float, tell: Callable[[str], None]) -> None:
    told = False
    while not await _responds(target.api_url, client):
        left = max(deadline - time.monotonic(), 0.0)
        if not told:
            tell(f"waiting {left:.0f} s at most until {target.app} responds at {target.api_url}")
            told = True
        if not left:
            return
        await asyncio.sleep(min(_PAUSE, left))


async def _responds(url: str, client: httpx.AsyncClient) -> bool:
    """Whether something but a gateway's error comes back."""
    try:
        async with client.stream("GET", url) as response:
            return response.status_code not in GATEWAY_ERRORS
    except httpx.HTTPError:
        return False
