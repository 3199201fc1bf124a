"""hi.events' back end asks tuvens-api about sessions, with right and wrong secrets and tokens."""

import secrets
from functools import partial

from contracts.session_token import wire
from harness.effects import Effect
from scenarios.cast.cast import BACKEND, Cast
from scenarios.cast.sending import Reply
from scenarios.catalogue import story


@story(does={Effect.READ, Effect.MINT}, operations=("generateSession", "validateSession"))
async def a_session_is_validated(cast: Cast) -> None:
    """Hi.Events asks, more than once, whom the tokens of the organiser and of a member stand for; also that of a user
    without a name."""

    async def organiser() -> list[Reply]:
        token = (await cast.session()).token
        return [await cast.validates("first", token), await cast.validates("again", token)]

    async def member() -> list[Reply]:
        token = (await cast.fresh_session("generate session", "member")).token
        return [await cast.validates("member", token), await cast.validates("again/member", token)]

    async def nameless() -> list[Reply]:
        return [await cast.validates("nameless user", (await cast.session("nameless")).token)]

    await cast.while_alive(organiser)
    if cast.can("role:member"):
        await cast.while_alive(member)
    if cast.can("role:nameless"):
        await cast.while_alive(nameless)


@story(does={Effect.READ, Effect.MINT}, operations=("generateSession", "listUserAccounts"))
async def accounts_are_listed(cast: Cast) -> None:
    """Hi.Events asks for the accounts of the organiser, and of an outsider."""
    for role in ("organiser", "outsider"):
        if cast.can(f"role:{role}"):
            await cast.while_alive(partial(_lists, cast, role))


async def _lists(cast: Cast, role: str) -> list[Reply]:
    return [await cast.lists_accounts(role, (await cast.session(role)).token)]


@story(does={Effect.READ, Effect.MINT}, operations=("generateSession", "validatePermission"))
async def permissions_are_asked_for(cast: Cast) -> None:
    """Hi.Events asks what the organiser may do, in general and on single events, and what a plain member may do."""
    asked: dict[str, tuple[str, str, object]] = {
        "manage ticketing": ("organiser", "manage_ticketing", None),
        "create events": ("organiser", "create_events", None),
        "unknown permission": ("organiser", "launch_rockets", None),
    }
    if cast.deployment.events:
        asked["own event"] = ("organiser", "manage_ticketing", _number(cast.deployment.events[0]))
    if cast.can("foreign-event"):
        asked["foreign event"] = ("organiser", "manage_ticketing", _number(cast.deployment.foreign_event))
    if cast.can("role:member"):
        asked["member"] = ("member", "manage_ticketing", None)
    for name, question in asked.items():
        await cast.while_alive(partial(_asks, cast, name, *question))


async def _asks(cast: Cast, name: str, role: str, permission: str, resource: object) -> list[Reply]:
    return [await cast.asks_permission(name, (await cast.session(role)).token, permission, resource)]


@story(
    does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE}, operations=("generateSession", "validateSession")
)
async def back_ends_are_refused_without_the_secret(cast: Cast) -> None:
    """Callers without the shared secret, or with one that is nearly right, ask all three questions."""
    session = await cast.session()
    await cast.validates("right", session.token)
    right = cast.secret
    wrong: dict[str, str | None] = {
        "missing/absent": None,
        "missing/empty": "",
        "wrong/other": secrets.token_urlsafe(32),
        "wrong/prefix": right[:-1],
        "wrong/first half": right[: len(right) // 2],
        "wrong/suffixed": right + "x",
        "wrong/prefixed": "x" + right,
        "wrong/other case": right.swapcase(),
        "wrong/last character": right[:-1] + ("a" if right[-1] != "a" else "b"),
    }
    for name, value in wrong.items():
        if value == right:
            continue
        if value:
            cast.hide(f"shared-secret-{name.partition('/')[2].replace(' ', '-')}", value)
        await cast.validates(f"validateSession/{name}", session.token, secret=value)
        await cast.lists_accounts(f"listUserAccounts/{name}", session.token, secret=value)
        await cast.asks_permission(f"validatePermission/{name}", session.token, "manage_ticketing", secret=value)
    await cast.validates("ill-formed/validateSession", 5, secret=None)
    await cast.lists_accounts("ill-formed/listUserAccounts", None, secret=None)
    await cast.asks_permission("ill-formed/validatePermission", 5, 5, secret=None)


@story(does={Effect.READ, Effect.MINT, Effect.FORGE}, operations=("generateSession", "validateSession"))
async def unknown_sessions_are_refused(cast: Cast) -> None:
    """Hi.Events presents tokens that tuvens-api never minted, some of them nearly right."""
    session = await cast.session()
    token = session.token
    unknown = {
        "other": secrets.token_urlsafe(32),
        "cut": token[:-1],
        "extended": token + "A",
        "other case": token.swapcase(),
        "changed": ("A" if token[0] != "A" else "B") + token[1:],
    }
    for name, value in unknown.items():
        cast.unknown_token(name, value)
        await cast.validates(f"validateSession/{name}", value)
        await cast.lists_accounts(f"listUserAccounts/{name}", value)
        await cast.asks_permission(f"validatePermission/{name}", value, "manage_ticketing")


@story(
    does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE}, operations=("generateSession", "validateSession")
)
async def ill_formed_questions_are_refused(cast: Cast) -> None:
    """Hi.Events, with the right secret, asks questions that lack a field or have it of another type."""
    session = await cast.session()
    for name, value in {
        "null": None,
        "empty": "",
        "number": 5,
        "list": ["x"],
        "object": {"a": 1},
        "true": True,
    }.items():
        await cast.validates(f"validateSession/{name}", value)
        await cast.asks_permission(f"validatePermission/token {name}", value, "manage_ticketing")
    for name, permission in {"null": None, "number": 5, "list": ["manage_ticketing"]}.items():
        await cast.asks_permission(f"validatePermission/permission {name}", session.token, permission)
    for name, resource in {"text": "abc", "object": {"id": 1}, "fraction": 1.5}.items():
        await cast.asks_permission(f"validatePermission/resource {name}", session.token, "manage_ticketing", resource)
    for name, body in {"not JSON": b'{"session_token":', "a list": b"[]", "no body": b"", "no field": b"{}"}.items():
        call = wire.validate_session(cast.secret, "x").with_body(body)
        await cast.send(f"validateSession/{name}", BACKEND, call, key="shared-secret")
        call = wire.validate_permission(cast.secret, "x", "y").with_body(body)
        await cast.send(f"validatePermission/{name}", BACKEND, call, key="")
    await cast.lists_accounts("listUserAccounts/no token", None)


def _number(event_id: str) -> object:
    return int(event_id) if event_id.isdigit() else event_id
