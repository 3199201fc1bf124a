"""Callers who ask too often. Last of all: it uses up what the other stories need."""

import asyncio
from collections.abc import Awaitable, Callable

import openapi
from contracts.times import iso_millis
from contracts.webhook.wire import status_changed_body
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Reply
from scenarios.catalogue import story

_AT_ONCE = 8
_QUICK_LIMIT = 40
_NEEDS = ("exhaust",)

Ask = Callable[[str], Awaitable[Reply]]


@story(phase=Phase.LAST, needs=_NEEDS, operations=("generateSession",))
async def generate_session_is_asked_too_often(cast: Cast) -> None:
    """The organiser asks for sessions until the limit, then another user asks once."""
    sessions = await _contract_limits(cast)
    user = cast.organiser
    await _until_limited(cast, "generateSession", lambda step: cast.generates_session(step, user, obey_limits=False))
    others = [each for each in cast.deployment.users if each.user_id != user.user_id or each.jwt != user.jwt]
    if others:
        await cast.generates_session("generateSession/another key", others[-1], obey_limits=False)
    await _raised_limits(cast, sessions)


@story(
    phase=Phase.LAST,
    needs=_NEEDS,
    operations=("generateSession", "validateSession", "listUserAccounts", "validatePermission"),
)
async def questions_are_asked_too_often(cast: Cast) -> None:
    """Hi.Events asks about one session until each limit, then about another session once."""
    one = await cast.session()
    other = await cast.fresh_session("another session", "member" if cast.can("role:member") else "organiser")
    sessions = await _contract_limits(cast)
    await _until_limited(cast, "listUserAccounts", lambda step: cast.lists_accounts(step, one.token, obey_limits=False))
    await cast.lists_accounts("listUserAccounts/another key", other.token, obey_limits=False)
    await _until_limited(
        cast,
        "validatePermission",
        lambda step: cast.asks_permission(step, one.token, "manage_ticketing", obey_limits=False),
    )
    await cast.asks_permission("validatePermission/another key", other.token, "manage_ticketing", obey_limits=False)
    await _until_limited(cast, "validateSession", lambda step: cast.validates(step, one.token, obey_limits=False))
    await _raised_limits(cast, sessions)


@story(phase=Phase.LAST, needs=(*_NEEDS, "events"), operations=("receiveEventStatusChanged",))
async def webhooks_come_too_often(cast: Cast) -> None:
    """One Hi.Events instance delivers the same webhook again and again until the limit."""
    sessions = await _contract_limits(cast)
    async with cast.event() as event_id:
        body = status_changed_body(
            event_id=1, title="Limits", status="DRAFT", tuvens_event_id=event_id, sent_at=iso_millis(cast.now())
        )
        await cast.delivers("first delivery", body)
        await _until_limited(
            cast, "receiveEventStatusChanged", lambda step: cast.delivers(step, body, obey_limits=False)
        )
    await _raised_limits(cast, sessions)


async def _until_limited(cast: Cast, operation: str, ask: Ask) -> None:
    """Ask until a 429 comes, at most twice the limit and a few: a window may end meanwhile."""
    limit = _limit(cast, operation)
    cast.observe(f"{operation}/limit", {"limit": limit})
    sent = 0
    limited = False
    while sent < 2 * limit + 10 and not limited:
        batch = min(_AT_ONCE, 2 * limit + 10 - sent)
        replies = await asyncio.gather(*(ask(f"{operation}/asked") for _ in range(batch)))
        sent += batch
        limited = any(each.status == 429 for each in replies)


def _limit(cast: Cast, operation: str) -> int:
    if cast.can("control:tuvens-api"):
        return _limits_to_set(cast)[operation]
    found = openapi.find(operation)
    return found.limit_in_force(cast.stage.target("tuvens-api").rate_limits) or found.limit_in_force({})


async def _contract_limits(cast: Cast) -> dict[str, int | None] | None:
    """Where there is a control plane, the contract's limits and empty windows; what was set before."""
    if not cast.can("control:tuvens-api"):
        return None
    before: dict[str, int | None] = await cast.stage.control("tuvens-api", "GET", "/rate-limits")
    await cast.stage.control("tuvens-api", "PUT", "/rate-limits", _limits_to_set(cast))
    return before


def _limits_to_set(cast: Cast) -> dict[str, int]:
    """The contract's; in a quick run none above 40: a thousand webhooks are a third of a run's time."""
    documented = {
        each.id: each.rate_limit.limit
        for each in openapi.load("tuvens-api").operations.values()
        if each.rate_limit is not None
    }
    return {name: min(limit, _QUICK_LIMIT) if cast.stage.quick else limit for name, limit in documented.items()}


async def _raised_limits(cast: Cast, before: dict[str, int | None] | None) -> None:
    if before is not None:
        await cast.stage.control("tuvens-api", "PUT", "/rate-limits", before)
