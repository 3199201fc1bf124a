"""Users sign in at hi.events while tuvens-api fails, and with tokens that have expired."""

import asyncio

from contracts.hi_events_session.rules_upstream import CACHE_SECONDS
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.sessions import SessionToken
from scenarios.catalogue import story

OPERATIONS = ("generateSession", "validateCrossAppSession")
_FAULTS = {
    "500": "tuvens-api-answers-500",
    "nonsense": "tuvens-api-answers-nonsense",
    "silence": "tuvens-api-hangs",
}
_MARGIN = 5.0
_TIME_OUT = 30.0


@story(does={Effect.READ, Effect.MINT}, phase=Phase.ALONE, needs=("control:tuvens-api",), operations=OPERATIONS)
async def tuvens_api_is_in_trouble(cast: Cast) -> None:
    """The organiser signs in at hi.events while tuvens-api answers 500, answers nonsense, or does not answer; then
    once more when it is well again."""
    await cast.turn_to_sign_in(len(_FAULTS) + 1)
    # A fresh one: hi.events may cache for 60 s what it learned of a shared one.
    session = await cast.fresh_session("session")
    for name, fault in _FAULTS.items():
        async with cast.stage.control.fault(fault):
            await _signs_in_patiently(cast, f"sign in/{name}", session.token)
    await cast.signs_in("after", session.token, turn_taken=True)


@story(does={Effect.READ, Effect.MINT}, phase=Phase.ALONE, needs=("control:tuvens-api",), operations=OPERATIONS)
async def expired_tokens_are_tried_by_the_clock(cast: Cast) -> None:
    """The organiser signs in with a session token just before it expires, and tries again when it has expired; the
    simulators' clocks are moved."""
    await cast.turn_to_sign_in()
    used, unused = await _two_tokens(cast)
    await cast.stage.clock.advance_to(used.end() - _MARGIN)
    await cast.signs_in("before expiry", used.token, turn_taken=True)
    accepted = cast.now()
    after = max(each.end() for each in (used, unused)) + CACHE_SECONDS + _MARGIN
    await cast.stage.clock.advance_to(after)
    if not cast.can("control:hi.events"):
        # Its clock was not moved, so its cache lasts 60 s of real time.
        await cast.waits(CACHE_SECONDS + 1.0, "what hi.events may have cached becomes too old")
    await _try_expired(cast, used, unused, accepted)
    cast.stage.sessions.forget()


@story(
    does={Effect.READ, Effect.MINT},
    phase=Phase.WAITING,
    needs=("expiry:tuvens-api",),
    operations=OPERATIONS,
    unless="control:tuvens-api",
    waits_for=(
        "expiry",
        "cache",
    ),
)
async def expired_tokens_are_tried_after_waiting(cast: Cast) -> None:
    """The organiser signs in with a session token, and tries again when it has expired; all wait for it."""
    await cast.turn_to_sign_in()
    used, unused = await _two_tokens(cast)
    cast.stage.sessions.expect_promised(unused)
    await cast.signs_in("before expiry", used.token, turn_taken=True)
    accepted = cast.now()
    await cast.waits_for_expiry(used, unused, more=_MARGIN)
    if (await cast.signs_in("soon/used", used.token)).status != 401:
        left = accepted + CACHE_SECONDS + _MARGIN - cast.now()
        await cast.waits(max(left, 0.0), "what hi.events may have cached becomes too old")
    await _try_expired(cast, used, unused, accepted)


async def _signs_in_patiently(cast: Cast, step: str, token: str) -> None:
    """Sign in; if hi.events' clock can be moved, move it past its time-out for tuvens-api."""
    signing_in = asyncio.create_task(cast.signs_in(step, token, turn_taken=True))
    while cast.can("control:hi.events"):
        done, _ = await asyncio.wait({signing_in}, timeout=0.5)
        if done:
            break
        await cast.stage.clock.advance(_TIME_OUT)
    await signing_in


async def _two_tokens(cast: Cast) -> tuple[SessionToken, SessionToken]:
    used = await cast.fresh_session("session to be used")
    return used, await cast.fresh_session("session never used")


async def _try_expired(cast: Cast, used: SessionToken, unused: SessionToken, accepted: float) -> None:
    cast.observe("times", {"since_accepted": cast.now() - accepted})
    await cast.signs_in("after/unused", unused.token, worthless=True)
    await cast.signs_in("after/used", used.token, worthless=True)
    await cast.validates("after/tuvens-api asked directly", unused.token)
