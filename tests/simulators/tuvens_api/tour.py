"""A tour of tuvens-api: every operation as users, back ends and strangers call it, rightly and wrongly."""

import hashlib
import hmac
import json
import re
from collections.abc import AsyncGenerator, Sequence

import jwt as pyjwt
from sqlalchemy import text

from contracts.session_token.wire import generate_session, list_user_accounts, validate_permission, validate_session
from contracts.tuvens_event.wire import get_event, update_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.http import Answer, Call
from simulators.faults import environment_read
from simulators.kit.clock import Clock
from simulators.kit.endpoint import MAX_BODY
from simulators.tuvens_api.app import TuvensApi, TuvensApiConfig, create
from simulators.tuvens_api.jwts import mint_jwt
from tests.simulators.touring import Tour
from tests.simulators.tuvens_api.world import LIMITED, START, UNLIMITED

SECRET = "shared-secret-of-the-tour-0123456789"
LIFETIME = 600
ENVIRONMENT = {
    "HI_EVENTS_SHARED_SECRET": SECRET,
    "CROSS_APP_SESSION_EXPIRY": str(LIFETIME),
    "HI_EVENTS_DOMAIN": "tickets.example.org",
}
ORGANISER, MEMBER, OUTSIDER, NAMELESS = (f"{n}@example.com" for n in ("organiser", "member", "outsider", "nameless"))
SESSIONS, VALIDATE, PERMISSION, ACCOUNTS = (
    f"/api/cross-app/{name}"
    for name in ("generate-session", "validate-session", "validate-permission", "user-accounts")
)
WEBHOOK, STREAM, EVENT = "/api/webhooks/hi-events/event-status-changed", "/api/events/updates", "/api/events/11"
JSON = ("Content-Type", "application/json")
_MESSAGE_NUMBER = re.compile(r"(?<=id: )\d+")


class ApiTour(Tour):
    """Knows tuvens-api's messages, whose numbers go on after a reset."""

    simulator: TuvensApi
    _before = 0

    @staticmethod
    def make(faults: Sequence[str]) -> TuvensApi:
        settings = environment_read(ENVIRONMENT, faults)
        config = TuvensApiConfig.from_environment(settings, faults=tuple(faults), rate_limits=UNLIMITED)
        return create(config, clock=Clock(START, running=False))

    def rewind(self) -> None:
        self.simulator.clock.set(START)
        self.simulator.limits.configure(UNLIMITED)
        self.simulator.reset()

    async def visit(self) -> AsyncGenerator[None]:
        self._before = self.simulator.store._numbered
        for stage in (
            *(_sessions, _jwts, _secrets, _questions, _statuses, _signatures, _malformed, _events, _streams, _origins),
            *(_routes, _bodies, _crowd, _limits, _expiry, _storage),
        ):
            await stage(self)
            yield

    def show(self, line: str) -> str:
        return _MESSAGE_NUMBER.sub(lambda number: str(int(number.group()) - self._before), super().show(line))

    def jwt(self, email: str = ORGANISER) -> str:
        return mint_jwt(self.simulator.config.jwt_secret, self.simulator.seed.user(email), START, 10 * 86_400)

    async def mint(self, email: str = ORGANISER, account: object = 123) -> str:
        return self.token(await self.send(generate_session(self.jwt(email), account)))

    def token(self, answer: Answer) -> str:
        """The session token of a response; a text that is no token where it has none."""
        value = json.loads(answer.body) if answer.body.startswith(b"{") and answer.body.endswith(b"}") else {}
        token = str(value.get("session_token", "no-token-was-handed-out"))
        self.learn(token)
        self.learn(hashlib.sha256(token.encode()).hexdigest()[:8])
        return token

    async def ask(self, token: object, secret: str | None = SECRET) -> None:
        """The three questions of a back end about a session."""
        await self.send(validate_session(secret, token))
        await self.send(list_user_accounts(secret, str(token)))
        await self.send(validate_permission(secret, token, "manage_ticketing"))

    async def deliver(self, status: str, at: str = "14:30:00", event: str = "11", title: str = "Evening") -> None:
        await self.signed(_body(status, at, event, title), event)

    async def signed(self, body: bytes, event: str) -> None:
        """A webhook rightly signed, and what became of the event."""
        await self.send(event_status_changed(body, sign(SECRET, body)))
        await self.send(get_event(event))

    async def change(self, event: str, changes: object, email: str = ORGANISER) -> None:
        await self.send(update_event(self.jwt(email), event, {}).with_body(json.dumps(changes).encode()))
        await self.send(get_event(event))

    async def advance(self, seconds: float) -> None:
        await self.simulator.clock.advance(seconds)


def _body(status: str, at: str, event: str, title: str = "Evening") -> bytes:
    sent_at = f"2025-07-25T{at}.000Z"
    return status_changed_body(event_id=2, title=title, status=status, tuvens_event_id=event, sent_at=sent_at)


async def _sessions(t: ApiTour) -> None:
    for email, account in ((ORGANISER, 124), (MEMBER, 123), (OUTSIDER, 200), (NAMELESS, 123)):
        token = await t.mint(email, account)
        await t.ask(token)
        await t.ask(token)
    accounts: tuple[object, ...] = (124, 999, 2**70, "123", "acme", 0, -1, 1.5, True, None, [123])
    for asked in accounts:
        await t.mint(MEMBER, asked)
    await t.request("POST", SESSIONS, JSON, ("Authorization", f"Bearer {t.jwt()}"), body=b"{}")


async def _jwts(t: ApiTour) -> None:
    key, good = t.simulator.config.jwt_secret, {"sub": "1", "exp": START + 60}
    changed: list[dict[str, object]] = [{}, {"exp": START}, {"exp": START - 5}, {"exp": None}, {"nbf": START + 5}]
    changed += [{"sub": "999"}, {"sub": None}]
    jwts = [
        *(pyjwt.encode({**good, **each}, key, algorithm="HS256") for each in changed),
        pyjwt.encode(good, "another-secret-of-more-than-32-bytes!", algorithm="HS256"),
        pyjwt.encode(good, "", algorithm="none"),
        *(t.jwt() + "x", "nonsense", "mock-jwt-token", "a.b.c", None),
    ]
    for jwt in jwts:
        t.token(await t.send(generate_session(jwt, 123)))
        await t.send(update_event(jwt, "12", {"hasTicketing": True}))
    for value in ("Bearer", f"Basic {t.jwt()}"):
        await t.request("POST", SESSIONS, JSON, ("Authorization", value), body=b'{"account_id": 123}')
    await t.send(generate_session(t.jwt(), 123), ("Authorization", f"Bearer {t.jwt()}"))


async def _secrets(t: ApiTour) -> None:
    used, unused = await t.mint(), await t.mint()
    wrong = ("wrong", "test-secret", SECRET[:-1], SECRET + "x", SECRET.upper(), "x" + SECRET[1:])
    for secret in (SECRET, None, "", *wrong):
        await t.ask(used, secret)
    await t.send(validate_session("wrong", unused))
    await t.ask(unused)
    await t.send(validate_session(SECRET, used), ("x-shared-secret", SECRET))


async def _questions(t: ApiTour) -> None:
    token, other = await t.mint(), await t.mint(MEMBER)
    words = ("x" * 43, "x", "mock_token", "", "a'b", "a\x00b", "' OR '1'='1", "\u202e\U0001f3b5")
    for nonsense in (*words, None, 5, ["x"]):
        await t.ask(nonsense)
    for permission in ("create_events", "manage_ticketing", "fly", "", "'", None, 5):
        for resource in (None, 11, 61, 2**70, "11", 1.5, True):
            await t.send(validate_permission(SECRET, token, permission, resource))
        for resource in (None, 11):
            await t.send(validate_permission(SECRET, other, permission, resource))
    question = {"session_token": token, "permission": "create_events", "resource_id": None}
    await t.send(validate_permission(SECRET, "x", "x").with_body(json.dumps(question).encode()))
    await t.send(list_user_accounts(SECRET, None))


async def _statuses(t: ApiTour) -> None:
    for minute, status in enumerate(("LIVE", "DRAFT", "CANCELLED", "ENDED", "ARCHIVED", "live", "LIVE", "PARTY")):
        await t.deliver(status, f"14:{minute:02d}:00")
        await t.advance(1)
    for status, at in (
        *(("LIVE", "14:30:00"), ("LIVE", "14:30:00"), ("ENDED", "14:30:00"), ("LIVE", "14:30:00")),
        *(("DRAFT", "14:29:59"), ("ENDED", "14:31:00"), ("LIVE", "14:29:50"), ("LIVE", "14:32:00")),
    ):
        await t.deliver(status, at)
        await t.advance(1)
    await t.deliver("LIVE", event="61", title="Évening № 1")
    await t.deliver("LIVE", event="999")


async def _signatures(t: ApiTour) -> None:
    body = _body("ENDED", "15:00:00", "13")
    right, sha1 = sign(SECRET, body), hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
    forged = (None, "", right[:-3], right[7:], right.upper(), f"sha256={right[7:].upper()}", f"sha1={sha1}")
    for wrong in (*forged, f"sha256={'0' * 64}", sign("another", body), sign(SECRET, b"another")):
        await t.send(event_status_changed(body, wrong))
        await t.send(get_event("13"))
    await t.send(event_status_changed(body, right), ("x-hi-events-signature", right))
    await t.send(event_status_changed(b"nonsense", right))
    await t.send(event_status_changed(b'{"event_type": 5}', None))
    # The same JSON as other languages write it.
    await t.signed(json.dumps(json.loads(_body("LIVE", "15:01:00", "13"))).encode(), "13")
    # A time as PHP writes it.
    await t.signed(_body("ENDED", "15:01:30", "13").replace(b'Z"', b'+00:00"', 1), "13")
    for minute, title in enumerate((b"A\\/B", b"\\u00c9"), 2):
        await t.signed(_body("ENDED", f"15:{minute:02d}:00", "13").replace(b"Evening", title), "13")


async def _malformed(t: ApiTour) -> None:
    value = json.loads(_body("LIVE", "15:00:00", "14"))
    wrong: list[object] = [{name: each for name, each in value.items() if name != left_out} for left_out in value]
    wrong += [{**value, "event_type": "event.deleted"}, {**value, "event_sent_at": "yesterday"}, [value]]
    for name in value["payload"]:
        wrong += [{**value, "payload": {**value["payload"], name: each}} for each in ([1], None, 2**70)]
    for body in (b"nonsense", b"", b"\xff", b"[" * 3000, b'{"a": NaN}', *(json.dumps(each).encode() for each in wrong)):
        await t.send(event_status_changed(body, sign(SECRET, body)))
    await t.send(get_event("14"))


async def _events(t: ApiTour) -> None:
    for number in ("11", "61", "999", "x" * 300, "a b'", "\x00"):
        await t.send(get_event(number))
    for target in ("/api/events/1%2F1", f"{EVENT}?verbose=1", f"{EVENT}?%ff"):
        await t.request("GET", target)
    await t.deliver("LIVE", "15:00:00", event="15")
    changes: tuple[object, ...] = (
        *({"hasTicketing": True, "hiEventsEventId": "7"}, {"hiEventsEventId": 8}, {"hiEventsEventId": None}),
        *({"hasTicketing": False}, {"hasTicketing": True}, {"hasTicketing": "yes"}, {"title": "x"}, {}, [], 5),
    )
    for change in changes:
        await t.change("15", change)
        await t.change("16", change)
    for email in (MEMBER, OUTSIDER, NAMELESS):
        await t.change("17", {"hasTicketing": True}, email)
        await t.change("17", {"hiEventsEventId": "7"}, email)
    await t.change("999", {"hasTicketing": True})
    for jwt, body in ((t.jwt(), b""), (None, b'{"hasTicketing": ')):
        await t.send(update_event(jwt, "16", {}).with_body(body))


async def _streams(t: ApiTour) -> None:
    before_last = max((number for number, _ in t.simulator.store.messages(0)), default=0) - 1
    for hour, last in enumerate((None, str(before_last), "0" * 30, "abc", "²"), 16):
        headers = () if last is None else (("Last-Event-ID", last),)
        async with t.listening(Call("", "GET", STREAM, headers)):
            t.note("streams", t.simulator.health()["streams"])
            for body in (_body("LIVE", f"{hour}:00:00", "18", "№"), _body("ENDED", "15:00:00", "18"), b"{}"):
                await t.signed(body, "18")
            await t.send(event_status_changed(_body("ENDED", "22:00:00", "18"), None))
            await t.advance(31)
    await t.request("GET", STREAM)
    t.note("streams", t.simulator.health()["streams"])


async def _origins(t: ApiTour) -> None:
    known = ("http://localhost:5173", "https://tickets.example.org")
    similar = ("https://eviltickets.example.org", "https://tickets.example.org.evil.example")
    for origin in (*known, "https://tickets.tuvens.com", "https://evil.example", *similar):
        await t.request("GET", EVENT, ("Origin", origin))
        await t.request("OPTIONS", EVENT, ("Origin", origin), ("Access-Control-Request-Method", "PATCH"))
    await t.request("OPTIONS", VALIDATE)


async def _routes(t: ApiTour) -> None:
    paths = (SESSIONS, VALIDATE, PERMISSION, ACCOUNTS, f"{ACCOUNTS}?session_token=x", WEBHOOK, STREAM, EVENT)
    for path in (*paths, "/", "/api", f"{EVENT}/", EVENT.upper()):
        for method in ("HEAD", "GET", "DELETE"):
            await t.request(method, path)


async def _bodies(t: ApiTour) -> None:
    large = b'{"session_token": "' + b"x" * MAX_BODY + b'"}'
    rights = (("x-shared-secret", SECRET), ("Authorization", f"Bearer {t.jwt()}"))
    for path in (SESSIONS, VALIDATE, WEBHOOK):
        await t.request("POST", path, JSON, *rights, ("x-hi-events-signature", sign(SECRET, large)), body=large)
    await t.request("POST", VALIDATE, JSON, *rights, ("Transfer-Encoding", "chunked"), body=large)
    for body in (b"nonsense", b"", b"null", b"[]", b'{"session_token": "\xff"}', b'{"session_token": "\\ud800"}'):
        for path in (SESSIONS, VALIDATE, PERMISSION):
            await t.request("POST", path, JSON, *rights, body=body)
    for media_type in ("text/plain", "application/json; charset=latin-1", ""):
        await t.request("POST", VALIDATE, ("Content-Type", media_type), *rights, body=b'{"session_token": "x"}')
    for query in ("session_token=x&session_token=y", "session_token=%ff", "session_token=a%00b", "&".join("a" * 200)):
        await t.request("GET", f"{ACCOUNTS}?{query}", *rights)


async def _crowd(t: ApiTour) -> None:
    jwts = [t.jwt(f"guest-{number}@example.com") for number in range(101, 111)]
    tokens = [t.token(answer) for answer in await t.send_all([generate_session(each, 123) for each in jwts])]
    await t.send_all([validate_session(SECRET, token) for token in tokens * 6])


async def _limits(t: ApiTour) -> None:
    token, other = await t.mint(), await t.mint()
    t.simulator.limits.configure(dict.fromkeys(LIMITED, 2))
    for _ in range(2):
        await t.send(validate_session("wrong", token))
        for email in (ORGANISER, ORGANISER, MEMBER, ORGANISER):
            await t.mint(email)
        for each in (token, token, other, token):
            await t.ask(each)
            await t.deliver("LIVE", "23:00:00")
        await t.advance(61)
    t.simulator.limits.configure(UNLIMITED)


async def _expiry(t: ApiTour) -> None:
    token, unused = await t.mint(), await t.mint()
    passed = 0.0
    for seconds in (LIFETIME - 6, LIFETIME - 4, LIFETIME - 1, LIFETIME, LIFETIME + 0.9, LIFETIME + 30, LIFETIME + 90):
        await t.advance(seconds - passed)
        passed = seconds
        await t.ask(token)
        t.note("sessions", t.simulator.session_count())
    for each in (unused, token, token):
        await t.ask(each)
    await t.ask(await t.mint())


async def _storage(t: ApiTour) -> None:
    schema = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY sql"
    t.note("schema", t.simulator.database.execute(text(schema)).all())
    t.note("sessions", [{**each, "id": None} for each in t.simulator.list_sessions()])
    t.note("audit", [{**each, "number": None} for each in t.simulator.audit(0)])
    t.note("messages", [data for _, data in t.simulator.store.messages(0)])
