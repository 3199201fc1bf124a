"""Callers exceed the rate limits. Last of all: the other stories need these limits."""

from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import openapi
from contracts.times import iso_millis
from contracts.webhook.wire import status_changed_body
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.exhausting import Ask, until_limited
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

_QUICK_LIMIT = 40
_NEEDS = ("exhaust",)


@story(does={Effect.MINT, Effect.EXHAUST}, phase=Phase.LAST, needs=_NEEDS, operations=("generateSession",))
async def generate_session_is_asked_too_often(cast: Cast) -> None:
    """The organiser asks for sessions until the limit, then another user asks once."""
    user = cast.organiser
    async with _contract_limits(cast):
        await _until_limited(
            cast, "generateSession", lambda step: cast.generates_session(step, user, obey_limits=False)
        )
        others = [each for each in cast.deployment.users if each.user_id != user.user_id or each.jwt != user.jwt]
        if others:
            await cast.generates_session("generateSession/another key", others[-1], obey_limits=False)


@story(
    does={Effect.READ, Effect.MINT, Effect.EXHAUST},
    phase=Phase.LAST,
    needs=_NEEDS,
    operations=("generateSession", "validateSession", "listUserAccounts", "validatePermission"),
)
async def questions_are_asked_too_often(cast: Cast) -> None:
    """Hi.Events asks about one session until each limit, then about another session once."""
    await cast.session()
    member = "member" if cast.can("role:member") else "organiser"
    other = (await cast.fresh_session("another session", member)).token

    async def lists(token: str, step: str) -> Reply:
        return await cast.lists_accounts(step, token, obey_limits=False)

    async def permits(token: str, step: str) -> Reply:
        return await cast.asks_permission(step, token, "manage_ticketing", obey_limits=False)

    async def validates(token: str, step: str) -> Reply:
        return await cast.validates(step, token, obey_limits=False)

    async with _contract_limits(cast):
        # The limit counts by token, so that one token is asked about until it is reached.
        await _until_limited(cast, "listUserAccounts", partial(lists, (await cast.session()).token))
        await lists(other, "listUserAccounts/another key")
        await _until_limited(cast, "validatePermission", partial(permits, (await cast.session()).token))
        await permits(other, "validatePermission/another key")
        await _until_limited(cast, "validateSession", partial(validates, (await cast.session()).token))


@story(
    does={Effect.CHANGE, Effect.EXHAUST},
    phase=Phase.LAST,
    needs=(*_NEEDS, "events"),
    operations=("receiveEventStatusChanged",),
)
async def webhooks_come_too_often(cast: Cast) -> None:
    """One Hi.Events instance delivers the same webhook again and again until the limit."""
    async with _contract_limits(cast), cast.event() as event_id:
        body = status_changed_body(
            event_id=1,
            title="Limits",
            status="DRAFT",
            tuvens_event_id=event_id,
            sent_at=iso_millis(cast.now_at("hi.events")),
        )
        await cast.delivers("first delivery", body)
        await _until_limited(
            cast, "receiveEventStatusChanged", lambda step: cast.delivers(step, body, obey_limits=False)
        )


def limit_to_reach(operation: str, in_force: int, *, controlled: bool, quick: bool) -> int:
    """The limit that is used up: with a control plane the contract's, and no more than 40 in a quick run, since a
    thousand webhooks take a third of its time; else the one that is in force."""
    if not controlled:
        return in_force
    documented = openapi.find(operation).limit_in_force({})
    return min(documented, _QUICK_LIMIT) if quick else documented


async def _until_limited(cast: Cast, operation: str, ask: Ask) -> None:
    """Use up a limit; nothing is sent where the deployment says that there is none."""
    if limit := _limit(cast, operation):
        await until_limited(cast, operation, limit, ask)


def _limit(cast: Cast, operation: str) -> int:
    in_force = openapi.find(operation).limit_in_force(cast.stage.target("tuvens-api").rate_limits)
    return limit_to_reach(operation, in_force, controlled=_by_control(cast), quick=cast.stage.quick)


def _contract_limits(cast: Cast) -> AbstractAsyncContextManager[None]:
    """With a control plane: the contract's limits, counted from 0."""
    if not _by_control(cast):
        return nullcontext()
    limited = [each.id for each in openapi.load("tuvens-api").operations.values() if each.rate_limit is not None]
    return cast.stage.control.rate_limits("tuvens-api", {each: _limit(cast, each) for each in limited})


def _by_control(cast: Cast) -> bool:
    return cast.can("control:tuvens-api")
