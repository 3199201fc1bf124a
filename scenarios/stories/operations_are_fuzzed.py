"""Every operation is fuzzed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import openapi
from contracts.every_operation.rules_fuzzing import fuzzed
from contracts.every_operation.rules_routes import STORY as PROBE
from harness.effects import Effect
from harness.history import NothingObservedError, Outcome
from harness.http import WireError
from harness.story import Phase, StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import Cast
from scenarios.catalogue import story
from scenarios.tools.fuzzing.campaign import Campaign


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE, Effect.FUZZ},
    phase=Phase.ONE_BY_ONE,
    needs=("extra:fuzz",),
)
async def operations_are_fuzzed(cast: Cast) -> None:
    """Someone sends every operation the examples of its document, the edges of every field, and nonsense."""
    for app in cast.deployment.targets:
        if not _answers(cast, app):
            continue
        names = [each.id for each in fuzzed(app) if _may_be(cast, each)]
        with suppress(TargetGoneError):  # the next application may answer
            async with _event(cast, app) as event:
                if names:
                    await Campaign(cast, app, names, event).run()


def _may_be(cast: Cast, operation: openapi.Operation) -> bool:
    """Whether an operation is served and may be fuzzed."""
    if operation.changes and not cast.can(operation.changes):
        return False
    try:
        probe = cast.stage.recorder.history.one(f"{PROBE}/{operation.id}")
    except NothingObservedError:
        return True  # a page or the stream, which is not probed
    return probe.outcome is Outcome.ANSWERED and probe.status not in (404, 405)


def _answers(cast: Cast, app: str) -> bool:
    """Whether an application answered any probe."""
    probes = [each for each in cast.stage.recorder.history.every(PROBE) if each.callee == app]
    return any(each.outcome is Outcome.ANSWERED for each in probes)


@asynccontextmanager
async def _event(cast: Cast, app: str) -> AsyncIterator[str]:
    """The id of an event of an application, leased to this story; empty if no event may be changed."""
    if app == "hi.events" and cast.can("linked-event"):
        async with cast.linked_event() as linked:
            yield linked.hi
    elif app == "tuvens-api" and cast.can("events"):
        async with cast.event() as event, _restored(cast, event):
            yield event
    else:
        yield ""


@asynccontextmanager
async def _restored(cast: Cast, event: str) -> AsyncIterator[None]:
    """Restore what a PATCH changes, if the event can be read before."""
    before = await cast.reads_event("before", event)
    yield
    try:
        was = before.must("the event").json()
    except (StoryStoppedError, WireError):
        return
    kept = {name: was[name] for name in ("hasTicketing", "hiEventsEventId") if isinstance(was, dict) and name in was}
    if kept:
        await cast.changes_event("afterwards", cast.organiser.jwt, event, kept)
