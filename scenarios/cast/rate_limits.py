"""Turns within the rate limits of a deployment."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

import openapi
from harness.deployment import Deployment
from harness.pacing import Allowance, Pacer
from harness.places import place_lent

WINDOW = 61.0
"""Seconds in which the requests of a minute are sent: a server's minute may begin when a request arrives, some time
after its turn."""


class RateLimitTurns:
    """Hands out turns so that no rate limit of the deployment is exceeded.

    The limits are those of the deployment file, else those of the documents; 0 means no limit. `tell` is told for what
    is waited, and for how many seconds at most.
    """

    def __init__(
        self, deployment: Deployment, tell: Callable[[str, float], object] = lambda what, seconds: None
    ) -> None:
        self._limits = {
            operation.id: limit
            for app, target in deployment.targets.items()
            for operation in openapi.load(app, deployment.edition).operations.values()
            if (limit := operation.limit_in_force(target.rate_limits))
        }
        self.pacer = Pacer(
            {operation: Allowance(limit, WINDOW) for operation, limit in self._limits.items()}, waiting=self._waits
        )
        self._tell = tell
        self._told: dict[str, float] = {}

    def _waits(self, operation: str, seconds: float) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._told.get(operation, now):
            return  # many may wait for one turn each
        self._told[operation] = now + seconds
        self._tell(f"a turn of {operation}, which {self._limits[operation]} requests a minute may take", seconds)

    def requests_a_minute(self, operation: str) -> int | None:
        """The limit of an operation; None if it has none."""
        return self._limits.get(operation)

    async def take(self, operation: str, key: str, count: int = 1) -> None:
        """Wait until `count` requests are within the limit, and count them.

        `key` is what the limit counts by; for a limit by address it is always the same. The calls that an application
        makes on behalf of these requests are counted, too, if they count by the same user or by the shared secret.
        """
        with place_lent():
            await asyncio.gather(*(self._take(operation, key) for _ in range(count)))

    async def take_together(self, *requests: tuple[str, str]) -> None:
        """As `take`, for requests (operation, key) that are sent right after each other: their turns come at once."""
        with place_lent():
            await self.pacer.together(Counter(each for request in requests for each in self._counted(*request)))

    def give_back(self, operation: str, key: str) -> None:
        """Take back the turn of a request whose connection was refused: no server counted it."""
        for counted, by in self._counted(operation, key):
            self.pacer.give_back(counted, by)

    async def _take(self, operation: str, key: str) -> None:
        for counted, by in self._counted(operation, key):
            await self.pacer.turn(counted, by)

    def _counted(self, operation: str, key: str) -> Iterator[tuple[str, str]]:
        """The operations that count a request, each with what it counts by."""
        limit = openapi.find(operation).rate_limit
        yield operation, "address" if limit is not None and limit.key == "address" else key
        for called in map(openapi.find, openapi.find(operation).calls):
            counted_by = called.rate_limit.key if called.rate_limit is not None else ""
            if counted_by in ("user", "shared-secret"):
                yield called.id, key if counted_by == "user" else counted_by
