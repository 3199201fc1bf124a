"""Hypothesis draws sequences of calls, both deployments get them, and the first divergence is shrunk."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import hypothesis
from hypothesis import strategies as st

import openapi
from harness.curl import curl
from harness.deployment import ROLES, Deployment
from harness.story import StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.sending import Reply
from scenarios.tools.lockstep.calls import TUVENS_EVENTS, LockstepCall, SetStatus, calls, described, tour
from scenarios.tools.lockstep.compare import Difference, Learned, Seen, closed_fields, differences, seen
from scenarios.tools.lockstep.side import Side

_MOST_EVENTS, _MOST_LINKED = 2, 2
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Divergence:
    """The sides answered a call differently: the sequence up to it, the difference, and curl commands of the last
    call."""

    sequence: tuple[str, ...]
    difference: Difference
    left_curl: str
    right_curl: str


@dataclass
class LockstepResult:
    """The result of an exploration. `undecided` sequences could not be compared, the first one for `reason`; `flaky`
    describes a divergence that did not happen again."""

    sequences: int = 0
    answers: int = 0
    undecided: int = 0
    reason: str = ""
    divergence: Divergence | None = None
    flaky: str = ""
    skipped: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Bounds:
    """How much is drawn: at most `sequences` of at most `steps` calls, within `minutes`."""

    sequences: int = 100
    steps: int = 10
    minutes: float = 5.0
    seed: int = 0


class _UndecidedError(Exception):
    """A sequence that could not be compared to its end."""


class _DivergedError(Exception):
    def __init__(self, found: Divergence) -> None:
        super().__init__(found.difference.at)
        self.found = found


@dataclass(frozen=True)
class _Compared:
    """The answers of both sides to one step of a sequence, and their differences."""

    step: int
    left: Reply
    right: Reply
    left_seen: Seen
    right_seen: Seen
    different: tuple[Difference, ...]


class Lockstep:
    """Two sides that get the same calls. For one event loop; `explore` draws in another thread."""

    def __init__(self, left: Side, right: Side, *, strict: bool) -> None:
        self.left, self.right = left, right
        documents = [openapi.load(app) for app in ("tuvens-api", "hi.events")]
        self.learned = Learned(strict=strict, closed=closed_fields(*documents))
        self.result = LockstepResult()
        both = (left.cast.deployment, right.cast.deployment)
        self.roles = tuple(role for role in ROLES if role != "user" and all(each.user(role) for each in both))
        self.events = min(len(left.events), len(right.events), _MOST_EVENTS) if _may_change(*both) else 0
        self.linked = min(len(left.linked), len(right.linked), _MOST_LINKED) if _may_change(*both) else 0
        self.foreign_event = all(each.foreign_event for each in both)
        self._known: dict[str, Divergence | None] = {}
        self._deadline = float("inf")

    async def learn(self) -> Divergence | None:
        """Play the tour twice to learn what is volatile; returns a divergence if there is one already.

        Raises StoryStoppedError if the tour cannot be played.
        """
        sequences = tour(self.roles, self.events, self.linked)
        try:
            for sequence in sequences:
                # Unused: the first call may switch something on for good, such as ticketing.
                await self._compare(sequence)
            for sequence in sequences:
                found = await self._play(sequence, at_first_sight=True)
                if found is not None:
                    return found
        except _UndecidedError as undecided:
            raise StoryStoppedError(f"the tour of both deployments cannot be played: {undecided}") from None
        return None

    async def explore(self, bounds: Bounds, progress: Progress = lambda _: None) -> LockstepResult:
        """Draw and play sequences until one diverges, or the bounds are reached."""
        self._deadline = time.monotonic() + bounds.minutes * 60
        loop = asyncio.get_running_loop()

        def play(sequence: list[LockstepCall]) -> None:
            asyncio.run_coroutine_threadsafe(self._drawn(sequence, progress), loop).result()

        found = await asyncio.to_thread(_search, play, self._drawing(bounds.steps), bounds)
        if found is not None:
            await self._confirm(found)
        return self.result

    def _drawing(self, steps: int) -> st.SearchStrategy[list[LockstepCall]]:
        drawn = calls(self.roles, self.events, self.linked, foreign_event=self.foreign_event)
        return st.lists(drawn, min_size=1, max_size=steps)

    async def _drawn(self, sequence: list[LockstepCall], progress: Progress) -> None:
        name = repr(sequence)
        if name not in self._known:
            # Past the deadline only known sequences are decided, so that shrinking ends.
            if time.monotonic() > self._deadline:
                return
            self.result.sequences += 1
            progress(f"{self.result.sequences} sequences, {self.result.answers} answers compared")
            try:
                self._known[name] = await self._play(sequence)
            except (_UndecidedError, StoryStoppedError, TargetGoneError) as undecided:
                self.result.undecided += 1
                self.result.reason = self.result.reason or str(undecided)
                self._known[name] = None
        found = self._known[name]
        if found is not None:
            self._last = (sequence, found)
            raise _DivergedError(found)

    async def _confirm(self, found: Divergence) -> None:
        sequence, _ = self._last
        try:
            again = await self._play(sequence)
        except (_UndecidedError, StoryStoppedError, TargetGoneError) as undecided:
            self.result.flaky = f"it could not be played again: {undecided}"
            return
        if again is None:
            self.result.flaky = f"{found.difference.at} differed once, and not again: {'; '.join(found.sequence)}"
        else:
            self.result.divergence = again

    async def _play(self, sequence: Sequence[LockstepCall], *, at_first_sight: bool = False) -> Divergence | None:
        played = await self._compare(sequence)
        unexplained = [each for each in played if any(not self.learned.explains(one) for one in each.different)]
        if unexplained:
            again = await self._compare(sequence)
            self._learn_volatile(played, again)
            for each in played:
                for one in each.different:
                    if not self.learned.explains(one) and not self.learned.take(one, at_first_sight=at_first_sight):
                        return _divergence(sequence, each, one)
        for each in played:
            if each.left_seen.status == each.right_seen.status:
                self.learned.same(each.left_seen, each.right_seen)
        return None

    async def _compare(self, sequence: Sequence[LockstepCall]) -> list[_Compared]:
        """Send a sequence to both sides. Raises _UndecidedError and StoryStoppedError."""
        events = sorted({each.event for each in sequence if isinstance(each, TUVENS_EVENTS) and each.event is not None})
        linked = sorted({each.event for each in sequence if isinstance(each, SetStatus)})
        await asyncio.gather(*(side.begin(events, linked) for side in (self.left, self.right)))
        compared = []
        for number, step in enumerate(sequence):
            lefts, rights = await asyncio.gather(step.play(self.left), step.play(self.right))
            for left, right in zip(lefts, rights, strict=True):
                compared.append(self._compared(number, left, right))
                self.result.answers += 1
                if compared[-1].left_seen.status != compared[-1].right_seen.status:
                    # After different statuses the sides are in different states.
                    return compared
        return compared

    def _compared(self, step: int, left: Reply, right: Reply) -> _Compared:
        found = []
        for name, side, reply in (("left", self.left, left), ("right", self.right, right)):
            one = seen(reply.exchange.operation, reply, side.addresses)
            if one is None:
                what = reply.exchange.error or "429: a limit was reached"
                raise _UndecidedError(f"{reply.exchange.operation} at the {name}: {what}")
            found.append(one)
        return _Compared(step, left, right, found[0], found[1], tuple(differences(*found)))

    def _learn_volatile(self, first: Sequence[_Compared], second: Sequence[_Compared]) -> None:
        for one, again in zip(first, second, strict=False):
            for before, after in ((one.left_seen, again.left_seen), (one.right_seen, again.right_seen)):
                if before.status == after.status and before.operation == after.operation:
                    for each in differences(before, after):
                        self.learned.learn_volatile(each)


def _search(
    play: Callable[[list[LockstepCall]], None], drawing: st.SearchStrategy[list[LockstepCall]], bounds: Bounds
) -> Divergence | None:
    @hypothesis.seed(bounds.seed)
    @hypothesis.settings(
        max_examples=bounds.sequences,
        deadline=None,
        database=None,
        phases=(hypothesis.Phase.generate, hypothesis.Phase.shrink),
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(drawing)
    def sequences(sequence: list[LockstepCall]) -> None:
        play(sequence)

    try:
        sequences()
    except _DivergedError as diverged:
        return diverged.found
    return None


def _divergence(sequence: Sequence[LockstepCall], at: _Compared, difference: Difference) -> Divergence:
    steps = tuple(described(each) for each in sequence[: at.step + 1])
    return Divergence(steps, difference, curl(at.left.exchange), curl(at.right.exchange))


def _may_change(*deployments: Deployment) -> bool:
    return all(each.safety.change_events for each in deployments)
