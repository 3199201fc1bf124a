"""Pact's verifier replays the interactions that consumers rely on.

The module is the last one in the alphabet, so that the story that uses up rate limits is driven after all others.
"""

from collections.abc import Callable
from functools import cache

from contracts.catalogue import catalogue
from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.states import When
from harness.effects import Effect
from harness.judge import judge_one
from harness.story import Phase
from harness.verdict import Held
from scenarios.cast.cast import Cast
from scenarios.catalogue import story
from scenarios.tools.pact.replay import replaying


def _chosen(cast: Cast, when: When) -> list[Interaction]:
    """The interactions whose provider states belong to this story and can be reached in this deployment."""
    found = [each for each in interactions() if each.provider_state.when is when]
    able = [each for each in found if all(map(cast.can, catalogue()[f"pact.{each.name}"].needs))]
    return [each for each in able if all(map(_served(cast), _routes_of(f"pact.{each.name}")))]


def _routes_of(requirement: str) -> set[str]:
    """The routes among the premises of a requirement, and among the premises of those."""
    premises = catalogue()[requirement].depends_on
    below = (_routes_of(each) for each in premises)
    return {each for each in premises if each.startswith("routes.")}.union(*below)


def _served(cast: Cast) -> Callable[[str], bool]:
    """A function that tells whether the probes found a route: requests to a missing one would only cost time."""
    history = cast.stage.recorder.history
    return cache(lambda route: isinstance(judge_one(catalogue()[route], history), Held))


async def _replay(cast: Cast, when: When) -> None:
    chosen = _chosen(cast, when)
    if not chosen:
        return
    async with replaying(cast) as replay:
        if when is When.EXPIRED:
            await replay.states.expired_session()
        for each in chosen:
            await replay.one(each)


@story(does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE}, also={Effect.CHANGE})
async def consumers_rely_on_their_pacts(cast: Cast) -> None:
    """Pact's verifier replays what tuvens-client and Hi.Events rely on."""
    await _replay(cast, When.CALM)


@story(
    does={Effect.READ, Effect.MINT}, phase=Phase.ALONE, needs=("control:tuvens-api",), operations=("generateSession",)
)
async def consumers_come_with_expired_sessions_by_the_clock(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on when a session has expired; the simulators' clocks are moved."""
    await _replay(cast, When.EXPIRED)


@story(
    does={Effect.READ, Effect.MINT},
    phase=Phase.WAITING,
    needs=("expiry:tuvens-api",),
    operations=("generateSession",),
    unless="control:tuvens-api",
    waits_for=("expiry",),
)
async def consumers_come_with_expired_sessions_after_waiting(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on when a session has expired; all wait for it."""
    await _replay(cast, When.EXPIRED)


@story(
    does={Effect.READ, Effect.MINT}, phase=Phase.ALONE, needs=("control:tuvens-api",), operations=("generateSession",)
)
async def consumers_meet_trouble(cast: Cast) -> None:
    """Pact's verifier replays what Hi.Events relies on when tuvens-api fails."""
    await _replay(cast, When.TROUBLE)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.FORGE, Effect.EXHAUST},
    phase=Phase.LAST,
)
async def consumers_ask_too_often(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on past the rate limits."""
    await _replay(cast, When.LIMITED)
