"""The time of a run: the machine's clock, by how much the simulators' were moved, and each server's own."""

import time
from collections.abc import Callable

from contracts.server_clocks import ServerClocks
from harness.deployment import Deployment
from harness.http import Answer
from scenarios.cast.control_plane import ControlPlanes


class RunClock:
    """Reads and moves the clocks of a deployment's applications. Times are Unix seconds."""

    def __init__(self, deployment: Deployment, control: ControlPlanes, moved: Callable[[float], object]) -> None:
        """`moved` is told by how many seconds the clocks are about to be moved."""
        self._deployment = deployment
        self._control = control
        self._moved = moved
        self._advanced = 0.0
        self._servers = ServerClocks()

    def now(self) -> float:
        """The time by this machine, and by simulators that are started with its time."""
        return time.time() + self._advanced

    def now_at(self, app: str) -> float:
        """The time by an application's own clock."""
        return self.now() + self.offset(app)

    async def advance(self, seconds: float) -> None:
        """Move the clocks of all simulators forward. Raises StoryStoppedError."""
        self._moved(seconds)
        # tuvens-api first: a delivery must not reach it from its future.
        for app in ("tuvens-api", "hi.events", "tuvens-client"):
            target = self._deployment.targets.get(app)
            if target is not None and target.control is not None:
                await self._control.call(app, "POST", "/clock/advance", {"seconds": seconds})
        self._advanced += seconds

    async def advance_to(self, moment: float) -> None:
        """Move the clocks until tuvens-api's shows `moment`; not at all if that is past. Raises StoryStoppedError."""
        await self.advance(max(moment - await self.of_tuvens_api(), 0.0))

    async def of_tuvens_api(self) -> float:
        """The simulated tuvens-api's own clock. Raises StoryStoppedError."""
        return float((await self._control.call("tuvens-api", "GET", "/clock"))["now"])

    def note_date(self, app: str, answer: Answer | None, took: float) -> None:
        """Compare the Date header of an application's answer, which has just come, with `now`. `took`: seconds since
        the request."""
        self._servers.note(app, answer, self.now(), took=took)

    def offset(self, app: str) -> float:
        """As `ServerClocks.offset`."""
        return self._servers.offset(app)
