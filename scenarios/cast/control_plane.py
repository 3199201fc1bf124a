"""The control planes of simulated applications, as stories use them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from harness.deployment import Deployment
from harness.story import StoryStoppedError


class ControlPlanes:
    """A client of the control planes that a deployment names.

    Every call raises StoryStoppedError if the application has no control plane, or if the call fails.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._client = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(60.0))

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def call(self, app: str, method: str, path: str, body: object = None) -> Any:
        """Send a request with a JSON body; returns the JSON response, None if it is empty."""
        target = self._deployment.targets.get(app)
        if target is None or target.control is None:
            raise StoryStoppedError(f"{app} gives no control plane")
        headers = {"Authorization": f"Bearer {target.control.token}"}
        try:
            response = await self._client.request(method, target.control.url + path, json=body, headers=headers)
        except httpx.HTTPError as failure:
            raise StoryStoppedError(f"the control plane does not answer {method} {path}: {failure}") from None
        if not response.is_success:
            raise StoryStoppedError(f"the control plane answers {response.status_code} to {method} {path}")
        return response.json() if response.content else None

    @asynccontextmanager
    async def fault(self, name: str, times: int | None = None, *, app: str = "tuvens-api") -> AsyncIterator[None]:
        """Arm a fault inside the block, for the first `times` requests it concerns or (None) for all."""
        await self.call(app, "PUT", f"/faults/{name}", {"times": times})
        try:
            yield
        finally:
            await self.call(app, "DELETE", f"/faults/{name}")

    @asynccontextmanager
    async def rate_limits(self, app: str, limits: Mapping[str, int]) -> AsyncIterator[None]:
        """Set limits (requests a minute, by operationId) inside the block; counting starts anew."""
        before = await self.call(app, "GET", "/rate-limits")
        await self.call(app, "PUT", "/rate-limits", dict(limits))
        try:
            yield
        finally:
            await self.call(app, "PUT", "/rate-limits", before)
