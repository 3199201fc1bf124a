"""The cast of a story: people and back ends, each with the verbs of its trade."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from contracts.client_session import wire as client_wire
from contracts.event_stream import wire as stream_wire
from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.status_changes import reported_event, webhook_payload
from contracts.times import iso_or_none
from contracts.tuvens_event import wire as event_wire
from contracts.webhook import wire as webhook_wire
from harness.deployment import Deployment, Linked, User
from harness.history import Outcome
from harness.http import Answer, Call, WireError, object_or_empty
from harness.listener import Listener
from harness.story import Story, StoryStoppedError
from harness.traffic_limits import OperationGoneError
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import SessionToken, SignedIn, user_key
from scenarios.cast.stage import Stage

CLIENT, BACKEND, BROWSER = "tuvens-client", "hi.events", "browser"
_DEFAULT: Any = object()
_A_SECOND = 1.1
_LONGEST_PAUSE = 3.0
_MOST_UNSENT = 50


class Cast:
    """Everybody who acts in one story.

    The verbs send one request each. `step` is the name of the recorded exchange, below the story's name. Credentials
    are the right ones unless others are given; None sends none. All verbs raise StoryStoppedError if the deployment
    lacks the application.
    """

    def __init__(self, stage: Stage, story: Story) -> None:
        self.stage = stage
        self.story = story
        self.deployment: Deployment = stage.deployment
        self.capabilities = stage.recorder.history.context.capabilities
        self._unsent = 0

    def can(self, capability: str) -> bool:
        """Whether the deployment has a capability."""
        return capability in self.capabilities

    def user(self, role: str) -> User:
        """The first user of a role. Raises StoryStoppedError if there is none."""
        found = self.deployment.user(role)
        if found is None:
            raise StoryStoppedError(f"the deployment has no user with role {role!r}")
        return found

    @property
    def organiser(self) -> User:
        """A user who has manage_ticketing in the account of the events."""
        return self.user("organiser")

    @property
    def others(self) -> tuple[User, ...]:
        """Up to six users who take turns where any will do, since each has a rate limit of its own: without the
        organiser, whose turns other stories need, unless there is nobody else."""
        return tuple(each for each in self.deployment.users if each.role != "organiser")[:6] or self.deployment.users

    @property
    def some_event(self) -> str:
        """The id of an event of tuvens-api, to be read; "1" if the deployment names none."""
        return self.deployment.events[0] if self.deployment.events else "1"

    def step(self, name: str) -> str:
        """A step's full name."""
        return f"{self.story.name}/{name}"

    def now(self) -> float:
        """Unix seconds by this machine's clock, moved as the simulators' were: for durations."""
        return self.stage.clock.now()

    def now_at(self, app: str) -> float:
        """Unix seconds by the clock of an application, for times that it reads or compares with its own."""
        return self.stage.clock.now_at(app)

    def observe(self, step: str, values: Mapping[str, Any]) -> None:
        """Record values that were measured rather than exchanged."""
        self.stage.recorder.observe(self.step(step), values)

    def hide(self, kind: str, secret: str) -> str:
        """Register a credential that the story made up, so that it is redacted like a real one; returns it."""
        self.stage.recorder.redactor.register(kind, secret)
        return secret

    def unknown_token(self, name: str, token: str | None = None) -> str:
        """A token that nobody minted, random unless one is given; redacted as `unknown-token-<name>`."""
        return self.hide(f"unknown-token-{name.replace(' ', '-')}", token or secrets.token_urlsafe(32))

    async def send(
        self,
        step: str,
        caller: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        repeatable: bool = False,
        token: object = None,
    ) -> Reply:
        """Send any call; `token` is the session token that it is about, the others are as in `Sender.send`.

        Where nothing more is sent to an operation, the reply has no answer, so that the story goes on with others;
        a story that asks for it again and again ends: then this raises OperationGoneError.
        """
        facts = self.stage.sessions.facts_about(token)
        try:
            return await self.stage.sender.send(
                self.step(step), caller, call, key=key, obey_limits=obey_limits, repeatable=repeatable, facts=facts
            )
        except OperationGoneError as gone:
            self._unsent += 1
            if self._unsent > _MOST_UNSENT:
                raise
            return self.stage.sender.not_sent(self.step(step), caller, call, str(gone))

    async def send_once(self, step: str, caller: str, app: str, base_url: str, call: Call) -> Reply:
        """Send a call to a base URL, whatever the rate limits, and never again."""
        exchange, answer = await self.stage.recorder.send(
            step=self.step(step), caller=caller, callee=app, base_url=base_url, call=call
        )
        return Reply(exchange, answer)

    # sessions

    async def while_alive(
        self, attempt: Callable[[], Awaitable[Sequence[Reply]]], *, turn: Callable[[], Awaitable[None]] | None = None
    ) -> Sequence[Reply]:
        """Make an attempt with tokens that it gets anew; again where one may have expired on the way (`SessionPool`).
        Raises StoryStoppedError."""
        return await self.stage.sessions.while_alive(attempt, turn=turn)

    async def session(self, role: str = "organiser") -> SessionToken:
        """A live session of a user of that role, shared with other stories; not to sign in with. Raises
        StoryStoppedError."""
        return await self.stage.sessions.shared(self.user(role))

    async def fresh_session(self, step: str, role: str = "organiser", *, turn_taken: bool = False) -> SessionToken:
        """A new session, which no other story uses; `turn_taken`: after `turn_to_mint_and_sign_in`. Raises
        StoryStoppedError."""
        return await self.stage.sessions.mint(self.user(role), self.step(step), turn_taken=turn_taken)

    async def waits_for_expiry(self, *sessions: SessionToken, more: float) -> None:
        """Wait until sessions have expired, and `more` seconds. Raises StoryStoppedError at once if they were announced
        to last longer than the deployment says: nobody waits for what was not promised."""
        for each in sessions:
            self.stage.sessions.expect_promised(each)
        ends = max(each.minted_at + each.lasts for each in sessions)
        # The lifetime is known to two seconds: a Date header has whole ones, and so may expires_at.
        await self.waits(max(ends + 2.0 + more - self.now(), 0.0), "a session expires")

    async def waits(self, seconds: float, what: str) -> None:
        """Wait; `what` says for what."""
        await self.stage.wait(self.story.name, seconds, what)

    def says(self, what: str) -> None:
        """Say what the story is about to do; `what` is the sentence without its subject."""
        self.stage.say(self.story.name, what)

    def waiting(self, seconds: float, what: str) -> AbstractContextManager[None]:
        """A block in which the story waits for something, at most so many seconds."""
        return self.stage.waits(self.story.name, seconds, what)

    async def signed_in(self, role: str = "organiser") -> SignedIn:
        """A live Hi.Events session with a live Tuvens session behind it, shared with other stories. Raises
        StoryStoppedError."""
        return await self.stage.sessions.signed_in(self.user(role), tuvens_alive=True)

    async def bearer(self, role: str = "organiser") -> str:
        """The bearer token of a live Hi.Events session, shared with other stories. Raises StoryStoppedError."""
        return (await self.stage.sessions.signed_in(self.user(role))).bearer

    # events

    def event(self) -> AbstractAsyncContextManager[str]:
        """The id of an event of the organiser's account, leased to this story."""
        return self.stage.events.event(self.story.name)

    def linked_event(self) -> AbstractAsyncContextManager[Linked]:
        """An event that exists in tuvens-api and in hi.events, leased to this story."""
        return self.stage.events.linked_event(self.story.name)

    def owns(self, event: Linked) -> None:
        """Note that an event was made at hi.events for one of the deployment file; it is a draft."""
        self.stage.events.made(event)
        if self.stage.recorder.gate is not None:
            self.stage.recorder.gate.owns(event)

    # tuvens-client, on behalf of a user

    async def generates_session(
        self,
        step: str,
        user: User,
        *,
        jwt: str | None = _DEFAULT,
        account_id: object = _DEFAULT,
        obey_limits: bool = True,
    ) -> Reply:
        """A user asks tuvens-api for a session token."""
        call = session_wire.generate_session(
            user.jwt if jwt is _DEFAULT else jwt, user.account_id if account_id is _DEFAULT else account_id
        )
        key = user_key(user) if jwt is _DEFAULT else None
        return await self.send(step, CLIENT, call, key=key, obey_limits=obey_limits)

    async def wraps_session(
        self,
        step: str,
        user: User,
        *,
        jwt: str | None = _DEFAULT,
        account_id: object = _DEFAULT,
        body: bytes | None = None,
    ) -> Reply:
        """A page asks tuvens-client's own server for a session token; `body` replaces the usual body."""
        target = self.stage.target(CLIENT)
        parts = urlsplit(target.url)
        call = client_wire.wrap_generate_session(
            user.jwt if jwt is _DEFAULT else jwt,
            user.account_id if account_id is _DEFAULT else account_id,
            cookie=target.jwt_cookie,
            origin=f"{parts.scheme}://{parts.netloc}",
        )
        key = user_key(user) if jwt is _DEFAULT else None
        return await self.send(step, CLIENT, call if body is None else call.with_body(body), key=key)

    @staticmethod
    def token_of(reply: Reply) -> str | None:
        """The session token in an answer; None if there is none."""
        try:
            return session_wire.read_session(reply.answer or Answer(0)).session_token
        except WireError:
            return None

    async def reads_event(self, step: str, event_id: str) -> Reply:
        """Anyone reads an event of tuvens-api."""
        return await self.send(step, BROWSER, event_wire.get_event(event_id))

    async def changes_event(self, step: str, jwt: str | None, event_id: str, changes: Mapping[str, object]) -> Reply:
        """The client's callback page changes an event of tuvens-api."""
        return await self.send(step, CLIENT, event_wire.update_event(jwt, event_id, changes))

    # hi.events' back end, towards tuvens-api

    @property
    def secret(self) -> str:
        """The shared secret."""
        return self.deployment.shared_secret

    async def validates(
        self, step: str, token: object, *, secret: str | None = _DEFAULT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events asks whom a session token belongs to."""
        call = session_wire.validate_session(self.secret if secret is _DEFAULT else secret, token)
        key = "shared-secret" if secret is _DEFAULT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def lists_accounts(
        self, step: str, token: str | None, *, secret: str | None = _DEFAULT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events asks for the accounts of a session's user."""
        call = session_wire.list_user_accounts(self.secret if secret is _DEFAULT else secret, token)
        key = str(token) if secret is _DEFAULT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def asks_permission(
        self,
        step: str,
        token: object,
        permission: object,
        resource_id: object = None,
        *,
        secret: str | None = _DEFAULT,
        obey_limits: bool = True,
    ) -> Reply:
        """Hi.Events asks whether a session's user has a permission, in the account or on one resource."""
        call = session_wire.validate_permission(
            self.secret if secret is _DEFAULT else secret, token, permission, resource_id
        )
        key = str(token) if secret is _DEFAULT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def delivers(
        self, step: str, body: bytes, *, signature: str | None = _DEFAULT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events delivers a webhook."""
        right = webhook_wire.sign(self.secret, body)
        call = webhook_wire.event_status_changed(body, right if signature is _DEFAULT else signature)
        reply = await self.send(step, BACKEND, call, key="instance", obey_limits=obey_limits)
        sent_at = iso_or_none(object_or_empty(body).get("event_sent_at"))
        if reply.ok and sent_at is not None:
            status = webhook_payload(body).get("status")
            self.stage.events.told(reported_event(body), str(status), sent_at)
        return reply

    # a browser

    @asynccontextmanager
    async def listens(self, step: str, last_event_id: str | None = None) -> AsyncIterator[Listener]:
        """A browser holds tuvens-api's stream of updates open inside the block."""
        call = stream_wire.stream_event_updates(last_event_id)
        target = self.stage.target("tuvens-api")
        async with self.stage.recorder.listen(
            step=self.step(step), callee="tuvens-api", base_url=target.api_url, call=call
        ) as listener:
            yield listener

    async def turn_to_sign_in(self, count: int = 1) -> None:
        """Wait until `count` sign-ins are within the rate limit; before minting, so that no token expires meanwhile."""
        await self.stage.rate_limits.take("validateCrossAppSession", "address", count)

    async def turn_to_mint_and_sign_in(self, count: int = 1) -> None:
        """As `turn_to_sign_in`, with a fresh session of the organiser."""
        await self.stage.sessions.turn_to_sign_in(self.organiser, count)

    async def turn_to_open_page(self) -> None:
        """Wait until a browser may open hi.events' page once within the rate limit."""
        await self.stage.rate_limits.take("openCrossAppPage", "address")

    async def signs_in(
        self,
        step: str,
        token: object,
        *,
        obey_limits: bool = True,
        turn_taken: bool = False,
        worthless: bool = False,
    ) -> Reply:
        """A browser exchanges a session token for a Hi.Events session; `turn_taken`: after `turn_to_sign_in` or
        `turn_to_mint_and_sign_in`; `worthless`: nobody minted the token, or it has expired: no lost request can
        have used it up."""
        key = None if turn_taken else "address"
        self.stage.sessions.note_sign_in(token)
        call = hi_wire.sign_in(token)
        return await self.send(step, BROWSER, call, key=key, obey_limits=obey_limits, repeatable=worthless)

    async def asks_hi_events(self, step: str, call: Call) -> Reply:
        """A browser sends a call to hi.events."""
        return await self.send(step, BROWSER, call, key="address")

    async def sets_status(
        self, step: str, bearer: str | None, hi_event: str, status: object, *, closely: bool = False
    ) -> Reply:
        """An organiser changes an event's status at hi.events; a second after the change and the webhook before, unless
        `closely`.

        Webhooks may have whole seconds: of two changes in one second tuvens-api cannot tell which is newer, and one of
        our own webhooks would be newer than the one to come.
        """
        await self.stage.states.note_at_hi_events(hi_event)
        if not closely and self.stage.target(BACKEND).kind != "simulated":
            since_change = time.monotonic() - self.stage.changed.get(hi_event, -_A_SECOND)
            since_webhook = self.now_at(BACKEND) - self.stage.events.newest(hi_event)
            # A webhook that a story dated far ahead is not waited for.
            await asyncio.sleep(min(_A_SECOND - min(since_change, since_webhook), _LONGEST_PAUSE))
        reply = await self.asks_hi_events(step, hi_wire.set_event_status(bearer, hi_event, status))
        # Without an answer it may have been changed all the same.
        if reply.ok or reply.exchange.outcome is Outcome.NO_ANSWER:
            self.stage.events.changed(hi_event, str(status))
            self.stage.changed[hi_event] = time.monotonic()
        return reply

    async def opens_page(self, step: str, params: Mapping[str, str], *, turn_taken: bool = False) -> Reply:
        """A browser opens hi.events' page with the query that tuvens-client gives it; `turn_taken`: after
        `turn_to_open_page`."""
        key = None if turn_taken else "address"
        return await self.send(step, BROWSER, hi_wire.open_page(params), key=key)
