"""A tour of hi.events: every operation as users, browsers and strangers call it, beside a tuvens-api in one process."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from unittest.mock import patch
from urllib.parse import parse_qsl

import httpx
from sqlalchemy import text

from contracts.hi_events_session import wire
from harness.http import Answer
from simulators.hi_events.app import HiEvents, HiEventsConfig, create
from simulators.kit.clock import Clock
from simulators.kit.endpoint import MAX_BODY
from simulators.tuvens_api.simulator import TuvensApi
from tests.simulators.hi_events.world import EVENT_DATA, asked_to_create
from tests.simulators.touring import Tour
from tests.simulators.tuvens_api.tour import JSON, MEMBER, NAMELESS, ORGANISER, OUTSIDER, SECRET, ApiTour
from tests.simulators.tuvens_api.world import START

T = TypeVar("T")
SIGN_IN, STATUS, ACCOUNTS, PERMISSION = (
    f"/auth/cross-app/{name}" for name in ("validate", "status", "accounts", "validate-permission")
)
LIMITED = "validateCrossAppSession"
_NOTED = ("content-type", "x-shared-secret", "x-hi-events-signature")
_TURNS = 500


class HiTour(Tour):
    """Knows hi.events' messages. What it asks tuvens-api is seen, too, and what became of its deliveries."""

    simulator: HiEvents

    def __init__(self, simulator: HiEvents) -> None:
        super().__init__(simulator)
        self.api: TuvensApi = ApiTour.make([])
        self.tuvens = ApiTour(self.api)

    @staticmethod
    def make(faults: Sequence[str]) -> HiEvents:
        config = HiEventsConfig(
            tuvens_url="http://tuvens.test", shared_secret=SECRET, rate_limits={LIMITED: None}, faults=tuple(faults)
        )
        return create(config, clock=Clock(START, running=False))

    def rewind(self) -> None:
        self.simulator.faults.start(self.simulator)
        self.simulator.clock.set(START)
        self.simulator.limits.configure({LIMITED: None})
        self.simulator.database.execute(text("DELETE FROM sqlite_sequence"))
        self.simulator.reset()

    async def visit(self) -> AsyncGenerator[None]:
        for caller in self.simulator._callers:
            caller._client = httpx.AsyncClient(transport=httpx.ASGITransport(self._asked))
        await self.api.start()
        try:
            with patch("asyncio.wait_for", self.wait_for):
                for stage in (
                    *(_users, _tokens, _crowds, _sessions, _questions, _trouble, _expiry, _limits),
                    *(_statuses, _strangers, _deliveries, _pages, _event_pages, _routes, _bodies),
                ):
                    await stage(self)
                    yield
        finally:
            await self.api.stop()

    async def wait_for(self, work: Awaitable[T], seconds: float) -> T:
        """Takes the place of `asyncio.wait_for`: the time is over once nothing goes on."""
        task = asyncio.ensure_future(work)
        await self.idle(task)
        if task.done():
            return task.result()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        raise TimeoutError

    async def idle(self, until: asyncio.Future[Any]) -> None:
        """Let all that can go on do so, until something is done."""
        for _ in range(_TURNS):
            if not until.done():
                await asyncio.sleep(0)

    async def _asked(self, scope: Any, receive: Any, send: Any) -> None:
        """tuvens-api, as hi.events reaches it."""
        message = await receive()
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        target = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()}"
        self.note("asked", (target, [headers.get(each) for each in _NOTED], message["body"]))
        messages = iter([message])

        async def again() -> Any:
            return next(messages, None) or await receive()

        await self.api.app(scope, again, send)

    # -- what a tour does

    async def mint(self, email: str = ORGANISER, account: object = 123) -> str:
        token = await self.tuvens.mint(email, account)
        self.learn(token)
        return token

    async def sign_in(self, token: object) -> str:
        """The bearer token of a sign-in; a text that is no token where it has none."""
        return self.bearer_of(await self.send(wire.sign_in(token)))

    def bearer_of(self, answer: Answer) -> str:
        whole = answer.body.startswith(b"{") and answer.body.rstrip().endswith(b"}")
        bearer = str((json.loads(answer.body) if whole else {}).get("token") or "no-token-was-handed-out")
        self.learn(bearer)
        return bearer

    async def ask(self, bearer: str | None) -> None:
        """The questions about a session."""
        await self.send(wire.session_status(bearer))
        await self.send(wire.session_accounts(bearer))
        await self.send(wire.session_permission(bearer, "manage_ticketing", 61))
        await self.send(wire.session_permission(bearer, "manage_ticketing", 11))
        await self.send(wire.session_permission(bearer, "create_events"))

    async def change(self, bearer: str | None, event: str, *statuses: object) -> None:
        for status in statuses:
            await self.send(wire.set_event_status(bearer, event, status))

    async def advance(self, seconds: float) -> None:
        await self.simulator.clock.advance(seconds)

    @asynccontextmanager
    async def during(self, trouble: str, times: int | None = None) -> Any:
        """tuvens-api has a fault."""
        self.api.faults.arm(trouble, times)
        yield
        self.api.faults.disarm(trouble)

    async def log(self, *pauses: float) -> None:
        """The delivery log after so many seconds each."""
        for pause in pauses:
            await self.advance(pause)
        for each in self.simulator.deliveries():
            found = dict(self.simulator.delivery(each["id"]))
            found["attempts"] = [{**attempt, "seconds": None} for attempt in found["attempts"]]
            self.note("delivery", found)

    async def open(self, token: str, event: str = "35", **query: str) -> Answer:
        return (await self.arrive(asked_to_create(token, event, **query)))[0]

    async def arrive(self, query: dict[str, str]) -> tuple[Answer, str]:
        """Open the page; its response, and the cookie that it sets."""
        answer = await self.send(wire.open_page(query))
        cookie = (answer.header("set-cookie") or "").partition(";")[0]
        self.learn(cookie.partition("=")[2] or "no-cookie-was-set")
        return answer, cookie


async def _users(t: HiTour) -> None:
    for email, account in ((ORGANISER, 123), (ORGANISER, 124), (MEMBER, 123), (OUTSIDER, 200), (NAMELESS, 123)):
        token = await t.mint(email, account)
        await t.ask(await t.sign_in(token))
    await t.ask(await t.sign_in(token))
    t.note("unlinked", t.simulator.health()["unlinked_users"])
    await t.sign_in(await t.mint("guest-120@example.com"))
    t.note("unlinked", t.simulator.health()["unlinked_users"])


async def _tokens(t: HiTour) -> None:
    good = await t.mint()
    for other in (good + "A", good[:-1]):
        t.learn(other)
        await t.sign_in(other)
    for nonsense in ("A" * 43, "x", "mock_token", "", None, 5, ["x"], "a\x00b", "' OR '1'='1", "%"):
        await t.sign_in(nonsense)
    await t.sign_in(good)


async def _crowds(t: HiTour) -> None:
    for emails in ([f"guest-{number}@example.com" for number in range(101, 117)], ["guest-118@example.com"] * 3):
        tokens = [await t.mint(email) for email in emails]
        for answer in await t.send_all([wire.sign_in(token) for token in tokens]):
            t.bearer_of(answer)
    t.note("counts", t.simulator.store.counts())


async def _sessions(t: HiTour) -> None:
    bearer = await t.sign_in(await t.mint())
    for seconds in (3599, 2):
        await t.advance(seconds)
        await t.ask(bearer)
    for wrong in ("x", "test-token", "", None):
        await t.ask(wrong)


async def _questions(t: HiTour) -> None:
    bearer = await t.sign_in(await t.mint())
    for permission in (5, None, "", "fly", "create_events"):
        for resource in ("11", 1.5, 2**70, None):
            await t.send(wire.session_permission(bearer, permission, resource))


async def _trouble(t: HiTour) -> None:
    token = await t.mint()
    bearer = await t.sign_in(token)
    for trouble in ("tuvens-api-answers-500", "tuvens-api-answers-nonsense"):
        async with t.during(trouble):
            await t.sign_in("A" * 43)
            await t.sign_in(token)
            await t.ask(bearer)
            await t.open(token)
        await t.sign_in(token)
        await t.advance(601)
        await t.sign_in(token)
    async with t.during("tuvens-api-hangs"):
        asked = asyncio.ensure_future(t.sign_in(token))
        while not asked.done():
            await t.idle(asked)
            await t.advance(30)


async def _expiry(t: HiTour) -> None:
    token = await t.mint()
    await t.sign_in(token)
    t.api.clock.set(START + 1000)
    for seconds in (0, 31, 1000, 3000, 61):
        await t.advance(seconds)
        await t.sign_in(token)
    t.api.clock.set(START)


async def _limits(t: HiTour) -> None:
    t.simulator.limits.configure({LIMITED: 2})
    for _ in range(2):
        for _ in range(4):
            await t.sign_in("x")
        await t.advance(61)
    t.simulator.limits.configure({LIMITED: None})


async def _statuses(t: HiTour) -> None:
    bearer = await t.sign_in(await t.mint())
    await t.change(
        bearer, "11", "LIVE", "LIVE", "DRAFT", "CANCELLED", "ENDED", "ARCHIVED", "LIVE", "PAUSED", "live", 5, None
    )
    await t.log(0)
    for event in ("11", "12", "999", "abc", "0", "9" * 30):
        await t.send(wire.read_event(bearer, event))
        await t.change(bearer, event, "LIVE")
    await t.log(0)


async def _strangers(t: HiTour) -> None:
    outsider = await t.sign_in(await t.mint(OUTSIDER, 200))
    for bearer in (outsider, "nobody", None):
        await t.send(wire.read_event(bearer, "13"))
        await t.change(bearer, "13", "LIVE")
    await t.send(wire.read_event(await t.sign_in(await t.mint()), "13"))
    await t.log(0)


async def _deliveries(t: HiTour) -> None:
    bearer = await t.sign_in(await t.mint())
    event = 14
    for trouble, times in (
        *(("webhook-answers-503", 1), ("webhook-answers-503", 3), ("webhook-answers-400", 1)),
        *(("webhook-answers-429", 1), ("webhook-hangs", 1)),
    ):
        async with t.during(trouble, times):
            await t.change(bearer, str(event), "LIVE")
            await t.change(bearer, str(event), "CANCELLED")
            await t.log(1, 1, 5, 25, 120)
        event += 1


async def _pages(t: HiTour) -> None:
    token = await t.mint()
    for event, data in (("35", EVENT_DATA), ("35", EVENT_DATA), ("34", '{"title": "Soirée", "timezone": "UTC"}')):
        made = await t.open(token, event, event_data=data)
    for event in ("61", "999", "100%", "abc", ""):
        await t.open(token, event)
    for data in ("", "nonsense", "[]", '{"title": ""}', '{"title": "A", "start_date": "soon"}', '{"title": 5}'):
        await t.open(token, "36", event_data=data)
    for back in (
        "https://evil.example/x",
        "javascript:alert(1)",
        "/",
        "",
        "http://localhost:5173.evil.example/",
        "http://localhost:61616/",
    ):
        await t.open(token, "37", return_url=back)
        await t.open("A" * 43, "37", return_url=back)
    await t.open("A" * 43)
    bearer = await t.sign_in(token)
    number = dict(parse_qsl((made.header("location") or "").partition("?")[2])).get("hi_events_event_id", "0")
    await t.send(wire.read_event(bearer, number))
    await t.change(bearer, number, "LIVE")
    await t.log(0)
    arrived, cookie = await t.arrive({"session_token": token})
    await t.request("GET", arrived.header("location") or "/manage", ("Cookie", cookie))


async def _event_pages(t: HiTour) -> None:
    ids = ("11", "999", "abc", "%25")
    for path in (f"{page}/{each}{rest}" for page, rest in (("/widget", ""), ("/event", "/evening")) for each in ids):
        await t.request("GET", path)
    for _ in range(10):
        await t.request("GET", "/event/11/evening-11/embed")


async def _routes(t: HiTour) -> None:
    for path in (
        SIGN_IN,
        STATUS,
        ACCOUNTS,
        PERMISSION,
        "/auth/cross-app",
        "/events/11",
        "/events/11/status",
        "/",
        "/x",
    ):
        for method in ("HEAD", "GET", "DELETE", "OPTIONS"):
            await t.request(method, path)


async def _bodies(t: HiTour) -> None:
    bearer = await t.sign_in(await t.mint())
    # Frameworks show pages to those who do not ask for JSON, and no document says which.
    right = (("Authorization", f"Bearer {bearer}"), ("Accept", "application/json"))
    for body in (b"nonsense", b"", b"null", b"[]", b'{"session_token": "\xff"}', b'{"permission": "\\ud800"}'):
        for method, path in (("POST", SIGN_IN), ("POST", PERMISSION), ("PUT", "/events/18/status")):
            await t.request(method, path, JSON, *right, body=body)
    await t.send(wire.sign_in("x" * MAX_BODY))
    for media_type in ("text/plain", "application/json; charset=latin-1", ""):
        body = b'{"status": "LIVE"}'
        await t.request("PUT", "/events/18/status", ("Content-Type", media_type), *right, body=body)
