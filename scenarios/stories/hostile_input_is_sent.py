"""Input that is meant to break a server."""

from functools import partial

from contracts.session_token import wire
from contracts.times import iso_millis
from contracts.tuvens_event.wire import get_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.effects import Effect
from harness.http import Call
from scenarios.cast.cast import BACKEND, BROWSER, CLIENT, Cast
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import user_key
from scenarios.catalogue import story

HOSTILE = {
    "or true": "' OR '1'='1",
    "drop table": 'x\'; DROP TABLE "crossAppSession"; --',
    "union": "x' UNION SELECT 1,2,3,4 --",
    "comment": "admin'/*",
    "double quote": '" OR ""="',
    "backslash": "\\' OR 1=1 -- ",
    "NUL": "a\0b",
    "template": "${7*7}{{7*7}}#{7*7}",
    "path": "../../../../etc/passwd",
    "script": "<script>alert(1)</script>",
    "format": "%s%n%x%00",
    "emoji": "🎉" * 8,
    "long": "A" * 5_000,
}
BODIES = {
    "deep list": b'{"session_token": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "unclosed": b"[" * 50_000,
    "invalid UTF-8": b'{"session_token": "\xff\xfe"}',
    "lone surrogate": b'{"session_token": "\\ud800"}',
    "NaN": b'{"session_token": NaN}',
    "huge number": b'{"session_token": 1e999999}',
    "duplicate keys": b'{"session_token": "a", "session_token": "b"}',
    "prototype": b'{"__proto__": {"session_token": "x"}, "constructor": {"prototype": {}}}',
}
OVER_A_MEBIBYTE = b"x" * (1024 * 1024 + 4096)


@story(
    does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE},
    operations=("generateSession", "validateSession"),
)
async def hostile_input_is_sent(cast: Cast) -> None:
    """Someone who knows the secret sends what is meant to break a server, then asks an ordinary question."""
    for name, text in HOSTILE.items():
        await cast.validates(f"token/validateSession/{name}", text)
        await cast.lists_accounts(f"token/listUserAccounts/{name}", text)
        await cast.asks_permission(f"token/validatePermission/{name}", text, "manage_ticketing")
        await cast.while_alive(partial(_asks_for, cast, name, text))
        await cast.send(f"event/{name}", BROWSER, get_event(text[:200]))
    for name, body in BODIES.items():
        call = wire.validate_session(cast.secret, "x").with_body(body)
        await cast.send(f"body/{name}", BACKEND, call, key="shared-secret")
    await cast.while_alive(partial(_afterwards, cast))


async def _asks_for(cast: Cast, name: str, permission: str) -> list[Reply]:
    return [await cast.asks_permission(f"permission/{name}", (await cast.session()).token, permission)]


async def _afterwards(cast: Cast) -> list[Reply]:
    """An ordinary question, which the server still answers."""
    return [await cast.validates("afterwards", (await cast.session()).token)]


@story(does={Effect.MALFORMED, Effect.FORGE}, operations=("receiveEventStatusChanged",))
async def hostile_webhooks_are_sent(cast: Cast) -> None:
    """Hi.Events, rightly signed, names events that are meant to break a server."""
    for name, text in HOSTILE.items():
        body = status_changed_body(
            event_id=1, title=text, status=text, tuvens_event_id=text, sent_at=iso_millis(cast.now_at("hi.events"))
        )
        await cast.delivers(f"event/{name}", body)
    for name, body in BODIES.items():
        await cast.delivers(f"body/{name}", body)


@story(
    does={Effect.READ, Effect.MINT, Effect.MALFORMED, Effect.FORGE},
    operations=("generateSession", "validateSession", "validatePermission", "receiveEventStatusChanged"),
)
async def oversized_bodies_are_sent(cast: Cast) -> None:
    """Callers with right credentials send bodies above 1 MiB, right but for their size."""
    session = await cast.session()
    user = cast.organiser
    padding = b', "padding": "' + OVER_A_MEBIBYTE + b'"}'
    calls: dict[str, Call] = {
        "validateSession": wire.validate_session(cast.secret, session.token),
        "validatePermission": wire.validate_permission(cast.secret, session.token, "manage_ticketing"),
        "generateSession": wire.generate_session(user.jwt, user.account_id),
    }
    keys = {"validateSession": "shared-secret", "generateSession": user_key(user)}
    for name, call in calls.items():
        caller = CLIENT if name == "generateSession" else BACKEND
        large = call.with_body((call.body or b"{}")[:-1] + padding)
        await cast.send(f"oversized/{name}", caller, large, key=keys.get(name, session.token))
    body = status_changed_body(
        event_id=1, title="Large", status="LIVE", tuvens_event_id="0", sent_at=iso_millis(cast.now_at("hi.events"))
    )
    large_body = body[:-1] + padding
    await cast.send(
        "oversized/webhook", BACKEND, event_status_changed(large_body, sign(cast.secret, large_body)), key="instance"
    )
    await cast.while_alive(partial(_afterwards, cast))
