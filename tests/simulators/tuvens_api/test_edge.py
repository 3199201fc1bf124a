"""Rate limits, CORS, audit log, times: what surrounds every route."""

import json
import re
import sqlite3
from typing import Any

import pytest

from contracts.session_token import wire
from contracts.times import parse_iso
from contracts.webhook.wire import event_status_changed, sign
from harness.http import Answer, Call
from simulators.kit.clock import Clock
from simulators.kit.errors import StartError
from simulators.tuvens_api.app import TuvensApiConfig, create
from tests.simulators.tuvens_api.world import LIMITED, START, World, error_code

CONTRACT = {
    "generateSession": 10,
    "validateSession": 100,
    "listUserAccounts": 50,
    "validatePermission": 100,
    "receiveEventStatusChanged": 1000,
}


def _limits(answer: Answer) -> tuple[int, int, int]:
    names = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
    values = [answer.header(name) for name in names]
    assert all(values), answer.headers
    limit, remaining, reset = (int(value or "") for value in values)
    return limit, remaining, reset


def test_the_limits_of_the_contract_hold_unless_they_are_changed() -> None:
    api = create()
    assert api.limits.table() == CONTRACT
    api.database.close()


def test_the_eleventh_session_of_a_user_in_a_minute_is_429(sqlite: World) -> None:
    sqlite.api.limits.configure(CONTRACT)
    call = wire.generate_session(sqlite.jwt(), 123)
    answers = [sqlite.send(call) for _ in range(11)]
    assert [answer.status for answer in answers] == [200] * 10 + [429]
    assert [_limits(answer)[:2] for answer in answers] == [(10, left) for left in (*range(9, -1, -1), 0)]
    assert {_limits(answer)[2] for answer in answers} == {int(START) + 60}
    assert error_code(answers[-1]) == "TOO_MANY_REQUESTS"
    assert answers[-1].header("retry-after") == "60"
    assert sqlite.send(wire.generate_session(sqlite.jwt("member@example.com"), 123)).status == 200
    sqlite.advance(59.9)
    assert sqlite.send(call).header("retry-after") == "1"
    sqlite.advance(0.1)
    assert sqlite.send(call).status == 200


def test_each_limit_is_counted_by_its_own_key(sqlite: World) -> None:
    sqlite.api.limits.configure(dict.fromkeys(LIMITED, 2))
    one, other = sqlite.mint(), sqlite.mint()
    assert [sqlite.validate(token).status for token in (one, other, one)] == [200, 200, 429]
    assert [sqlite.accounts(token).status for token in (one, one, one, other)] == [200, 200, 429, 200]
    asked = [sqlite.permission(token, "create_events").status for token in (one, one, one, other)]
    assert asked == [200, 200, 429, 200]
    assert [sqlite.deliver().status for _ in range(3)] == [200, 200, 429]


def test_failed_authentication_does_not_count_and_still_has_the_headers(sqlite: World) -> None:
    sqlite.api.limits.configure(dict.fromkeys(LIMITED, 1))
    token = "x" * 43
    for call in (
        wire.generate_session("wrong", 123),
        wire.validate_session("wrong", token),
        wire.list_user_accounts("wrong", token),
        wire.validate_permission("wrong", token, "create_events"),
        event_status_changed(b"{}", "wrong"),
    ):
        answers = [sqlite.send(call) for _ in range(3)]
        assert [answer.status for answer in answers] == [401] * 3
        assert {_limits(answer) for answer in answers} == {(1, 1, int(START) + 60)}


def test_every_kind_of_answer_of_a_limited_route_has_the_headers(sqlite: World) -> None:
    answers = [
        sqlite.validate(sqlite.mint()),
        sqlite.validate(None),
        sqlite.validate("x" * 43),
        sqlite.send(wire.generate_session(sqlite.jwt(), 999)),
        sqlite.deliver(event="999"),
        sqlite.validate("x" * (1024 * 1024)),
    ]
    assert [answer.status for answer in answers] == [200, 400, 404, 403, 404, 413]
    for answer in answers:
        _limits(answer)


def test_other_routes_have_no_limit(sqlite: World) -> None:
    answers = [sqlite.request("GET", "/api/events/11") for _ in range(200)]
    assert {answer.status for answer in answers} == {200}
    assert answers[0].header("x-ratelimit-limit") is None


def _origins(world: World, origin: str, method: str = "GET", *more: tuple[str, str]) -> Answer:
    return world.request(method, "/api/events/11", ("Origin", origin), *more)


ADMITTED = ["https://tickets.tuvens.com", "http://localhost:5173"]
REFUSED = [
    "http://tickets.tuvens.com",
    "https://tickets.tuvens.com:8443",
    "https://tickets.tuvens.com/",
    "https://tickets.tuvens.com.evil.example",
    "https://eviltickets.tuvens.com",
    "https://evil.tickets.tuvens.com",
    "https://TICKETS.TUVENS.COM",
    "https://tuvens.com",
    "http://localhost:5174",
    "https://localhost:5173",
    "null",
    "",
    "*",
]


@pytest.mark.parametrize("origin", ADMITTED)
def test_the_origins_of_the_deployment_are_admitted_with_credentials(sqlite: World, origin: str) -> None:
    answer = _origins(sqlite, origin)
    assert answer.header("access-control-allow-origin") == origin
    assert answer.header("access-control-allow-credentials") == "true"
    assert "X-RateLimit-Remaining" in (answer.header("access-control-expose-headers") or "")
    preflight = _origins(sqlite, origin, "OPTIONS", ("Access-Control-Request-Method", "PATCH"))
    assert (preflight.status, preflight.body) == (204, b"")
    assert preflight.header("access-control-allow-origin") == origin
    assert preflight.header("access-control-allow-credentials") == "true"
    assert preflight.header("access-control-allow-methods") == "GET, POST, PATCH"
    allowed = "Authorization, Content-Type, X-Session-Token, X-Shared-Secret"
    assert preflight.header("access-control-allow-headers") == allowed


@pytest.mark.parametrize("origin", REFUSED)
def test_no_other_origin_is_admitted(sqlite: World, origin: str) -> None:
    preflight = ("Access-Control-Request-Method", "GET")
    for answer in (_origins(sqlite, origin), _origins(sqlite, origin, "OPTIONS", preflight)):
        assert not [name for name, _ in answer.headers if name.lower().startswith("access-control-")]
        assert answer.header("vary") == "Origin"


def test_errors_have_the_cors_headers_too(sqlite: World) -> None:
    for path in ("/api/events/999", "/nowhere"):
        answer = sqlite.request("GET", path, ("Origin", ADMITTED[0]))
        assert answer.header("access-control-allow-origin") == ADMITTED[0]


def test_the_domain_and_the_client_origins_are_configured() -> None:
    config = TuvensApiConfig(hi_events_domain="tickets.example.org", client_origins=("https://example.org",))
    assert config.origins == {"https://tickets.example.org", "https://example.org"}


def test_every_answer_tells_the_simulated_date_and_the_time_it_took(world: World) -> None:
    world.api.clock.set(1_000_000_000)
    for answer in (world.validate("x"), world.request("GET", "/nowhere"), world.request("OPTIONS", "/api/events/11")):
        assert answer.header("date") == "Sun, 09 Sep 2001 01:46:40 GMT"
        timing = re.fullmatch(r"db;dur=(\d+\.\d+), total;dur=(\d+\.\d+)", answer.header("server-timing") or "")
        assert timing
        assert 0 <= float(timing[1]) <= float(timing[2])
    assert float((world.validate("x").header("server-timing") or "").split("=")[1].split(",")[0]) > 0


def test_errors_tell_the_simulated_time(sqlite: World) -> None:
    value = sqlite.request("GET", "/nowhere").json()
    assert isinstance(value, dict)
    assert parse_iso(value["timestamp"]) == START


def _records(world: World) -> list[tuple[str, int, str | None, int | None, str | None]]:
    return [
        (each["operation"], each["status"], each["user_id"], each["account_id"], each["error_code"])
        for each in world.api.audit(0)
    ]


def test_every_cross_app_call_and_webhook_is_audited_once(world: World) -> None:
    token = world.mint()
    world.validate(token)
    world.accounts(token)
    world.permission(token, "create_events")
    world.deliver()
    world.validate(token, secret="wrong")
    world.validate(None)
    world.validate("x" * 43)
    world.send(wire.generate_session("wrong", 123))
    world.send(wire.generate_session(world.jwt("member@example.com"), 999))
    world.send(event_status_changed(b"nonsense", None))
    world.deliver(event="999")
    world.event()
    assert _records(world) == [
        ("generateSession", 200, "1", 123, None),
        ("validateSession", 200, "1", 123, None),
        ("listUserAccounts", 200, "1", 123, None),
        ("validatePermission", 200, "1", 123, None),
        ("receiveEventStatusChanged", 200, None, 123, None),
        ("validateSession", 401, None, None, "UNAUTHORIZED"),
        ("validateSession", 400, None, None, "VALIDATION_ERROR"),
        ("validateSession", 404, None, None, "SESSION_NOT_FOUND"),
        ("generateSession", 401, None, None, "UNAUTHORIZED"),
        ("generateSession", 403, "2", None, "FORBIDDEN"),
        ("receiveEventStatusChanged", 401, None, None, "UNAUTHORIZED"),
        ("receiveEventStatusChanged", 404, None, None, "EVENT_NOT_FOUND"),
    ]


def test_a_throttled_and_an_oversized_call_are_audited_too(sqlite: World) -> None:
    sqlite.api.limits.configure({"validateSession": 1})
    sqlite.validate("x")
    sqlite.validate("x")
    sqlite.deliver("x" * (1024 * 1024))
    codes = ["SESSION_NOT_FOUND", "TOO_MANY_REQUESTS", "PAYLOAD_TOO_LARGE"]
    assert [record[4] for record in _records(sqlite)] == codes


def test_neither_audit_log_nor_journal_holds_a_secret(world: World) -> None:
    token, jwt = world.mint(), world.jwt()
    answers = [
        world.validate(token),
        world.accounts(token),
        world.validate(token, secret=world.secret[:-1]),
        world.send(wire.generate_session(jwt, 123)),
        world.send(wire.validate_session(world.secret, token).with_body(f'{{"session_token": "{token}", '.encode())),
        world.request("GET", f"/api/events/{token}?jwt={jwt}", ("X-Other", f"{token} {jwt} {world.secret}")),
        world.request("POST", "/nowhere", ("Cookie", f"jwt={jwt}"), body=token.encode()),
    ]
    minted = wire.read_session(answers[3]).session_token
    seen = json.dumps(world.control("GET", "/journal")) + json.dumps(world.control("GET", "/audit"))
    seen += json.dumps(world.control("GET", "/sessions")) + json.dumps(world.control("GET", "/health"))
    for secret in (token, minted, jwt, world.secret, world.secret[:-1]):
        assert secret not in seen
    fingerprint = world.api.list_sessions()[0]["token_fingerprint"]
    assert seen.count(f"<session-token:{fingerprint}>") >= 4


INJECTIONS = [
    "'",
    "' OR '1'='1",
    '\'; DROP TABLE "crossAppSession"; --',
    '" OR 1=1 --',
    "\\",
    "%00",
    "%' AND 1=CAST((SELECT version()) AS int) --",
    "${jndi:ldap://x}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "\u202e\ufeff",
    "🎵" * 300,
    "a" * 20_000,
]


@pytest.mark.parametrize("text", INJECTIONS, ids=range(len(INJECTIONS)))
def test_an_injection_string_is_an_unknown_value_and_changes_nothing(world: World, text: str) -> None:
    token = world.mint()
    before = (world.api.list_sessions(), world.event(), world.event("61"))
    assert world.validate(text).status == 404
    assert world.send(wire.list_user_accounts(world.secret, text)).status == 404
    assert world.permission(text, "create_events").status == 404
    assert world.permission(token, text).json() == {"has_permission": False}
    assert world.deliver(event=text).status == 404
    assert world.send(wire.validate_session(text.encode().decode("latin-1"), token)).status == 401
    assert (world.api.list_sessions(), world.event(), world.event("61")) == before


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "\udfff x"])
def test_text_that_no_database_can_hold_is_400(world: World, text: str) -> None:
    token = world.mint()

    def ascii_json(call: Call, value: object) -> Call:
        return call.with_body(json.dumps(value).encode())

    call = wire.validate_session(world.secret, "x")
    assert world.send(ascii_json(call, {"session_token": text})).status == 400
    permission = wire.validate_permission(world.secret, "x", "x")
    assert world.send(ascii_json(permission, {"session_token": token, "permission": text})).status == 400
    assert world.send(ascii_json(permission, {"session_token": token, "permission": "x", text: 1})).status == 400
    body = json.dumps({"hiEventsEventId": text}).encode()
    headers = (("Authorization", f"Bearer {world.jwt()}"), ("Content-Type", "application/json"))
    assert world.request("PATCH", "/api/events/11", *headers, body=body).status == 400


@pytest.mark.parametrize(
    "query", ["session_token=%00", "session_token=%FF", "session_token=a%00b", "&".join("abc" * 90)]
)
def test_a_query_that_is_no_text_is_400(world: World, query: str) -> None:
    answer = world.request("GET", f"/api/cross-app/user-accounts?{query}", ("x-shared-secret", world.secret))
    assert answer.status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_048_576,
        b'{"session_token":' * 60_000,
        b'{"session_token": "a", "session_token": "b"}',
        b'{"session_token": NaN}',
        b'{"session_token": "\xff"}',
        b"\xef\xbb\xbf{}",
        b'"' + b"a" * 1_048_000,
        b'{"session_token": "a"} x',
        b"-",
        b" ",
    ],
    ids=range(10),
)
def test_a_body_that_is_no_strict_json_is_400(world: World, body: bytes) -> None:
    answer = world.send(wire.validate_session(world.secret, "x").with_body(body))
    assert (answer.status, error_code(answer)) == (400, "VALIDATION_ERROR")
    assert world.send_signed(body).status == 400


def test_a_body_of_just_one_mebibyte_is_read_and_one_byte_more_is_413(sqlite: World) -> None:
    whole = b'{"session_token":"' + b"a" * (1_048_576 - 20) + b'"}'
    call = wire.validate_session(sqlite.secret, "x")
    assert sqlite.send(call.with_body(whole)).status == 404
    answer = sqlite.send(call.with_body(whole + b" "))
    assert (answer.status, error_code(answer)) == (413, "PAYLOAD_TOO_LARGE")
    assert sqlite.send(wire.validate_session("wrong", "x").with_body(whole + b" ")).status == 401
    assert sqlite.send(event_status_changed(whole + b" ", sign(sqlite.secret, whole + b" "))).status == 413


def test_settings_come_from_the_documented_variables() -> None:
    config = TuvensApiConfig.from_environment(
        {
            "CROSS_APP_SHARED_SECRET": "older",
            "HI_EVENTS_SHARED_SECRET": "newer",
            "CROSS_APP_SESSION_EXPIRY": "60",
            "HI_EVENTS_DOMAIN": "tickets.example.org",
            "JWT_SECRET": "j" * 32,
        },
        control_token="t",
    )
    assert (config.shared_secret, config.session_expiry, config.jwt_secret) == ("newer", 60, "j" * 32)
    assert (config.hi_events_domain, config.control_token) == ("tickets.example.org", "t")
    assert TuvensApiConfig.from_environment({"CROSS_APP_SHARED_SECRET": "older"}).shared_secret == "older"
    assert TuvensApiConfig.from_environment({}) == TuvensApiConfig()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HI_EVENTS_SHARED_SECRET", ""),
        ("HI_EVENTS_SHARED_SECRET", "sécret"),
        ("CROSS_APP_SESSION_EXPIRY", "soon"),
        ("CROSS_APP_SESSION_EXPIRY", "0"),
        ("HI_EVENTS_DOMAIN", "https://tickets.tuvens.com"),
        ("JWT_SECRET", "short"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_the_variable(variable: str, value: str) -> None:
    with pytest.raises(StartError) as error:
        TuvensApiConfig.from_environment({variable: value})
    assert str(error.value).startswith(variable)
    assert "\n" not in str(error.value)


def test_a_client_origin_with_a_path_is_refused() -> None:
    with pytest.raises(StartError, match="client origin"):
        TuvensApiConfig(client_origins=("http://localhost:5173/",))


def test_an_unknown_fault_or_limit_stops_the_start_and_names_near_ones() -> None:
    with pytest.raises(StartError, match="tokens-are-short"):
        create(TuvensApiConfig(faults=("tokens-are-shor",)))
    with pytest.raises(StartError, match="validateSession"):
        create(TuvensApiConfig(rate_limits={"validateSesion": 1}))


def test_a_configured_expiry_takes_effect() -> None:
    api = create(TuvensApiConfig(session_expiry=5), clock=Clock(START, running=False))
    assert api.config.session_expiry == 5
    api.database.close()


class _NoSpace:
    """A cursor of a database whose disk is full."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def execute(self, sql: str, *more: Any) -> Any:
        if sql == "COMMIT":
            raise sqlite3.OperationalError("database or disk is full")
        return self._cursor.execute(sql, *more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cursor, name)


def test_what_could_not_be_kept_is_answered_with_500(sqlite: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sqlite.api.database.group, "cursor", _NoSpace(sqlite.api.database.group.cursor))
        answers = sqlite.send_all([wire.generate_session(sqlite.jwt(), 123)] * 2)
    assert [error_code(answer) for answer in answers] == ["INTERNAL_ERROR"] * 2
    assert sqlite.api.list_sessions() == []
    assert sqlite.api.services.failures == 2
    sqlite.api.services.failures = 0
    assert sqlite.validate(sqlite.mint()).status == 200
