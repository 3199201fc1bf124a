"""Every fault breaks what its sentence says, is counted, and is gone once disarmed."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt as pyjwt
import pytest

from contracts.session_token import wire
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.http import Answer
from simulators.kit.clock import Clock
from simulators.tuvens_api.app import Config, create
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


def _session_life(world: World) -> float:
    token = world.mint()
    for second in (900, 959, 960, 3599, 3600):
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
    return [data for _, data in world.api._state.messages(0)]


def _sent(world: World, expected: int) -> bool:
    world.deliver()
    return len(_messages(world)) == expected


def _sent_for_refused(world: World) -> bool:
    world.send(event_status_changed(BODY, None))
    return len(_messages(world)) == 1


def _frames(world: World) -> bytes:
    """What an open stream is sent for a webhook, and for 30 s without one."""

    async def read() -> bytes:
        stream = world.api._hub.open(())
        await anext(stream)
        await world._send(event_status_changed(BODY, sign(world.secret, BODY)), ())
        await world.api.clock.advance(30)
        queue = next(iter(world.api._hub._queues))
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
    return len(world.api.sessions())


def _last_used(world: World) -> object:
    world.validate(world.mint())
    return world.api.sessions()[0]["last_used"]


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
    "sse-not-sent": lambda world: _sent(world, 0),
    "sse-sent-for-refused-webhooks": _sent_for_refused,
    "sse-without-heartbeat": lambda world: b"heartbeat" not in _frames(world),
    "audit-misses-failures": lambda world: [each["status"] for each in _audit(world)] == [200, 200],
    "audit-holds-tokens": lambda world: "session " in str(_audit(world)[0]["detail"]),
    "tuvens-api-answers-500": lambda world: world.validate("x").status == 500,
    "tuvens-api-answers-nonsense": lambda world: world.validate("x").body.startswith(b"<!doctype"),
    "webhook-answers-503": lambda world: world.deliver().status == 503,
    "webhook-answers-429": lambda world: world.deliver().status == 429,
    "webhook-answers-400": lambda world: world.deliver().status == 400,
}

ELSEWHERE = {"user-sessions-orphaned", "tuvens-api-hangs"}


def test_every_fault_has_a_symptom_here_or_a_test_of_its_own() -> None:
    assert set(SYMPTOMS) | ELSEWHERE == {fault.name for fault in FAULTS}


def test_faults_are_told_in_sentences_and_troubles_are_marked() -> None:
    assert len({fault.sentence for fault in FAULTS}) == len(FAULTS)
    assert all(fault.sentence.endswith(".") and fault.app == "tuvens-api" for fault in FAULTS)
    troubles = {fault.name for fault in FAULTS if fault.kind == "trouble"}
    assert troubles == {
        "tuvens-api-answers-500",
        "tuvens-api-answers-nonsense",
        "tuvens-api-hangs",
        "webhook-answers-503",
        "webhook-answers-429",
        "webhook-answers-400",
    }


@pytest.mark.parametrize("name", SYMPTOMS)
def test_a_fault_shows_its_symptom_is_counted_and_ends(sqlite: World, name: str) -> None:
    if name not in {"secret-leaks-by-timing"}:
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
        api = create(Config(faults=("user-sessions-orphaned",)), clock=Clock(START, running=False))
        left = []
        for _ in range(2):
            api._state.add_session("a" * 64, 101, 123, START, START + 900)
            with api.database.write() as connection:
                connection.exec_driver_sql('DELETE FROM "tuvensUser" WHERE id = 101')
            left.append(len(api.sessions()))
            assert api.faults.fired("user-sessions-orphaned") == 1
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
