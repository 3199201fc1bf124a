"""Sessions of tuvens-api are used just before and just after they expire."""

import asyncio

from contracts.times import parse_http_date
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import SessionToken
from scenarios.catalogue import story

_NEEDS = ("expiry:tuvens-api",)
_OFTEN = 1.0


@story(
    does={Effect.READ, Effect.MINT, Effect.FORGE},
    phase=Phase.ALONE,
    needs=("control:tuvens-api",),
    operations=("generateSession", "validateSession"),
)
async def sessions_expire_by_the_clock(cast: Cast) -> None:
    """Hi.Events uses a session just before and just after its expiry; the simulators' clocks are moved."""
    clock = cast.stage.clock
    session = await cast.fresh_session("generate session")
    ends = session.end()
    await clock.advance_to(ends - 2.0)
    before = await clock.of_tuvens_api()
    replies = await _ask(cast, "before", session)
    _note(cast, "times before", ends, before, await clock.of_tuvens_api(), replies)
    # An expires_at in whole seconds may mean any moment of that second.
    await clock.advance_to(ends + (0.2 if "." in session.expires_at else 1.2))
    before = await clock.of_tuvens_api()
    replies = await _ask(cast, "after", session)
    _note(cast, "times after", ends, before, await clock.of_tuvens_api(), replies)
    cast.stage.sessions.forget()


@story(
    does={Effect.READ, Effect.MINT, Effect.FORGE},
    phase=Phase.WAITING,
    needs=_NEEDS,
    operations=("generateSession", "validateSession"),
    unless="control:tuvens-api",
    waits_for=("expiry",),
)
async def sessions_expire_by_waiting(cast: Cast) -> None:
    """Hi.Events uses a session shortly before and shortly after its expiry; all wait for it."""
    session = await cast.fresh_session("generate session")
    ends = session.end()
    cast.stage.sessions.expect_promised(session)
    offset = await _offset(cast)
    # A Date header has whole seconds, so keep two seconds' distance.
    await cast.waits(max(ends - 4.0 - cast.now() - offset, 0.0), "a session is about to expire")
    before = cast.now() + offset - 1.0
    replies = await _ask(cast, "before", session)
    _note(cast, "times before", ends, before, cast.now() + offset + 1.0, replies)
    # A session that each use prolongs is used on and on: a short one would else be over before the next question.
    with cast.waiting(max(ends + 3.0 - cast.now() - offset, 0.0), "a session expires"):
        while (left := ends + 3.0 - cast.now() - offset) > 0:
            await asyncio.sleep(min(left, _OFTEN))
            await cast.validates("meanwhile", session.token)
    before = cast.now() + offset - 1.0
    replies = await _ask(cast, "after", session)
    _note(cast, "times after", ends, before, cast.now() + offset + 1.0, replies)


async def _ask(cast: Cast, moment: str, session: SessionToken) -> list[Reply]:
    replies = [await cast.validates(f"{moment}/validateSession", session.token)]
    replies.append(await cast.lists_accounts(f"{moment}/listUserAccounts", session.token))
    replies.append(await cast.asks_permission(f"{moment}/validatePermission", session.token, "manage_ticketing"))
    if moment == "after":
        replies.append(await cast.validates("unknown", "never-minted-" + "0" * 32))
    return replies


def _note(cast: Cast, step: str, ends: float, begun: float, ended: float, replies: list[Reply]) -> None:
    """Record between which times of the server's clock the questions were asked."""
    exchanges = [each.exchange.number for each in replies]
    cast.observe(step, {"expires_at": ends, "not_before": begun, "not_after": ended, "exchanges": exchanges})


async def _offset(cast: Cast) -> float:
    """Seconds that tuvens-api's clock is ahead of ours, by its Date header (whole seconds)."""
    reply = await cast.reads_event("clock", cast.some_event)
    theirs = parse_http_date(reply.exchange.header("date"))
    if theirs is None:
        return 0.0
    return theirs + 0.5 - (reply.exchange.started + reply.exchange.seconds / 2)
