"""Runs stories phase by phase: side by side, in a browser, one at a time, and last those that use up limits. Those
that mostly wait begin first and run beside the others."""

import asyncio
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from types import MappingProxyType

from harness.capabilities import remedy_for
from harness.history import History, StoryOutcome
from harness.places import Places
from harness.story import Phase, Story, StoryStoppedError
from harness.traffic_limits import TargetGoneError

Progress = Callable[[str, str], None]
ENDS = frozenset({"finished", "stopped", "crashed", "skipped"})
"""The states in which a story is over. Another one than these and `started` says what it is about to do."""


async def drive(
    stories: Sequence[Story],
    cast_for: Callable[[Story], object],
    history: History,
    *,
    skip: Callable[[Story], str | None] = lambda story: None,
    progress: Progress = lambda story, state: None,
    waiting: Mapping[str, str] = MappingProxyType({}),
    minutes: float = 15.0,
    at_once: int = 8,
    refused: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run the stories and record in the history how each ended.

    `cast_for` makes the cast of a story. `skip` is called before a story begins and returns the reason why it cannot
    run, or None. `progress` is called with (story, state), see ENDS; `waiting` has for what a story waits now. Stories
    still running after `minutes` are stopped; what they recorded stays. At most `at_once` stories run side by side,
    those that wait aside. `refused` has, by story, why a request of it was not sent, which is a fault of the story.
    """

    deadline = time.monotonic() + minutes * 60

    async def one(story: Story, places: Places | None = None) -> None:
        await _one(story, cast_for, history, skip, progress, waiting, deadline, places, refused)

    def together(phase: Phase, places: Places | None = None) -> asyncio.Future[list[None]]:
        return asyncio.gather(*(one(each, places) for each in stories if each.phase is phase))

    async def in_turn(phase: Phase) -> None:
        for each in stories:
            if each.phase is phase:
                await one(each)

    await in_turn(Phase.FIRST)
    waiters = together(Phase.WAITING)
    try:
        await together(Phase.SIDE_BY_SIDE, Places(at_once))
        await together(Phase.IN_BROWSER, Places(at_once))
        await in_turn(Phase.ONE_BY_ONE)
        await waiters
    finally:
        waiters.cancel()
        with suppress(asyncio.CancelledError):
            await waiters
    await in_turn(Phase.ALONE)
    await in_turn(Phase.LAST)


async def _one(
    story: Story,
    cast_for: Callable[[Story], object],
    history: History,
    skip: Callable[[Story], str | None],
    progress: Progress,
    waiting: Mapping[str, str],
    deadline: float,
    places: Places | None,
    refused: Mapping[str, str],
) -> None:
    lacking = [need for need in story.requires if need not in history.context.capabilities]
    kinds = history.context.kinds
    left_out = sorted(story.also - history.context.capabilities)
    if lacking:
        history.stories[story.name] = StoryOutcome(story.name, "skipped", remedy_for(lacking[0], kinds))
        progress(story.name, "skipped")
        return
    async with places.one() if places is not None else nullcontext():
        impossible = skip(story)
        if impossible is not None:
            history.stories[story.name] = StoryOutcome(story.name, "stopped", impossible)
            progress(story.name, "stopped")
            return
        progress(story.name, "started")
        clock = time.monotonic()
        # What a story leaves out is no fault of the deployment.
        ended, reason = "finished", next((remedy_for(each, kinds) for each in left_out), "")
        budget = asyncio.timeout(max(deadline - clock, 0.0))
        try:
            async with budget:
                await story.run(cast_for(story))
        except (StoryStoppedError, TargetGoneError) as stopped:
            ended, reason = "stopped", str(stopped)
        except Exception as error:
            if isinstance(error, TimeoutError) and budget.expired():
                ended, reason = "stopped", "the time of the whole run was used up (safety.minutes)"
                if story.name in waiting:
                    reason += f" while it waited: it {waiting[story.name]}"
            else:
                ended, reason = "crashed", _crash(error)
        if story.name in refused:
            ended, reason = "crashed", refused[story.name]
        seconds = round(time.monotonic() - clock, 3)
        history.stories[story.name] = StoryOutcome(story.name, ended, reason, seconds)
        progress(story.name, ended)


def _crash(error: Exception) -> str:
    where = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({where.filename.rpartition('/')[2]}, line {where.lineno})"
