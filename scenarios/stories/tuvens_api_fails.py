"""hi.events has to do with a tuvens-api that is in trouble, and with tokens that it does not know any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.hi_events_session.rules_upstream import CACHE_SECONDS
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.stage import SessionToken, end_of
from scenarios.catalogue import story

OPERATIONS = ("generateSession", "validateCrossAppSession")
_TROUBLES = {
    "500": "tuvens-api-answers-500",
    "nonsense": "tuvens-api-answers-nonsense",
    "silence": "tuvens-api-hangs",
}
_MARGIN = 5.0
_TIME_OUT = 30.0


@asynccontextmanager
async def trouble(cast: Cast, name: str, times: int | None = None, *, app: str = "tuvens-api") -> AsyncIterator[None]:
    """An application has a trouble of that name, `times` times or until the block is left."""
    await cast.stage.control(app, "PUT", f"/faults/{name}", {"times": times})
    try:
        yield
    finally:
        await cast.stage.control(app, "DELETE", f"/faults/{name}")


@story(phase=Phase.ALONE, needs=("control:tuvens-api",), operations=OPERATIONS)
async def tuvens_api_is_in_trouble(cast: Cast) -> None:
    """The organiser signs in at hi.events while tuvens-api answers 500, answers nonsense, or does not answer; then
    once more when it is well again."""
    await cast.turn_to_sign_in(len(_TROUBLES) + 1)
    # Its own: what hi.events was told of a shared one moments ago, it may keep for 60 s.
    session = await cast.fresh_session("session")
    for name, fault in _TROUBLES.items():
        async with trouble(cast, fault):
            await _signs_in_patiently(cast, f"sign in/{name}", session.token)
    await cast.signs_in("after", session.token, turn_taken=True)


@story(phase=Phase.ALONE, needs=("control:tuvens-api",), operations=OPERATIONS)
async def expired_tokens_are_tried_by_the_clock(cast: Cast) -> None:
    """The organiser signs in with a session token just before it expires, and tries again when it has expired; the
    simulators' clocks are moved."""
    await cast.turn_to_sign_in()
    used, unused = await _two_tokens(cast)
    await cast.stage.advance(max(end_of(used) - _MARGIN - await _clock(cast), 0.0))
    await cast.signs_in("before expiry", used.token, turn_taken=True)
    accepted = cast.now()
    after = max(end_of(each) for each in (used, unused)) + CACHE_SECONDS + _MARGIN
    await cast.stage.advance(max(after - await _clock(cast), 0.0))
    if not cast.can("control:hi.events"):
        # Its clock was not moved with ours: what it may keep for 60 s, it may keep for 60 s of real time.
        await asyncio.sleep(CACHE_SECONDS + 1.0)
    await _try_expired(cast, used, unused, accepted)
    cast.stage.forget_sessions()


@story(needs=("expiry:tuvens-api",), operations=OPERATIONS)
async def expired_tokens_are_tried_after_waiting(cast: Cast) -> None:
    """The organiser signs in with a session token, and tries again when it has expired; all wait for it."""
    if cast.can("control:tuvens-api"):
        return
    await cast.turn_to_sign_in()
    used, unused = await _two_tokens(cast)
    await cast.signs_in("before expiry", used.token, turn_taken=True)
    accepted = cast.now()
    lasts = cast.stage.expiry() + CACHE_SECONDS + _MARGIN
    await asyncio.sleep(max(unused.minted_at + lasts - cast.now(), 0.0))
    await _try_expired(cast, used, unused, accepted)


async def _signs_in_patiently(cast: Cast, step: str, token: str) -> None:
    """Sign in; where hi.events waits for tuvens-api by a clock that can be moved, nobody waits for its time-out."""
    signing_in = asyncio.create_task(cast.signs_in(step, token, turn_taken=True))
    while cast.can("control:hi.events"):
        done, _ = await asyncio.wait({signing_in}, timeout=0.5)
        if done:
            break
        await cast.stage.advance(_TIME_OUT)
    await signing_in


async def _two_tokens(cast: Cast) -> tuple[SessionToken, SessionToken]:
    used = await cast.fresh_session("session to be used")
    return used, await cast.fresh_session("session never used")


async def _try_expired(cast: Cast, used: SessionToken, unused: SessionToken, accepted: float) -> None:
    cast.observe("times", {"since_accepted": cast.now() - accepted})
    await cast.signs_in("after/unused", unused.token)
    await cast.signs_in("after/used", used.token)
    await cast.validates("after/tuvens-api asked directly", unused.token)


async def _clock(cast: Cast) -> float:
    return float((await cast.stage.control("tuvens-api", "GET", "/clock"))["now"])
