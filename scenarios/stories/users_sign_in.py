"""Users of tuvens-api sign in to hi.events: with right and wrong tokens, again, and many at once."""

import asyncio
import secrets
from contextlib import nullcontext
from functools import partial
from typing import Any

import openapi
from contracts.hi_events_session import wire
from contracts.hi_events_session.rules_sign_in import MOST_TRIES
from contracts.session_token import wire as session_wire
from harness.deployment import User
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import BACKEND, BROWSER, Cast
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import SessionToken, user_key
from scenarios.catalogue import story

OPERATIONS = ("generateSession", "validateCrossAppSession")
_AT_ONCE = 100
USERS = 25
"""The most users who act at once."""


@story(does={Effect.READ, Effect.MINT}, operations=OPERATIONS)
async def a_user_signs_in(cast: Cast) -> None:
    """The organiser signs in at hi.events, again with the same session token, and once more with another one."""

    async def first() -> list[Reply]:
        token = (await cast.fresh_session("session", turn_taken=True)).token
        replies = [
            await cast.signs_in("first", token, turn_taken=True),
            await cast.validates("tuvens-api asked directly", token),
        ]
        # Left open whether it is accepted: its refusal is no reason to begin again.
        await cast.signs_in("same token again", token, turn_taken=True)
        return replies

    async def another() -> list[Reply]:
        token = (await cast.fresh_session("another session", turn_taken=True)).token
        return [await cast.signs_in("another token", token, turn_taken=True)]

    await cast.turn_to_mint_and_sign_in(2)
    await cast.while_alive(first, turn=partial(cast.turn_to_mint_and_sign_in, 2))
    await cast.turn_to_mint_and_sign_in()
    await cast.while_alive(another, turn=cast.turn_to_mint_and_sign_in)


@story(does={Effect.MINT, Effect.MALFORMED, Effect.FORGE}, operations=("validateCrossAppSession",))
async def sign_ins_are_refused(cast: Cast) -> None:
    """Strangers try to sign in without a session token, and with tokens that nobody minted, some nearly right."""
    nothing = wire.sign_in("").with_body(b"{}")
    await cast.send("ill-formed/missing", BROWSER, nothing, key="address", repeatable=True)
    await cast.signs_in("ill-formed/empty", "", worthless=True)
    await cast.signs_in("ill-formed/number", 5, worthless=True)
    await cast.signs_in("unknown", cast.unknown_token("random"), worthless=True)
    await cast.turn_to_sign_in(3)
    token = (await cast.session()).token
    forged = {"cut": token[:-1], "extended": token + "A", "other case": token.swapcase()}
    for name, value in forged.items():
        if value != token:
            wrong = cast.unknown_token(name, value)
            await cast.signs_in(f"forged/{name}", wrong, turn_taken=True, worthless=True)


@story(does={Effect.READ, Effect.MINT}, operations=("getCrossAppStatus", *OPERATIONS))
async def users_of_two_accounts_sign_in(cast: Cast) -> None:
    """The organiser and an outsider ask which account of hi.events they are signed in to."""
    if not cast.can("role:outsider"):
        return
    for role in ("organiser", "outsider"):
        await cast.asks_hi_events(role, wire.session_status(await cast.bearer(role)))
    cast.observe("accounts", {"same": cast.user("outsider").account_id == cast.organiser.account_id})


@story(does={Effect.MINT}, needs=("control:hi.events",), operations=OPERATIONS)
async def a_customer_of_old_signs_in(cast: Cast) -> None:
    """Someone who bought tickets at hi.events before Tuvens came signs in through Tuvens for the first time."""
    health = await cast.stage.control.call("hi.events", "GET", "/health")
    known = {each["email"].lower(): each["id"] for each in health["unlinked_users"]}
    customer = next((each for each in cast.deployment.users if each.email.lower() in known), None)
    cast.observe("customer of old", {"id": None if customer is None else known[customer.email.lower()]})
    if customer is None:
        return
    await cast.turn_to_sign_in()
    session = await cast.stage.sessions.mint(customer, cast.step("generate session"))
    await cast.signs_in("sign in", session.token, turn_taken=True)


@story(
    does={Effect.READ, Effect.MINT, Effect.LOAD},
    phase=Phase.ONE_BY_ONE,
    operations=("generateSession", "validateSession"),
)
async def many_are_asked_about_at_once(cast: Cast) -> None:
    """Hi.Events asks tuvens-api about the session tokens of many users at the same moment, twice about each."""
    users = _mixed(cast, USERS)
    sessions = await asyncio.gather(*(cast.stage.sessions.mint(each, cast.step("generate session")) for each in users))
    await asyncio.gather(*(_validate(cast, each) for each in sessions for _ in range(2)))


@story(does={Effect.MINT, Effect.LOAD}, phase=Phase.ONE_BY_ONE, operations=OPERATIONS)
async def many_sign_in_at_once(cast: Cast) -> None:
    """Nearly as many sign in at the same moment as the limit lets, most of them for the first time, each several times:
    twice with each session token."""
    limit = cast.stage.rate_limits.requests_a_minute("validateCrossAppSession")
    count, most = sign_ins_at_once(limit or 0, len(cast.deployment.users))
    users = _mixed(cast, most)
    await cast.turn_to_sign_in(count)
    # One user's sign-ins follow each other: a race between looking for a user and creating one is short.
    tokens = (count + 1) // 2
    whose = [users[index * len(users) // tokens] for index in range(tokens)]
    sessions = await asyncio.gather(*(cast.stage.sessions.mint(each, cast.step("generate session")) for each in whose))
    known = frozenset(cast.stage.sessions.signed_in_users)
    await asyncio.gather(*(_sign_in(cast, sessions[index // 2], known) for index in range(count)))


def sign_ins_at_once(limit: int, users: int) -> tuple[int, int]:
    """How many sign-ins there are at once, and of how many users, within a limit a minute (0: none), of which a fifth
    is left to other stories."""
    count = min(max(limit * 4 // 5, 1), _AT_ONCE) if limit else _AT_ONCE
    return count, min(USERS, max(2, count // 3), users)


async def _validate(cast: Cast, session: SessionToken) -> None:
    call = session_wire.validate_session(cast.secret, session.token)
    facts: dict[str, Any] = {"user_id": session.user.user_id, **cast.stage.sessions.facts_about(session.token)}
    await cast.stage.sender.send(cast.step("question"), BACKEND, call, key="shared-secret", facts=facts)


async def _sign_in(cast: Cast, session: SessionToken, known: frozenset[str]) -> None:
    call = wire.sign_in(session.token)
    cast.stage.sessions.note_sign_in(session.token)
    # Users of other roles may have signed in on a page.
    newcomer = session.user.role == "user" and user_key(session.user) not in known
    facts: dict[str, Any] = {"user_id": session.user.user_id, "newcomer": newcomer}
    await cast.stage.sender.send(cast.step("sign in"), BROWSER, call, obey_limits=False, facts=facts)


@story(does={Effect.FORGE, Effect.EXHAUST}, phase=Phase.LAST, operations=("validateCrossAppSession",))
async def sign_ins_come_too_often(cast: Cast) -> None:
    """A stranger tries one worthless token after the other until the limit."""
    operation = openapi.find("validateCrossAppSession")
    by_control = cast.can("control:hi.events")
    limit = operation.limit_in_force({} if by_control else cast.stage.target("hi.events").rate_limits)
    if not 0 < limit <= MOST_TRIES:
        return
    control = cast.stage.control
    async with control.rate_limits("hi.events", {operation.id: limit}) if by_control else nullcontext():
        for number in range(2 * limit + 1):
            token = cast.unknown_token("guessed", f"guessed-{number}-{secrets.token_urlsafe(16)}")
            reply = await cast.signs_in("tried", token, obey_limits=False)
            if reply.status == 429:
                return


def _mixed(cast: Cast, count: int) -> list[User]:
    """Up to `count` users, plain users first (few sign-ins so far); without the nameless one, whom another story
    covers."""
    users = [each for each in cast.deployment.users if each.role != "nameless"]
    return sorted(users, key=lambda each: each.role != "user")[:count]
