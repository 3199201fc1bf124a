"""The stage: everything that the stories of one run share."""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts.tuvens_event.wire import get_event
from harness.change_journal import ChangeJournal
from harness.chromium import Chromium
from harness.deployment import Deployment, Target
from harness.drive import Progress
from harness.history import MOVED, SHARED
from harness.places import place_lent
from harness.receiver import Receiver
from harness.recorder import Recorder
from scenarios.cast.clock import RunClock
from scenarios.cast.control_plane import ControlPlanes
from scenarios.cast.event_leases import EventLeases
from scenarios.cast.rate_limits import RateLimitTurns
from scenarios.cast.sending import Sender
from scenarios.cast.sessions import SessionPool
from scenarios.cast.states_before import StatesBefore

# Seconds after a change in which its webhook may come: the longest time-out of a delivery, and less at simulators.
_LONGEST_DELIVERY, _SOON = 30.0, 10.0
# Seconds from which on a wait is told.
_LONG = 10.0


class Stage:
    """Everything that the stories of one run share. For one event loop.

    `seed` makes random choices repeatable; `quick` shortens long stories; `patience` is how many seconds one expiry may
    be waited for; `receiver` takes hi.events' webhooks; `examples` is how many random cases a fuzzed operation gets;
    `minutes` is how long the run may take; `evidence` is a folder for screenshots; `progress` is told, as by `drive`,
    when a story waits long or sends much. `journal` gets the states of events before they are changed.
    """

    def __init__(
        self,
        deployment: Deployment,
        recorder: Recorder,
        *,
        seed: int = 0,
        quick: bool = False,
        patience: float = 0.0,
        receiver: Receiver | None = None,
        examples: int = 5,
        minutes: float = 15.0,
        evidence: Path | None = None,
        progress: Progress = lambda story, state: None,
        journal: ChangeJournal | None = None,
    ) -> None:
        self.deployment = deployment
        self.recorder = recorder
        self.seed = seed
        self.random = random.Random(seed)
        self.quick = quick
        self.patience = patience
        self.receiver = receiver
        self.examples = examples
        self.waiting: dict[str, str] = {}
        self._progress = progress
        self.control = ControlPlanes(deployment)
        self.clock = RunClock(deployment, self.control, self._note_move)
        self.rate_limits = RateLimitTurns(deployment, lambda what, seconds: self.tell("rate limits", what, seconds))
        self.sender = Sender(deployment, recorder, self.rate_limits, self.clock, self.wait)
        self.sessions = SessionPool(self.sender, self.rate_limits, self.clock)
        self.states = StatesBefore(journal, deployment, self.sender, self.sessions, recorder.redactor)
        simulated = all(each.control is not None for each in deployment.targets.values())
        self.changed: dict[str, float] = {}
        """When hi.events last changed an event, by its id, in seconds of the monotonic clock."""
        self.prompt_deliveries = asyncio.Lock()
        """Held while deliveries are made to fail, and by a story in another phase that needs prompt ones."""
        self.events = EventLeases(
            deployment,
            self._read_event,
            self.waits,
            self.states.note,
            seconds=_SOON if simulated else _LONGEST_DELIVERY,
            longest=minutes * 60,
        )
        self.chromium = Chromium(
            recorder.redactor,
            seconds=recorder.limits.seconds,
            evidence=evidence,
            any_certificate=bool(deployment.ca_file),
        )

    async def wait(self, story: str, seconds: float, what: str) -> None:
        """Let a story wait; `what` says for what."""
        with self.waits(story, seconds, what):
            await asyncio.sleep(seconds)

    @contextmanager
    def waits(self, story: str, seconds: float, what: str) -> Iterator[None]:
        """A block in which a story waits for something, at most so many seconds."""
        self.waiting[story] = self.tell(story, what, seconds)
        with place_lent():
            yield
        # Not where the story is stopped meanwhile: then it is the reason.
        self.waiting.pop(story, None)

    def tell(self, story: str, what: str, seconds: float) -> str:
        """Say for what a story waits if that takes long; returns the sentence without its subject."""
        state = f"waits {seconds:.0f} s at most: {what}"
        if seconds >= _LONG:
            self.say(story, state)
        return state

    def say(self, story: str, what: str) -> None:
        """Say what a story is about to do; `what` is the sentence without its subject."""
        self._progress(story, what)

    def _note_move(self, seconds: float) -> None:
        self.recorder.observe(MOVED, {"at": time.time(), "seconds": seconds})

    async def _read_event(self, event_id: str) -> Mapping[str, Any]:
        reply = await self.sender.send(f"{SHARED}/event settles", "browser", get_event(event_id))
        return reply.json_object() if reply.ok else {}

    def target(self, app: str) -> Target:
        """A target of the deployment. Raises StoryStoppedError if it has none for the application."""
        return self.sender.target(app)

    async def close(self) -> None:
        """Close all connections."""
        await self.chromium.close()
        await self.control.close()
        await self.recorder.close()
