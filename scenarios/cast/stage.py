"""What the stories of a run share: connections, turns within rate limits, sessions, clocks."""

import asyncio
import hashlib
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

import openapi
from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.times import parse_http_date, parse_iso
from harness.chromium import Chromium
from harness.deployment import Control, Deployment, Linked, Target, User
from harness.history import SHARED, Exchange, Outcome
from harness.http import Answer, Call, WireError
from harness.judging import shown
from harness.pacing import Allowance, Pacer, pause_after_429
from harness.receiver import Receiver
from harness.recorder import Forwarding, Recorder
from harness.story import StoryStoppedError

_TRIES = 3
# A Date header has whole seconds and is a moment old; a clock that is further ahead than this is not merely wrong.
_HARDLY, _FURTHEST = 2.0, 300.0


@dataclass(frozen=True, slots=True)
class Reply:
    """The outcome of a call: the recorded exchange, and the response as received (None: there was none)."""

    exchange: Exchange
    answer: Answer | None

    @property
    def status(self) -> int | None:
        """The status, None without an answer."""
        return self.exchange.status

    @property
    def ok(self) -> bool:
        """Whether it was answered with a 2xx."""
        return self.status is not None and 200 <= self.status < 300

    def must(self, what: str) -> Answer:
        """The response of a success. Raises StoryStoppedError: the story cannot go on without it."""
        if self.answer is None or not self.ok:
            seen = shown(self.exchange) if self.answer is not None else self.exchange.error
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): {seen}")
        return self.answer

    def must_be_object(self, what: str) -> dict[str, Any]:
        """The JSON object in the response of a success. Raises StoryStoppedError."""
        try:
            value = self.must(what).json()
        except WireError as error:
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): {error}") from None
        if not isinstance(value, dict):
            raise StoryStoppedError(f"{what} (exchange {self.exchange.number}): no JSON object: {shown(self.exchange)}")
        return value

    def must_have(self, field_name: str, what: str) -> str:
        """A field of the JSON object in the response of a success, as text. Raises StoryStoppedError where it is
        missing, null or empty."""
        value = self.must_be_object(what).get(field_name)
        if value is None or value == "":
            raise StoryStoppedError(
                f"{what} (exchange {self.exchange.number}): {self.exchange.callee} gives no {field_name}"
            )
        return str(value)


@dataclass(slots=True)
class SessionToken:
    """A minted session with the token itself: for driving, never for the record. `exchange` is the minting's number."""

    token: str = field(repr=False)
    user: User
    expires_at: str
    minted_at: float
    exchange: int


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A Hi.Events session: its bearer token, the Tuvens session behind it, and until when either may be relied on."""

    bearer: str = field(repr=False)
    session: SessionToken
    until: float
    questions_until: float


class Stage:
    """Shared by all stories of a run; for one event loop."""

    def __init__(
        self,
        deployment: Deployment,
        recorder: Recorder,
        *,
        seed: int = 0,
        quick: bool = False,
        patience: float = 0.0,
        receiver: Receiver | None = None,
        examples: int = 5,
        evidence: Path | None = None,
    ) -> None:
        self.deployment = deployment
        self.seed = seed
        self.examples = examples
        self.patience = patience
        self.receiver = receiver
        self.random = random.Random(seed)
        self.quick = quick
        self.recorder = recorder
        self.pacer = Pacer(_allowances(deployment))
        self.minted: list[SessionToken] = []
        self._sessions: dict[str, SessionToken] = {}
        self._unmintable: dict[str, str] = {}
        self._signed_in: dict[str, SignedIn] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._busy: set[str] = set()
        self._used: dict[str, int] = defaultdict(int)
        self._freed = asyncio.Condition()
        self._advanced = 0.0
        self._leads: dict[str, float] = defaultdict(float)
        self.chromium = Chromium(
            recorder.redactor,
            seconds=recorder.limits.seconds,
            evidence=evidence,
            any_certificate=bool(deployment.ca_file),
        )
        self._control = httpx.AsyncClient(trust_env=False, timeout=httpx.Timeout(60.0))

    async def close(self) -> None:
        """Close all connections."""
        await self.chromium.close()
        await self._control.aclose()
        await self.recorder.close()

    def target(self, app: str) -> Target:
        """A target of the deployment. Raises StoryStoppedError where it has none."""
        found = self.deployment.targets.get(app)
        if found is None:
            raise StoryStoppedError(f"the deployment has no {app}")
        return found

    def expiry(self) -> int:
        """Seconds that a session token lives."""
        return self.target("tuvens-api").session_expiry or 900

    def base_url(self, operation: openapi.Operation) -> str:
        """Where an operation is served: pages and API may have different bases."""
        target = self.target(operation.app)
        return target.url if operation.base == "pages" else target.api_url

    async def send(
        self,
        step: str,
        caller: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        facts: Mapping[str, Any] | None = None,
    ) -> Reply:
        """Send a call to the app that serves its operation, within its rate limit.

        A 429 is waited for and the call sent again; a broken connection leads to another try only where sending
        twice is harmless (x-retry-safe). `key` is what the limit counts by, None where the call will not be
        authenticated and so counts for nobody; `obey_limits=False` takes a 429 for an answer, too.
        """
        operation = openapi.find(call.operation)
        base_url = self.base_url(operation)
        return await self.forward(
            step, caller, operation.app, base_url, call, key=key, obey_limits=obey_limits, facts=facts
        )

    async def forward(
        self,
        step: str,
        caller: str,
        app: str,
        base_url: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        facts: Mapping[str, Any] | None = None,
        forwarding: Forwarding | None = None,
    ) -> Reply:
        """As `send`, for a call of any operation or none ("") to a base URL of an app."""
        operation = openapi.find(call.operation) if call.operation else None
        for attempt in range(1, _TRIES + 1):
            if obey_limits and key is not None and operation is not None:
                await self._turns(operation.id, key)
            exchange, answer = await self.recorder.send(
                step=step, caller=caller, callee=app, base_url=base_url, call=call, facts=facts, forwarding=forwarding
            )
            self._note_lead(app, answer)
            retry_safe = operation is not None and operation.retry_safe
            if attempt == _TRIES or not await self._again(exchange, answer, obey_limits, retry_safe=retry_safe):
                break
            self.recorder.history.supersede(exchange.number)
        return Reply(exchange, answer)

    def lead(self, app: str) -> float:
        """Seconds by which an application's clock is ahead of ours, by the Date of its answers; 0 where it is not, or
        by less than such a header tells."""
        return self._leads[app]

    def _note_lead(self, app: str, answer: Answer | None) -> None:
        told = parse_http_date(answer.header("date")) if answer is not None else None
        if told is not None and _HARDLY < told - self.now() <= _FURTHEST:
            self._leads[app] = max(self._leads[app], told - self.now())

    async def session(self, user: User) -> SessionToken:
        """A live session of a user, minted once and shared by the stories. Raises StoryStoppedError."""
        async with self._locks[user.jwt]:
            known = self._sessions.get(user.jwt)
            if known is None or self.now() > known.minted_at + self.expiry() - 60:
                known = await self.mint(user, f"{SHARED}/generate session")
                self._sessions[user.jwt] = known
            return known

    def facts_about(self, token: object) -> dict[str, Any]:
        """`subject`: the email of the user whose session a token is, where both are known."""
        found = next((each.user.email for each in self.minted if each.token == token), "")
        return {"subject": found} if found else {}

    def forget_sessions(self) -> None:
        """Mint anew from here on: the clock was moved past the life of the shared sessions."""
        self._sessions.clear()
        self._signed_in.clear()

    async def signed_in(self, user: User, *, for_questions: bool = False) -> SignedIn:
        """A living Hi.Events session of a user, begun once and shared by the stories.

        `for_questions`: the Tuvens session behind it is alive, too; accounts and permissions follow that one. Raises
        StoryStoppedError.
        """
        async with self._locks[f"sign in {user.jwt}"]:
            known = self._signed_in.get(user.jwt)
            if known is None or self.now() > (known.questions_until if for_questions else known.until):
                known = await self._sign_in(user)
                self._signed_in[user.jwt] = known
            return known

    async def _sign_in(self, user: User) -> SignedIn:
        # The turn first: a short-lived token must not expire while its turn is waited for.
        await self.turns("validateCrossAppSession", "address")
        session = await self.session(user)
        now = self.now()
        reply = await self.send(f"{SHARED}/sign in", "browser", hi_wire.sign_in(session.token), key=None)
        answer = reply.must(f"the {user.role} cannot sign in at hi.events")
        try:
            found = hi_wire.read_sign_in(answer)
        except WireError as error:
            raise StoryStoppedError(f"hi.events' sign-in (exchange {reply.exchange.number}): {error}") from None
        answers_until = session.minted_at + self.expiry() - min(60.0, self.expiry() / 2)
        return SignedIn(found.bearer, session, now + found.seconds - min(60.0, found.seconds / 2), answers_until)

    async def mint(self, user: User, step: str, account_id: int | None = None) -> SessionToken:
        """A new session of a user. Raises StoryStoppedError.

        Once a user's ordinary request was answered, and not by a session, it is not made again: each try would wait
        for the user's next turn.
        """
        if account_id is None and user.jwt in self._unmintable:
            raise StoryStoppedError(self._unmintable[user.jwt])
        call = session_wire.generate_session(user.jwt, account_id or user.account_id)
        reply = await self.send(step, "tuvens-client", call, key=user_key(user))
        try:
            session = session_wire.read_session(reply.must(f"no session could be minted for the {user.role}"))
        except (StoryStoppedError, WireError) as error:
            reason = f"generate-session (exchange {reply.exchange.number}): {error}"
            if account_id is None and reply.answer is not None and reply.status != 429:
                self._unmintable[user.jwt] = reason
            raise StoryStoppedError(reason) from None
        minted = SessionToken(session.session_token, user, session.expires_at, self.now(), reply.exchange.number)
        self.minted.append(minted)
        return minted

    def now(self) -> float:
        """Unix seconds as the simulators' clocks tell them: ours, and as far as they were moved."""
        return time.time() + self._advanced

    @asynccontextmanager
    async def event(self) -> AsyncIterator[str]:
        """An event of the organiser's account that no other story changes meanwhile. Raises StoryStoppedError."""
        linked = {each.tuvens for each in self.deployment.linked}
        unlinked = [each for each in self.deployment.events if each not in linked]
        async with self._leased(unlinked or list(self.deployment.events), "events.tuvens") as event_id:
            yield event_id

    @asynccontextmanager
    async def linked_event(self) -> AsyncIterator[Linked]:
        """An event of both sides that no other story changes meanwhile. Raises StoryStoppedError."""
        by_id = {each.tuvens: each for each in self.deployment.linked}
        async with self._leased(list(by_id), "events.linked") as event_id:
            yield by_id[event_id]

    @asynccontextmanager
    async def _leased(self, candidates: list[str], name: str) -> AsyncIterator[str]:
        if not candidates:
            raise StoryStoppedError(f"no event may be changed: name some in {name}")
        async with self._freed:
            await self._freed.wait_for(lambda: any(each not in self._busy for each in candidates))
            # The one longest unused: what a story left behind is the least likely to be looked at by the next.
            event_id = min((each for each in candidates if each not in self._busy), key=lambda each: self._used[each])
            self._busy.add(event_id)
            self._used[event_id] += 1
        try:
            yield event_id
        finally:
            async with self._freed:
                self._busy.discard(event_id)
                self._freed.notify_all()

    async def control(self, app: str, method: str, path: str, body: object = None) -> Any:
        """Call a simulator's control plane. Raises StoryStoppedError."""
        control = self.target(app).control
        if control is None:
            raise StoryStoppedError(f"{app} gives no control plane")
        return await call_control(self._control, control, method, path, body)

    async def advance(self, seconds: float) -> None:
        """Move the clocks of all simulators; tuvens-api first, so that a delivery never comes from its future."""
        for app in ("tuvens-api", "hi.events", "tuvens-client"):
            target = self.deployment.targets.get(app)
            if target is not None and target.control is not None:
                await self.control(app, "POST", "/clock/advance", {"seconds": seconds})
        self._advanced += seconds

    async def turns(self, operation: str, key: str, count: int = 1) -> None:
        """Return when `count` requests are within the rate limit; they may then be sent without asking (key None)."""
        await asyncio.gather(*(self._turns(operation, key) for _ in range(count)))

    async def _turns(self, operation: str, key: str) -> None:
        await self.pacer.turn(operation, key)
        # The calls behind it use up turns of the same user or secret; a session token behind it is not known here.
        for called in map(openapi.find, openapi.find(operation).calls):
            counted_by = called.rate_limit.key if called.rate_limit is not None else ""
            if counted_by in ("user", "shared-secret"):
                await self.pacer.turn(called.id, key if counted_by == "user" else counted_by)

    async def _again(self, exchange: Exchange, answer: Answer | None, obey_limits: bool, *, retry_safe: bool) -> bool:
        if exchange.outcome is not Outcome.ANSWERED:
            too_slow = exchange.seconds >= self.recorder.limits.seconds * 0.9
            return not too_slow and (exchange.outcome is Outcome.REFUSED or retry_safe)
        if answer is not None and answer.status == 429 and obey_limits:
            await asyncio.sleep(pause_after_429(answer.headers, _server_time(answer)))
            return True
        return False


def user_key(user: User) -> str:
    """What a limit by user counts by."""
    return user.user_id or hashlib.sha256(user.jwt.encode()).hexdigest()


async def call_control(client: httpx.AsyncClient, control: Control, method: str, path: str, body: object = None) -> Any:
    """Call a control plane; its JSON answer. Raises StoryStoppedError."""
    try:
        response = await client.request(
            method, control.url + path, json=body, headers={"Authorization": f"Bearer {control.token}"}
        )
    except httpx.HTTPError as failure:
        raise StoryStoppedError(f"the control plane does not answer {method} {path}: {failure}") from None
    if not response.is_success:
        raise StoryStoppedError(f"the control plane answers {response.status_code} to {method} {path}")
    return response.json() if response.content else None


def _server_time(answer: Answer) -> float:
    told = parse_http_date(answer.header("date"))
    return time.time() if told is None else told


def _allowances(deployment: Deployment) -> dict[str, Allowance]:
    """The limits that the deployment says, else the documents': 0 means none."""
    found = {}
    for app, target in deployment.targets.items():
        for operation in openapi.load(app, deployment.edition).operations.values():
            limit = operation.limit_in_force(target.rate_limits)
            if limit:
                found[operation.id] = Allowance(limit)
    return found


def end_of(session: SessionToken) -> float:
    """Unix seconds of a session's announced expiry. Raises StoryStoppedError where that is no time: a story cannot wait
    for it."""
    try:
        return parse_iso(session.expires_at)
    except ValueError:
        raise StoryStoppedError(
            f"generate-session (exchange {session.exchange}) announces an expires_at that is no time: "
            f"{session.expires_at[:60]!r}"
        ) from None
