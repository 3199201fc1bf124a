"""Every fault breaks what its sentence says, is counted, and is gone once disarmed."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt as pyjwt
import pytest
from sqlalchemy import text

import openapi
from contracts.calls import call
from contracts.session_token import wire
from contracts.tuvens_event.wire import update_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.http import Answer
from simulators.kit.clock import Clock
from simulators.kit.messages import Request, Response
from simulators.tuvens_api.app import TuvensApiConfig, create
from simulators.tuvens_api.faults import FAULTS
from tests.simulators.tuvens_api.world import START, World

BODY = status_changed_body(event_id=2, title="T", status="LIVE", tuvens_event_id="11", sent_at="2025-07-25T14:30:00Z")
OTHER_KEY = "another-secret-of-more-than-32-bytes!"


def _claims(**changes: object) -> dict[str, object]:
    return {"sub": "1", "exp": START + 60, **changes}


def _json(answer: Answer) -> dict[str, object]:
    value = answer.json()
    assert isinstance(value, dict)
    return value


def _session_life(world: World, *seconds: float) -> float:
    token = world.mint()
    for second in seconds or (900, 959, 960, 3599, 3600):
        world.api.clock.set(START + second)
        if world.validate(token).status == 404:
            return second
    return 3601


def _served_expired(route: Callable[[World, str], Answer]) -> Callable[[World], bool]:
    def served(world: World) -> bool:
        token = world.mint()
        world.advance(900)
        at_once = route(world, token).status
        world.advance(60)
        # Also after the row has left the table.
        return [at_once, route(world, token).status] == [200, 200]

    return served


def _signed_as(signature: Callable[[World], str | None]) -> Callable[[World], bool]:
    return lambda world: world.send(event_status_changed(BODY, signature(world))).status == 200


def _php(world: World) -> bool:
    return world.send_signed(json.dumps(json.loads(BODY)).replace('"T"', '"A\\/B"').encode()).status == 401


def _ticketing(status: str) -> Callable[[World], object]:
    def ticketing(world: World) -> object:
        world.deliver(status)
        return world.event()["ticketing_status"]

    return ticketing


def _error(world: World) -> dict[str, object]:
    token = "f" * 43
    return _json(
        world.request("GET", f"/api/cross-app/user-accounts?session_token={token}", ("x-shared-secret", world.secret))
    )


def _origin(world: World, origin: str) -> str | None:
    return world.request("GET", "/api/events/11", ("Origin", origin)).header("access-control-allow-origin")


def _messages(world: World) -> list[str]:
    return [data for _, data in world.api.store.messages(0)]


def _sent(world: World, expected: int) -> bool:
    world.deliver()
    return len(_messages(world)) == expected


def _sent_for_refused(world: World) -> bool:
    world.send(event_status_changed(BODY, None))
    return len(_messages(world)) == 1


def _frames(world: World) -> bytes:
    """What an open stream is sent for a webhook, and for 30 s without one."""

    async def read() -> bytes:
        stream = world.api.hub.open(())
        await anext(stream)
        await world._send(event_status_changed(BODY, sign(world.secret, BODY)), ())
        await world.api.clock.advance(30)
        queue = next(iter(world.api.hub._queues))
        queue.put_nowait(None)
        return b"".join([chunk async for chunk in stream])

    return world.runner.run(read())


def _crowd(world: World) -> bool:
    emails = [f"guest-{number}@example.com" for number in range(101, 111)]
    minted = world.send_all([wire.generate_session(world.jwt(email), 123) for email in emails])
    tokens = [wire.read_session(answer).session_token for answer in minted]
    answers = world.send_all([wire.validate_session(world.secret, token) for token in tokens])
    return [_json(answer)["email"] for answer in answers] != emails


def _audit(world: World) -> list[dict[str, object]]:
    token = world.mint()
    world.validate(token)
    world.validate("x" * 43)
    return world.api.audit(0)


def _stale(world: World) -> bool:
    world.deliver("LIVE", at="2025-07-25T14:30:00Z")
    world.deliver("ENDED", at="2025-07-25T14:29:00Z")
    return bool(world.event()["ticketing_status"] == "inactive")


def _throttled(world: World) -> bool:
    world.api.limits.configure({"generateSession": 1})
    world.mint()
    return world.send(wire.generate_session(world.jwt("member@example.com"), 123)).status == 429


def _limited_to_one(world: World) -> list[int]:
    world.api.limits.configure({"validateSession": 1})
    return [world.validate("x").status for _ in range(2)]


def _expired_rows(world: World) -> int:
    world.mint()
    world.advance(1000)
    return len(world.api.list_sessions())


def _last_used(world: World) -> object:
    world.validate(world.mint())
    return world.api.list_sessions()[0]["last_used"]


def _twice(world: World, token: str) -> list[int]:
    return [world.validate(token).status for _ in range(2)]


def _cleaned_up(world: World) -> bool:
    old = world.mint()
    world.advance(1000)
    for _ in range(4):
        world.validate(old)
    return [world.validate(world.mint()).status for _ in range(2)] == [404, 200]


def _revoked(world: World) -> bool:
    used, unused = world.mint(), world.mint()
    world.validate(used)
    for token in (used, unused):
        world.validate(token, secret="wrong")
    return [world.validate(used).status, world.validate(unused).status] == [200, 404]


def _noted(world: World, name: str) -> list[object]:
    """What contactData says after each of two updates."""
    found = []
    for status, at in (("LIVE", "2025-07-25T14:00:00Z"), ("ENDED", "2025-07-25T14:10:00Z")):
        world.deliver(status, at=at)
        found.append(world.event()["contactData"][name])
        world.api.clock.set(START + 10)
    return found


def _lost_after_stale(world: World) -> bool:
    for status, at in (("LIVE", "14:30:00"), ("ENDED", "14:29:50"), ("ENDED", "14:31:00"), ("DRAFT", "14:32:00")):
        world.deliver(status, at=f"2025-07-25T{at}Z")
        if status == "ENDED" and world.event()["ticketing_status"] != "active":
            return False
    return bool(world.event()["ticketing_status"] == "setup")


def _callback(world: World) -> dict[str, object]:
    world.deliver("LIVE", event="12")
    return _json(world.change({"hasTicketing": True, "hiEventsEventId": "7"}))


def _changes(world: World, *emails: str) -> list[int]:
    return [world.change({"hasTicketing": True}, email=each).status for each in emails]


def _preflight(world: World) -> Answer:
    asked = ("Access-Control-Request-Method", "PATCH")
    return world.request("OPTIONS", "/api/events/11", ("Origin", "http://localhost:5173"), asked)


def _one_limit_for_all(world: World) -> bool:
    world.api.limits.configure({"listUserAccounts": 1})
    return [world.accounts(world.mint()).status for _ in range(2)] == [200, 429]


def _opened(world: World, *headers: tuple[bytes, bytes]) -> tuple[dict[str, str], bytes, int]:
    """A stream that is opened and left: its headers, what it begins with, and how many listened meanwhile."""
    response = _asked_for_the_stream(world, *headers)

    async def first() -> bytes:
        assert response.stream is not None
        try:
            return await anext(response.stream)
        finally:
            await response.stream.aclose()

    listeners = world.api.hub.listeners
    return {name.decode(): value.decode() for name, value in response.headers}, world.runner.run(first()), listeners


def _asked_for_the_stream(world: World, *headers: tuple[bytes, bytes]) -> Response:
    async def nothing() -> object:
        return {"type": "http.request", "body": b"", "more_body": False}

    return world.runner.run(world.api.endpoint("streamEventUpdates").respond(_inbound(*headers), nothing))


def _stream_fails(world: World) -> bool:
    response = _asked_for_the_stream(world, (b"last-event-id", b"abc"))
    if response.stream is not None:
        world.runner.run(response.stream.aclose())
    return response.status == 500


def _missed(world: World) -> tuple[bool, int]:
    """Of a stream that was opened again after the first of two messages: whether it begins with the second, and how
    many listen."""
    world.deliver()
    world.deliver("ENDED", at="2025-07-25T15:00:00Z")
    _, begins, listeners = _opened(world, (b"last-event-id", b"1"))
    return b"data: " in begins, listeners


def _inbound(*headers: tuple[bytes, bytes]) -> Request:
    scope = {"method": "GET", "path": "/api/events/updates", "headers": list(headers)}
    return Request(scope, openapi.find("streamEventUpdates"), START)


def _hex(token: str) -> str:
    return token if set(token) <= set("0123456789abcdef") else ""


def _null_resource(world: World) -> Answer:
    body = json.dumps({"session_token": world.mint(), "permission": "create_events", "resource_id": None})
    return world.send(wire.validate_permission(world.secret, "x", "x").with_body(body.encode()))


PUBLIC = [
    each.id
    for each in openapi.load("tuvens-api").operations.values()
    if each.method == "GET" and not each.security and not each.streams
]


def _answers(world: World) -> list[tuple[int, tuple[str, ...], object]]:
    """Answers of all kinds: status, headers that say something, body with what is drawn by chance taken out."""
    world.api.limits.configure({"generateSession": 1})
    token = "f" * 43
    minted = world.send(wire.generate_session(world.jwt(), 123))
    session = str(_json(minted).get("session_token"))
    asked = [
        minted,
        world.send(wire.generate_session(world.jwt(), 123)),
        world.validate(session),
        world.validate(token),
        world.accounts(session),
        world.permission(session, "create_events"),
        world.deliver(),
        *(world.send(call(each, path={"id": event})) for each in PUBLIC for event in ("11", "12", "999")),
    ]
    return [
        (
            each.status,
            tuple(each.header(name) or "" for name in ("content-type", "retry-after")),
            json.loads(each.body.replace(session.encode(), b"-")),
        )
        for each in asked
    ]


def _generate(world: World, token: str, account: object = 123) -> int:
    return world.send(wire.generate_session(token, account)).status


SYMPTOMS: dict[str, Callable[[World], bool]] = {
    "session-lives-an-hour": lambda world: _session_life(world) == 3600,
    "session-outlives-its-expiry-by-a-minute": lambda world: _session_life(world) == 960,
    "expired-session-served-by-user-accounts": _served_expired(lambda world, token: world.accounts(token)),
    "expired-session-served-by-validate-session": _served_expired(lambda world, token: world.validate(token)),
    "expired-session-served-by-validate-permission": _served_expired(
        lambda world, token: world.permission(token, "create_events")
    ),
    "unknown-session-answers-401": lambda world: world.validate("x" * 43).status == 401,
    "tokens-are-sequential": lambda world: world.mint()[:-2] == world.mint()[:-2],
    "tokens-are-short": lambda world: len(world.mint()) == 11,
    "tokens-repeat-per-user": lambda world: (world.mint() == world.mint()) and world.mint() != world.mint(account=124),
    "user-id-is-a-number": lambda world: _json(world.validate(world.mint()))["user_id"] == 1,
    "name-left-null": lambda world: _json(world.validate(world.mint("nameless@example.com")))["name"] is None,
    "last-used-not-updated": lambda world: _last_used(world) is None,
    "generate-answers-201": lambda world: _generate(world, world.jwt()) == 201,
    "account-id-optional": lambda world: (
        _json(world.send(wire.generate_session(world.jwt(), 1).with_body(b"{}"))).get("account_id") == 123
    ),
    "foreign-account-admitted": lambda world: _generate(world, world.jwt(), 200) == 200,
    "lost-update-under-load": _crowd,
    "expired-rows-kept": lambda world: _expired_rows(world) == 1,
    "jwt-signature-not-checked": lambda world: (
        _generate(world, pyjwt.encode(_claims(), OTHER_KEY, algorithm="HS256")) == 200
    ),
    "jwt-alg-none-accepted": lambda world: _generate(world, pyjwt.encode(_claims(), None, algorithm="none")) == 200,
    "jwt-expiry-ignored": lambda world: _generate(world, world.jwt(lifetime=-60)) == 200,
    "secret-compared-by-prefix": lambda world: (
        [world.validate("x", secret=wrong).status for wrong in (world.secret[:-1], world.secret + "x")] == [404, 404]
    ),
    "secret-case-ignored": lambda world: world.validate("x", secret=world.secret.upper()).status == 404,
    "secret-not-demanded-by-validate-permission": lambda world: (
        world.send(wire.validate_permission(None, world.mint(), "create_events")).status == 200
    ),
    "secret-leaks-by-timing": lambda world: world.validate("x", secret=world.secret[:-1]).status == 401,
    "form-checked-before-authentication": lambda world: world.validate(None, secret="wrong").status == 400,
    "all-accounts-listed": lambda world: len(wire.read_accounts(world.accounts(world.mint()))) == 3,
    "permission-granted-on-foreign-resource": lambda world: wire.read_permission(
        world.permission(world.mint(), "manage_ticketing", 61)
    ),
    "unknown-permission-is-an-error": lambda world: world.permission(world.mint(), "fly").status == 400,
    "permission-always-false": lambda world: not wire.read_permission(world.permission(world.mint(), "create_events")),
    "signature-over-reserialised-json": lambda world: (
        world.send_signed(json.dumps(json.loads(BODY), indent=2).encode()).status == 401
    ),
    "signature-not-checked": _signed_as(lambda world: None),
    "signature-prefix-optional": _signed_as(lambda world: sign(world.secret, BODY)[7:]),
    "signature-sha1-accepted": _signed_as(
        lambda world: "sha1=" + hmac.new(world.secret.encode(), BODY, hashlib.sha1).hexdigest()
    ),
    "signature-hex-case-ignored": _signed_as(lambda world: "sha256=" + sign(world.secret, BODY)[7:].upper()),
    "signature-leaks-by-timing": _signed_as(lambda world: sign(world.secret, BODY)),
    "php-escapes-break-signature": _php,
    "live-maps-to-setup": lambda world: _ticketing("LIVE")(world) == "setup",
    "ended-maps-to-active": lambda world: _ticketing("ENDED")(world) == "active",
    "unknown-status-is-refused": lambda world: world.deliver("ARCHIVED").status == 400,
    "metadata-not-updated": lambda world: world.deliver().status == 200 and world.event()["contactData"] is None,
    "stale-delivery-applied": _stale,
    "repeated-delivery-fails": lambda world: [world.deliver().status for _ in range(2)] == [200, 500],
    "unknown-event-answers-200": lambda world: world.deliver(event="999").status == 200,
    "malformed-webhook-answers-500": lambda world: world.send_signed(b"nonsense").status == 500,
    "error-shape-of-nest": lambda world: set(_error(world)) == {"statusCode", "message", "error"},
    "stack-trace-in-errors": lambda world: "    at " in str(_error(world).get("stack")),
    "session-token-echoed-in-errors": lambda world: "f" * 43 in str(_error(world)["message"]),
    "query-in-error-path": lambda world: "?session_token=" in str(_error(world)["path"]),
    "shared-secret-in-debug-header": lambda world: world.secret in dict(world.validate("x").headers).values(),
    "quote-breaks-query": lambda world: (
        [world.validate("a'b").status, world.validate("a\x00b").status, world.permission("x", "'").status] == [500] * 3
    ),
    "large-bodies-processed": lambda world: world.validate("x" * 1_100_000).status == 404,
    "cors-suffix-admitted": lambda world: _origin(world, "https://eviltickets.tuvens.com") is not None,
    "cors-reflects-any-origin": lambda world: _origin(world, "https://evil.example") == "https://evil.example",
    "cors-wildcard": lambda world: _origin(world, "https://evil.example") == "*",
    "rate-limit-not-enforced": lambda world: _limited_to_one(world) == [404, 404],
    "rate-limit-headers-missing": lambda world: world.validate("x").header("x-ratelimit-limit") is None,
    "rate-limit-shared-by-all-users": _throttled,
    "sse-events-are-named": lambda world: b"event: " in _frames(world),
    "stream-fails-on-other-ids": _stream_fails,
    "sse-not-sent": lambda world: _sent(world, 0),
    "sse-sent-for-refused-webhooks": _sent_for_refused,
    "sse-without-heartbeat": lambda world: b"heartbeat" not in _frames(world),
    "audit-misses-failures": lambda world: [each["status"] for each in _audit(world)] == [200, 200],
    "audit-holds-tokens": lambda world: "session " in str(_audit(world)[0]["detail"]),
    "session-ends-five-seconds-early": lambda world: _session_life(world, 894, 895, 899, 900) == 895,
    "session-outlives-its-expiry-by-a-second": lambda world: _session_life(world, 899, 900, 901) == 901,
    "session-consumed-by-validation": lambda world: (
        _twice(world, world.mint("member@example.com")) == [200, 404] and _twice(world, world.mint()) == [200, 200]
    ),
    "clean-up-takes-the-next-session": _cleaned_up,
    "live-session-answers-500": lambda world: world.validate(world.mint()).status == 500,
    "session-token-is-injectable": lambda world: (
        world.mint() is not None and world.validate("' OR '1'='1").status == 200
    ),
    "missing-session-token-answers-404": lambda world: (
        [world.validate(None).status, world.accounts(None).status, world.permission(5, "x").status] == [404] * 3
    ),
    "missing-jwt-is-the-first-user": lambda world: world.send(wire.generate_session(None, 123)).status == 200,
    "malformed-jwt-answers-500": lambda world: (
        [_generate(world, "nonsense"), _generate(world, world.jwt() + "x")] == [500, 401]
    ),
    "account-id-as-text-accepted": lambda world: _generate(world, world.jwt(), "123") == 200,
    "missing-secret-admitted": lambda world: (
        [world.validate("x", secret="").status, world.validate("x", secret="wrong").status] == [404, 401]
    ),
    "wrong-secret-revokes-the-session": _revoked,
    "own-account-not-listed": lambda world: (
        123 not in [each.id for each in wire.read_accounts(world.accounts(world.mint()))]
    ),
    "permission-on-events-always-false": lambda world: (
        not wire.read_permission(world.permission(world.mint(), "manage_ticketing", 11))
        and wire.read_permission(world.permission(world.mint(), "manage_ticketing"))
    ),
    "member-may-do-everything": lambda world: wire.read_permission(
        world.permission(world.mint("member@example.com"), "manage_ticketing")
    ),
    "webhook-verified-with-a-former-key": lambda world: world.deliver().status == 401,
    "missing-signature-accepted": _signed_as(lambda world: None),
    "signature-compared-by-prefix": _signed_as(lambda world: sign(world.secret, BODY)[:-3]),
    "update-applied-before-its-signature-is-checked": lambda world: (
        not _signed_as(lambda world: "sha256=" + "0" * 64)(world) and world.event()["ticketing_status"] == "active"
    ),
    "update-not-applied": lambda world: world.deliver().status == 200 and world.event()["ticketing_status"] is None,
    "draft-maps-to-inactive": lambda world: _ticketing("DRAFT")(world) == "inactive",
    "cancelled-spelled-with-one-l": lambda world: _ticketing("CANCELLED")(world) == "setup",
    "archived-maps-to-inactive": lambda world: _ticketing("ARCHIVED")(world) == "inactive",
    "status-case-ignored": lambda world: _ticketing("live")(world) == "active",
    "metadata-hold-the-ticketing-status": lambda world: _noted(world, "hiEventsStatus") == ["active", "inactive"],
    "metadata-time-never-moves": lambda world: len(set(_noted(world, "hiEventsLastUpdated"))) == 1,
    "repeated-delivery-takes-back": lambda world: (
        [world.deliver().status for _ in range(2)] == [200, 200] and world.event()["ticketing_status"] == "setup"
    ),
    "newer-delivery-lost-after-a-stale-one": _lost_after_stale,
    "callback-forgets-the-event-id": lambda world: _callback(world)["hi_events_event_id"] is None,
    "event-without-page-url": lambda world: "hi_events_event_url" not in _callback(world),
    "callback-resets-the-ticketing-status": lambda world: _callback(world)["ticketing_status"] is None,
    "event-change-unguarded": lambda world: world.send(update_event(None, "11", {"hasTicketing": True})).status == 200,
    "event-change-by-any-member": lambda world: (
        _changes(world, "member@example.com", "outsider@example.com") == [200, 403]
    ),
    "event-change-by-any-organiser": lambda world: (
        _changes(world, "member@example.com", "outsider@example.com") == [403, 200]
    ),
    "event-changed-before-permission-is-asked": lambda world: (
        _changes(world, "member@example.com") == [403] and bool(world.event()["ticketing_enabled"])
    ),
    "change-of-unknown-event-answers-500": lambda world: (
        world.change({"hasTicketing": True}, event="999").status == 500
    ),
    "cors-without-patch": lambda world: (
        "PATCH" not in (_preflight(world).header("access-control-allow-methods") or "PATCH")
    ),
    "questions-limited-by-address": _one_limit_for_all,
    "rate-limit-reset-in-seconds-left": lambda world: world.validate("x").header("x-ratelimit-reset") == "60",
    "stream-is-json": lambda world: _opened(world)[0]["content-type"] == "application/json",
    "sse-event-id-is-a-number": lambda world: b'"eventId":11' in _frames(world),
    "sse-tells-the-former-status": lambda world: b'"status":"setup"' in _frames(world),
    "sse-sent-twice": lambda world: _sent(world, 2),
    "sse-without-id": lambda world: b"id: " not in _frames(world),
    "sse-reconnect-starts-anew": lambda world: _missed(world) == (False, 1),
    "sse-reconnect-only-replays": lambda world: _missed(world) == (True, 0),
    "sse-breaks-on-other-alphabets": lambda world: (
        world.send_signed(BODY.replace(b'"T"', '"№ 1"'.encode())).status == 200 and _messages(world) == []
    ),
    "session-tokens-like-jwts": lambda world: world.mint().count(".") == 2,
    "session-tokens-in-hex": lambda world: len(bytes.fromhex(_hex(world.mint()))) == 32,
    "token-masked-in-error-path": lambda world: str(_error(world)["path"]).endswith("?session_token=***"),
    "wrong-method-answers-404-at-tuvens-api": lambda world: world.request("DELETE", "/api/events/11").status == 404,
    "wrong-media-type-answers-415": lambda world: (
        world.send(wire.validate_session(world.secret, "x").with_body(b"{}", "text/plain")).status == 415
    ),
    "large-bodies-answer-400": lambda world: world.validate("x" * 1_100_000).status == 400,
    "refused-calls-count": lambda world: (
        world.validate("x", secret="wrong").header("x-ratelimit-remaining") == "999999999"
    ),
    "empty-permission-answers-400": lambda world: world.permission(world.mint(), "").status == 400,
    "null-resource-answers-400": lambda world: _null_resource(world).status == 400,
    "last-updated-is-event-sent-at": lambda world: _noted(world, "hiEventsLastUpdated")[0] == "2025-07-25T14:00:00Z",
    "sse-with-crlf-and-comments": lambda world: b"\r\n\r\n" in _frames(world) and b": a comment" in _frames(world),
    "sse-events-named-message": lambda world: b"event: message\n" in _frames(world),
    "repeated-delivery-told-again": lambda world: world.deliver().status == 200 and _sent(world, 2),
    "tuvens-api-answers-500": lambda world: world.validate("x").status == 500,
    "tuvens-api-answers-nonsense": lambda world: world.validate("x").body.startswith(b"<!doctype"),
    "webhook-answers-503": lambda world: world.deliver().status == 503,
    "webhook-answers-429": lambda world: world.deliver().status == 429,
    "webhook-answers-400": lambda world: world.deliver().status == 400,
}

AT_START = {
    "user-sessions-orphaned",
    "app-id-not-stored",
    "expiry-not-indexed",
    "secret-setting-ignored",
    "expiry-setting-ignored",
    "domain-setting-ignored",
}
GENERAL = {name for name in FAULTS if name.endswith("-of-tuvens-api")}
REST = set(FAULTS) - set(SYMPTOMS) - AT_START - GENERAL
ANSWERS = sorted(
    n
    for n in REST
    if FAULTS[n].suite == "verify"
    and not n.endswith("-route-missing")
    and n not in ("tuvens-api-hangs", "webhook-hangs")
)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_altered_where_its_fault_says_so(sqlite: World, name: str) -> None:
    honest = _answers(sqlite)
    sqlite.fresh()
    sqlite.control("PUT", f"/faults/{name}")
    assert _answers(sqlite) != honest
    assert sqlite.api.faults.fired(name) > 0
    assert sqlite.api.journal.breaches == 0, "a dishonest answer counts as a breach of ours"


def test_the_table_of_sessions_lacks_what_its_faults_say() -> None:
    def schema(*faults: str) -> tuple[set[str], set[str]]:
        api = create(TuvensApiConfig(faults=faults), clock=Clock(START, running=False))
        try:
            columns = api.database.execute(text('PRAGMA table_info("crossAppSession")')).all()
            indexes = api.database.execute(text('PRAGMA index_list("crossAppSession")')).all()
            # A session can be stored all the same.
            api.store.add_session("a" * 64, 101, 123, START, START + 900)
            return {row[1] for row in columns}, {row[1] for row in indexes}
        finally:
            api.database.close()

    columns, indexes = schema()
    assert schema("app-id-not-stored") == (columns - {"appId"}, indexes)
    assert schema("expiry-not-indexed") == (columns, indexes - {"crossAppSession_expiresAt"})


def test_faults_are_told_in_sentences_and_troubles_are_marked() -> None:
    assert len({fault.sentence for fault in FAULTS.values()}) == len(FAULTS)
    assert all(fault.sentence.endswith(".") and fault.app == "tuvens-api" for fault in FAULTS.values())
    assert {fault.kind for fault in FAULTS.values()} == {"fault", "benign", "trouble"}
    troubles = {fault.name for fault in FAULTS.values() if fault.kind == "trouble"}
    assert troubles == {
        "tuvens-api-answers-500",
        "tuvens-api-answers-nonsense",
        "tuvens-api-hangs",
        "webhook-answers-503",
        "webhook-answers-429",
        "webhook-answers-400",
        "webhook-hangs",
    }


@pytest.mark.parametrize("name", SYMPTOMS)
def test_a_fault_shows_its_symptom_is_counted_and_ends(sqlite: World, name: str) -> None:
    if name not in {"secret-leaks-by-timing", "signature-leaks-by-timing"}:
        assert not SYMPTOMS[name](sqlite), "the honest simulator shows the symptom"
        sqlite.fresh()
    sqlite.control("PUT", f"/faults/{name}")
    assert SYMPTOMS[name](sqlite)
    assert sqlite.api.faults.fired(name) > 0
    assert sqlite.api.journal.breaches == 0, "a dishonest answer counts as a breach of ours"


def test_a_timing_leak_takes_longer_the_longer_the_common_beginning(sqlite: World) -> None:
    sqlite.api.faults.arm("secret-leaks-by-timing")

    def fastest(secret: str) -> float:
        timings = [sqlite.validate("x", secret=secret).header("server-timing") or "" for _ in range(5)]
        return min(float(timing.rpartition("=")[2]) for timing in timings)

    assert fastest(sqlite.secret[:-1]) > fastest("x" + sqlite.secret[1:]) + 2


def test_sessions_of_a_deleted_user_are_orphaned_by_a_fault_at_the_start_and_at_reset() -> None:
    async def run() -> tuple[int, int]:
        api = create(TuvensApiConfig(faults=("user-sessions-orphaned",)), clock=Clock(START, running=False))
        left = []
        for _ in range(2):
            api.store.add_session("a" * 64, 101, 123, START, START + 900)
            with api.database.write() as connection:
                connection.exec_driver_sql('DELETE FROM "tuvensUser" WHERE id = 101')
            left.append(len(api.list_sessions()))
            assert api.faults.fired("user-sessions-orphaned") > 0
            api.faults.disarm_all()
            api.reset()
        api.database.close()
        return left[0], left[1]

    assert asyncio.run(run()) == (1, 0)


def test_a_hanging_api_answers_nothing_until_the_caller_leaves(sqlite: World) -> None:
    sqlite.api.faults.arm("tuvens-api-hangs")

    async def ask() -> None:
        call = wire.validate_session(sqlite.secret, "x")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sqlite._send(call, ())

    sqlite.runner.run(ask())
    (exchange,) = sqlite.control("GET", "/journal")["exchanges"]
    assert exchange["status"] is None
    assert "before an answer" in exchange["error"]
    assert exchange["faults"] == ["tuvens-api-hangs"]


def test_a_trouble_of_three_times_ends_by_itself(sqlite: World) -> None:
    sqlite.control("PUT", "/faults/webhook-answers-503", {"times": 3})
    assert [sqlite.deliver().status for _ in range(4)] == [503, 503, 503, 200]
    bodies = [each["request_body"] for each in sqlite.control("GET", "/journal")["exchanges"]]
    assert len(set(bodies)) == 1
    assert bodies[0]


def test_troubles_of_the_back_end_routes_leave_the_others_alone(sqlite: World) -> None:
    sqlite.api.faults.arm("tuvens-api-answers-500")
    assert sqlite.mint()
    assert sqlite.event()
