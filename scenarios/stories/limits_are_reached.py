"""Callers exceed the rate limits. Last of all: the other stories need these limits."""

from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial

import openapi
from contracts.times import iso_millis
from contracts.webhook.wire import status_changed_body
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.exhausting import Ask, until_limited
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

_QUICK_LIMIT = 40
_NEEDS = ("exhaust",)


@story(phase=Phase.LAST, needs=_NEEDS, operations=("generateSession",))
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


@story(phase=Phase.LAST, needs=(*_NEEDS, "events"), operations=("receiveEventStatusChanged",))
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


async def _until_limited(cast: Cast, operation: str, ask: Ask) -> None:
    """Use up a limit; nothing is sent where the deployment says that there is none."""
    if limit := _limit(cast, operation):
        await until_limited(cast, operation, limit, ask)


def _limit(cast: Cast, operation: str) -> int:
    if _by_control(cast):
        return _limits_to_set(cast)[operation]
    return openapi.find(operation).limit_in_force(cast.stage.target("tuvens-api").rate_limits)


def _contract_limits(cast: Cast) -> AbstractAsyncContextManager[None]:
    """With a control plane: the contract's limits, counted from 0."""
    if not _by_control(cast):
        return nullcontext()
    return cast.stage.control.rate_limits("tuvens-api", _limits_to_set(cast))


def _limits_to_set(cast: Cast) -> dict[str, int]:
    """The contract's limits; in a quick run none above 40, since a thousand webhooks take a third of its time."""
    documented = {
        each.id: each.rate_limit.limit
        for each in openapi.load("tuvens-api").operations.values()
        if each.rate_limit is not None
    }
    return {name: min(limit, _QUICK_LIMIT) if cast.stage.quick else limit for name, limit in documented.items()}


def _by_control(cast: Cast) -> bool:
    return cast.can("control:tuvens-api")
