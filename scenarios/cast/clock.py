"""The time of a run: the machine's clock, plus the time by which the simulators' clocks were moved."""

import time
from collections import defaultdict

from contracts.times import parse_http_date
from harness.deployment import Deployment
from harness.http import Answer
from scenarios.cast.control_plane import ControlPlanes

# A Date header has whole seconds and is a moment old; a clock that is further ahead than five minutes is not merely
# inaccurate.
_LEAST_LEAD, _MOST_LEAD = 2.0, 300.0


class RunClock:
    """Reads and moves the clocks of a deployment's applications. Times are Unix seconds."""

    def __init__(self, deployment: Deployment, control: ControlPlanes) -> None:
        self._deployment = deployment
        self._control = control
        self._advanced = 0.0
        self._leads: dict[str, float] = defaultdict(float)

    def now(self) -> float:
        """The time by the simulators' clocks."""
        return time.time() + self._advanced

    async def advance(self, seconds: float) -> None:
        """Move the clocks of all simulators forward. Raises StoryStoppedError."""
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

    def note_date(self, app: str, answer: Answer | None) -> None:
        """Compare the Date header of an application's answer with `now`."""
        date = parse_http_date(answer.header("date")) if answer is not None else None
        if date is not None and _LEAST_LEAD < date - self.now() <= _MOST_LEAD:
            self._leads[app] = max(self._leads[app], date - self.now())

    def lead(self, app: str) -> float:
        """Seconds by which an application's clock is ahead of ours, by its Date headers; 0 if it is ahead by less than
        they can tell."""
        return self._leads[app]
