"""hi.events' back end asks tuvens-api about sessions, with right and wrong secrets and tokens."""

import secrets

from contracts.session_token import wire
from scenarios.cast.cast import BACKEND, Cast
from scenarios.catalogue import story

OPERATIONS = ("validateSession", "listUserAccounts", "validatePermission")


@story(operations=("generateSession", "validateSession"))
async def a_session_is_validated(cast: Cast) -> None:
    """Hi.Events asks, more than once, whom the tokens of the organiser and of a member stand for; also that of a user
    without a name."""
    session = await cast.session()
    await cast.validates("first", session.token)
    await cast.validates("again", session.token)
    if cast.can("role:member"):
        member = await cast.fresh_session("generate session", "member")
        await cast.validates("member", member.token)
        await cast.validates("again/member", member.token)
    if cast.can("role:nameless"):
        nameless = await cast.session("nameless")
        await cast.validates("nameless user", nameless.token)


@story(operations=("generateSession", "listUserAccounts"))
async def accounts_are_listed(cast: Cast) -> None:
    """Hi.Events asks for the accounts of the organiser, and of an outsider."""
    session = await cast.session()
    await cast.lists_accounts("organiser", session.token)
    if cast.can("role:outsider"):
        outsider = await cast.session("outsider")
        await cast.lists_accounts("outsider", outsider.token)


@story(operations=("generateSession", "validatePermission"))
async def permissions_are_asked_for(cast: Cast) -> None:
    """Hi.Events asks what the organiser may do, in general and on single events, and what a plain member may do."""
    session = await cast.session()
    token = session.token
    await cast.asks_permission("manage ticketing", token, "manage_ticketing")
    await cast.asks_permission("create events", token, "create_events")
    if cast.deployment.events:
        await cast.asks_permission("own event", token, "manage_ticketing", _number(cast.deployment.events[0]))
    if cast.can("foreign-event"):
        foreign = _number(cast.deployment.foreign_event)
        await cast.asks_permission("foreign event", token, "manage_ticketing", foreign)
    await cast.asks_permission("unknown permission", token, "launch_rockets")
    if cast.can("role:member"):
        member = await cast.session("member")
        await cast.asks_permission("member", member.token, "manage_ticketing")


@story(operations=("generateSession", *OPERATIONS))
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


@story(operations=("generateSession", *OPERATIONS))
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


@story(operations=("generateSession", *OPERATIONS))
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
