"""The cast of a story: people and back ends, each with the verbs of its trade."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from contracts.client_session import wire as client_wire
from contracts.event_stream import wire as stream_wire
from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.tuvens_event import wire as event_wire
from contracts.webhook import wire as webhook_wire
from harness.deployment import Deployment, Linked, User
from harness.http import Answer, Call, WireError
from harness.listener import Listener
from harness.story import Story, StoryStoppedError
from scenarios.cast.stage import Reply, SessionToken, SignedIn, Stage, user_key

CLIENT, BACKEND, BROWSER = "tuvens-client", "hi.events", "browser"
_KEPT: Any = object()


class Cast:
    """All who play in one story. Steps are recorded below the story's name."""

    def __init__(self, stage: Stage, story: Story) -> None:
        self.stage = stage
        self.story = story
        self.deployment: Deployment = stage.deployment
        self.capabilities = stage.recorder.history.context.capabilities

    def can(self, capability: str) -> bool:
        """Whether the deployment has a capability."""
        return capability in self.capabilities

    def user(self, role: str) -> User:
        """A user of a role. Raises StoryStoppedError."""
        found = self.deployment.user(role)
        if found is None:
            raise StoryStoppedError(f"the deployment has no user with role {role!r}")
        return found

    @property
    def organiser(self) -> User:
        """Who holds manage_ticketing in the account of the events."""
        return self.user("organiser")

    def others(self, role: str) -> list[User]:
        """All users of a role."""
        return [each for each in self.deployment.users if each.role == role]

    def step(self, name: str) -> str:
        """A step's full name."""
        return f"{self.story.name}/{name}"

    async def send(
        self,
        step: str,
        caller: str,
        call: Call,
        *,
        key: str | None = "",
        obey_limits: bool = True,
        token: object = None,
    ) -> Reply:
        """Send any call, recorded as a step of this story; `token` is the session token that it is about."""
        facts = self.stage.facts_about(token)
        return await self.stage.send(self.step(step), caller, call, key=key, obey_limits=obey_limits, facts=facts)

    def observe(self, step: str, values: Mapping[str, Any]) -> None:
        """Record what was measured."""
        self.stage.recorder.observe(self.step(step), values)

    async def session(self, role: str = "organiser") -> SessionToken:
        """A live session of a user of that role, shared with other stories."""
        return await self.stage.session(self.user(role))

    async def fresh_session(self, step: str, role: str = "organiser") -> SessionToken:
        """A session that is this story's own."""
        return await self.stage.mint(self.user(role), self.step(step))

    # tuvens-client, on behalf of a user

    async def generates_session(
        self, step: str, user: User, *, jwt: str | None = _KEPT, account_id: object = _KEPT, obey_limits: bool = True
    ) -> Reply:
        """A user asks for a session token, with another JWT or account where given."""
        call = session_wire.generate_session(
            user.jwt if jwt is _KEPT else jwt, user.account_id if account_id is _KEPT else account_id
        )
        key = user_key(user) if jwt is _KEPT else None
        return await self.send(step, CLIENT, call, key=key, obey_limits=obey_limits)

    async def wraps_session(
        self,
        step: str,
        user: User,
        *,
        jwt: str | None = _KEPT,
        account_id: object = _KEPT,
        body: bytes | None = None,
    ) -> Reply:
        """A page asks the own server of tuvens-client for a session; `body` is sent instead of an account's."""
        target = self.stage.target(CLIENT)
        parts = urlsplit(target.url)
        call = client_wire.wrap_generate_session(
            user.jwt if jwt is _KEPT else jwt,
            user.account_id if account_id is _KEPT else account_id,
            cookie=target.jwt_cookie,
            origin=f"{parts.scheme}://{parts.netloc}",
        )
        key = user_key(user) if jwt is _KEPT else None
        return await self.send(step, CLIENT, call if body is None else call.with_body(body), key=key)

    @staticmethod
    def token_of(reply: Reply) -> str | None:
        """The session token in an answer, None where there is none."""
        try:
            return session_wire.read_session(reply.answer or Answer(0)).session_token
        except WireError:
            return None

    async def reads_event(self, step: str, event_id: str) -> Reply:
        """Anyone reads an event of tuvens-api."""
        return await self.send(step, BROWSER, event_wire.get_event(event_id))

    async def changes_event(self, step: str, jwt: str | None, event_id: str, changes: Mapping[str, object]) -> Reply:
        """The client's callback page changes an event."""
        return await self.send(step, CLIENT, event_wire.update_event(jwt, event_id, changes))

    # hi.events' back end, towards tuvens-api

    @property
    def secret(self) -> str:
        """The shared secret."""
        return self.deployment.shared_secret

    async def validates(
        self, step: str, token: object, *, secret: str | None = _KEPT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events asks whom a token stands for."""
        call = session_wire.validate_session(self.secret if secret is _KEPT else secret, token)
        key = "shared-secret" if secret is _KEPT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def lists_accounts(
        self, step: str, token: str | None, *, secret: str | None = _KEPT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events asks for the accounts of a session's user."""
        call = session_wire.list_user_accounts(self.secret if secret is _KEPT else secret, token)
        key = str(token) if secret is _KEPT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def asks_permission(
        self,
        step: str,
        token: object,
        permission: object,
        resource_id: object = None,
        *,
        secret: str | None = _KEPT,
        obey_limits: bool = True,
    ) -> Reply:
        """Hi.Events asks whether a session's user has a permission."""
        call = session_wire.validate_permission(
            self.secret if secret is _KEPT else secret, token, permission, resource_id
        )
        key = str(token) if secret is _KEPT else None
        return await self.send(step, BACKEND, call, key=key, obey_limits=obey_limits, token=token)

    async def delivers(
        self, step: str, body: bytes, *, signature: str | None = _KEPT, obey_limits: bool = True
    ) -> Reply:
        """Hi.Events delivers a webhook; rightly signed unless another signature is given."""
        right = webhook_wire.sign(self.secret, body)
        call = webhook_wire.event_status_changed(body, right if signature is _KEPT else signature)
        return await self.send(step, BACKEND, call, key="instance", obey_limits=obey_limits)

    # a browser

    @asynccontextmanager
    async def listens(self, step: str, last_event_id: str | None = None) -> AsyncIterator[Listener]:
        """A browser holds the stream of updates open."""
        call = stream_wire.stream_event_updates(last_event_id)
        target = self.stage.target("tuvens-api")
        async with self.stage.recorder.listen(
            step=self.step(step), callee="tuvens-api", base_url=target.api_url, call=call
        ) as listener:
            yield listener

    # a user at hi.events

    async def turn_to_sign_in(self, count: int = 1) -> None:
        """Wait until so many sign-ins are within the limit, before a token is minted that might expire meanwhile."""
        await self.stage.turns("validateCrossAppSession", "address", count)

    async def signs_in(self, step: str, token: object, *, obey_limits: bool = True, turn_taken: bool = False) -> Reply:
        """A browser exchanges a session token for a Hi.Events session."""
        key = None if turn_taken else "address"
        return await self.send(step, BROWSER, hi_wire.sign_in(token), key=key, obey_limits=obey_limits)

    async def signed_in(self, role: str = "organiser") -> SignedIn:
        """A living Hi.Events session, and a living Tuvens session behind it, shared with other stories. Raises
        StoryStoppedError."""
        return await self.stage.signed_in(self.user(role), for_questions=True)

    async def bearer(self, role: str = "organiser") -> str:
        """The bearer token of a living Hi.Events session, shared with other stories. Raises StoryStoppedError."""
        return (await self.stage.signed_in(self.user(role))).bearer

    async def asks_hi_events(self, step: str, call: Call) -> Reply:
        """A browser calls hi.events."""
        return await self.send(step, BROWSER, call, key="address")

    async def sets_status(self, step: str, bearer: str | None, hi_event: str, status: object) -> Reply:
        """An organiser changes an event's status at hi.events."""
        return await self.asks_hi_events(step, hi_wire.set_event_status(bearer, hi_event, status))

    async def opens_page(self, step: str, params: Mapping[str, str]) -> Reply:
        """A browser opens the page that comes from Tuvens."""
        return await self.asks_hi_events(step, hi_wire.open_page(params))

    # the world

    def event(self) -> AbstractAsyncContextManager[str]:
        """An event of the organiser's account, for this story alone."""
        return self.stage.event()

    def linked_event(self) -> AbstractAsyncContextManager[Linked]:
        """An event that exists on both sides, for this story alone."""
        return self.stage.linked_event()

    def now(self) -> float:
        """Unix seconds as the simulators' clocks tell them."""
        return self.stage.now()
