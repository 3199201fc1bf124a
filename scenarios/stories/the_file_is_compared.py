"""What the deployment file says of users, events and the secret is compared with the deployment."""

from typing import Any

import jwt as pyjwt

from contracts.hi_events_session import wire as hi_wire
from harness.deployment import User
from harness.effects import Effect
from harness.redact import jwt_claims
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import read_sign_in
from scenarios.catalogue import story

_ROLES = ("organiser", "member", "outsider")
_EVENTS = 5


@story(does={Effect.READ}, also={Effect.MINT, Effect.FORGE}, phase=Phase.FIRST, needs=("target:tuvens-api",))
async def the_file_is_compared(cast: Cast) -> None:
    """The organiser, the member and the outsider ask who they are; the events of the file are read."""
    users = {role: user for role in _ROLES if (user := cast.deployment.user(role)) is not None}
    secret = cast.deployment.jwt_secret
    cast.observe("file", {"jwts": {role: _described(user.jwt, secret) for role, user in users.items()}})
    if not _is_simulated(cast, "tuvens-api"):
        await _ask_tuvens_api(cast, users)
    if not _is_simulated(cast, "hi.events") and cast.deployment.linked:
        await _ask_hi_events(cast, cast.organiser)


def _is_simulated(cast: Cast, app: str) -> bool:
    target = cast.deployment.targets.get(app)
    return target is None or target.kind == "simulated"


def _described(token: str, secret: str) -> dict[str, Any]:
    """What a JWT says of itself: its subject, when it expires (Unix seconds), and whether `secret` signed it."""
    claims = jwt_claims(token) or {}
    signed: bool | None = None
    if secret:
        try:
            pyjwt.decode(token, secret, algorithms=["HS256"], options={"verify_exp": False, "verify_aud": False})
            signed = True
        except pyjwt.InvalidTokenError:
            signed = False
    subject, ends = claims.get("sub"), claims.get("exp")
    return {
        "subject": None if subject is None else str(subject),
        "expires_at": ends if isinstance(ends, int | float) and not isinstance(ends, bool) else None,
        "signed": signed,
    }


async def _ask_tuvens_api(cast: Cast, users: dict[str, User]) -> None:
    if cast.can(Effect.FORGE):
        await _tries_the_secret(cast, cast.unknown_token("of the comparison"))
    for role, user in users.items():
        if not cast.can(Effect.MINT):
            break
        token = cast.token_of(await cast.generates_session(f"mint/{role}", user))
        if token is None:
            continue
        if role == "organiser":
            if not cast.can(Effect.FORGE):
                await _tries_the_secret(cast, token)
            await cast.validates(f"whose/{role}", token)
        elif role == "outsider":
            await _lists_accounts(cast, token, user, users["organiser"].account_id)
        else:
            await cast.asks_permission(f"permission/{role}", token, "manage_ticketing")
    for event in cast.deployment.events[:_EVENTS]:
        await cast.reads_event(f"event/{event}", event)
    if cast.deployment.foreign_event:
        await cast.reads_event("foreign event", cast.deployment.foreign_event)


async def _lists_accounts(cast: Cast, token: str, outsider: User, other: int) -> None:
    """If the organiser's account is among the outsider's, the outsider asks for a session in it: a refusal contradicts
    the list, whatever the file says."""
    reply = await cast.lists_accounts("accounts/outsider", token)
    accounts = reply.json_object().get("accounts") if reply.ok else None
    listed = [each.get("id") for each in accounts if isinstance(each, dict)] if isinstance(accounts, list) else []
    if other in listed and cast.can(Effect.FORGE):
        await cast.generates_session("mint in the organiser's account/outsider", outsider, account_id=other)


async def _tries_the_secret(cast: Cast, token: str) -> None:
    await cast.validates("secret/validateSession", token)
    await cast.lists_accounts("secret/listUserAccounts", token)


async def _ask_hi_events(cast: Cast, user: User) -> None:
    """Sign in with a token of its own and read the linked events; a deployment may lack the route."""
    linked = cast.deployment.linked[:_EVENTS]
    found: dict[str, Any] = dict.fromkeys(each.hi for each in linked)

    async def attempt() -> list[Reply]:
        token = cast.token_of(await cast.generates_session("mint/for hi.events", user))
        return [] if token is None else [await cast.signs_in("sign in", token, turn_taken=True)]

    await cast.turn_to_sign_in()
    for reply in await cast.while_alive(attempt, turn=cast.turn_to_sign_in):
        if reply.ok:
            bearer = read_sign_in(reply).bearer
            for each in linked:
                event = await cast.asks_hi_events(f"linked event/{each.hi}", hi_wire.read_event(bearer, each.hi))
                found[each.hi] = hi_wire.event_of(event.json_object()).get("tuvens_event_id") if event.ok else None
    cast.observe("linked", {"file": {each.hi: each.tuvens for each in linked}, "tuvens_event_ids": found})
