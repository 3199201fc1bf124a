"""Provider states of the pacts, brought about through the public interface, or quicker by a control plane.

`ProviderStates` is the address that Pact verifiers ask for them: a POST of `{"state", "action", "params"}` as JSON is
answered with the values that the interactions' generators need, or with 422 and the reason where this deployment cannot
be brought there; never with 5xx, which verifiers try again for minutes. Beside it they ask for a message.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any

import openapi
from contracts.client_session.wire import CALLBACK
from contracts.pacts.states import STATES, When
from contracts.status_changes import is_about
from contracts.times import iso_millis, parse_iso
from harness.capabilities import remedy_for
from harness.history import StreamEvent
from harness.http import WireError, read_json
from harness.judging import LackingError
from harness.story import StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import hears, patience
from scenarios.cast.stage import SessionToken
from scenarios.cast.updates import Updates, unknown_id
from scenarios.stories.tuvens_api_fails import trouble
from scenarios.tools.loopback import App

PREFIX = "/__pact__/"
STATES_PATH, MESSAGES_PATH = PREFIX + "provider-states", PREFIX + "messages"

_MOST_REQUESTS = 120
_LONGEST_BODY = 64 * 1024
_SECONDS_AFTER = 5.0

Values = Mapping[str, object]
Reached = AbstractAsyncContextManager[Values]


class ProviderStates:
    """Brings one state about at a time; the one before ends when the next begins.

    `lacking`, `unreached` and `fault` (ours) are why the last one could not be reached, empty where it was; `heard` is
    the number of the stream's entry that the last message was. Steps are recorded below the cast's story and `place`.
    """

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._entered = AsyncExitStack()
        self._expired: SessionToken | None = None
        self._event = ""
        self._state = ""
        self.place = "state"
        self.lacking = ""
        self.unreached = ""
        self.fault = ""
        self.heard: int | None = None

    async def close(self) -> None:
        """End the state in force, for good."""
        await self.end()

    async def begin(self, state: str) -> Values | None:
        """Bring a state about; the values that it gives, None where it cannot be reached."""
        await self.end()
        self.lacking = self.unreached = self.fault = ""
        self.heard = None
        how = _WAYS.get(state)
        if how is None:
            self.unreached = f"no such provider state is known; known are: {'; '.join(sorted(_WAYS))}"
            return None
        lacking = [each for each in STATES[state].needs if not self._cast.can(each)]
        if lacking:
            self.lacking = remedy_for(lacking[0])
            return None
        try:
            values = await self._entered.enter_async_context(how(self))
        except LackingError as error:
            self.lacking = str(error)
        except (StoryStoppedError, TargetGoneError) as error:
            self.unreached = str(error)
        else:
            self._state = state
            return values
        return None

    async def end(self) -> None:
        """End the state in force, and leave things as others expect them."""
        self._state = self._event = ""
        entered, self._entered = self._entered, AsyncExitStack()
        try:
            await entered.aclose()
        except (StoryStoppedError, TargetGoneError):
            return  # what could not be put back is found by whoever needs it

    async def message(self) -> str | None:
        """The data of the message that an open page hears when the event of the state goes live; None where none came.
        Raises StoryStoppedError where nothing can be heard or told."""
        if not self._event:
            raise StoryStoppedError("the provider state of a message is asked for first")
        updates = Updates(self._cast, self._event)
        await updates.begins(f"{self.place}/event")
        async with self._cast.listens(f"{self.place}/stream") as listener:
            if not listener.opened:
                raise StoryStoppedError(f"the stream cannot be opened: {listener.events[-1].data}")
            reply = await updates.sends(f"{self.place}/delivery", "LIVE")
            reply.must("a rightly signed webhook is refused")

            def heard(each: StreamEvent) -> bool:
                # A page's onmessage hears unnamed events and those named `message`.
                return each.event in ("", "message") and is_about(each, self._event)

            found = await listener.wait_for(heard, seconds=patience(self._cast))
        self.heard = reply.exchange.number if found is None else found.number
        return None if found is None else found.data

    async def expired_session(self) -> SessionToken:
        """A session that has expired; the same one for all who ask."""
        if self._expired is None:
            session = await self._cast.fresh_session(f"{self.place}/generate session")
            if self._cast.can("control:tuvens-api"):
                now = float((await self._cast.stage.control("tuvens-api", "GET", "/clock"))["now"])
                await self._cast.stage.advance(max(parse_iso(session.expires_at) - now, 0.0) + 1.0)
                self._cast.stage.forget_sessions()
            else:
                await asyncio.sleep(self._cast.stage.expiry() + _SECONDS_AFTER)
            self._expired = session
        return self._expired

    # ASGI

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a verifier."""
        status: int
        value: bytes | Values
        try:
            status, value = await self._answer(scope, receive)
        except Exception as error:
            self.fault = self._redact(f"a fault of crossapp: {type(error).__name__}: {error}")
            status, value = 422, {"error": self.fault}
        body = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Any, receive: Any) -> tuple[int, bytes | Values]:
        asked = await _asked(scope, receive)
        if asked is None:
            return 400, {"error": "POST a JSON object here, as a Pact verifier does"}
        if scope["path"] == MESSAGES_PATH:
            return await self._answer_message()
        state = asked.get("state")
        if scope["path"] != STATES_PATH or not isinstance(state, str):
            return 404, {
                "error": f"state changes go to {STATES_PATH}, with the field state; messages to {MESSAGES_PATH}"
            }
        if asked.get("action") == "teardown":
            await self.end()
            return 200, {}
        values = await self.begin(state)
        if values is None:
            return 422, {"error": self._redact(self.lacking or self.unreached)}
        return 200, values

    async def _answer_message(self) -> tuple[int, bytes | Values]:
        try:
            data = await self.message()
        except (StoryStoppedError, TargetGoneError) as error:
            self.unreached = str(error)
            return 422, {"error": self._redact(self.unreached)}
        if data is None:
            return 404, {"error": "no message came"}
        return 200, data.encode("utf-8", "replace")

    def _redact(self, text: str) -> str:
        return self._cast.stage.recorder.redactor.redact(text)

    # what the ways need

    @property
    def limited(self) -> bool:
        """Whether a limit is used up in the state in force, so that a 429 is an answer and nothing to wait for."""
        return self._state in STATES and STATES[self._state].when is When.LIMITED

    @property
    def cast(self) -> Cast:
        """Who brings the states about."""
        return self._cast

    def about(self, event: str) -> None:
        """The event that the state in force is about."""
        self._event = event


def with_states(states: ProviderStates, otherwise: Callable[[], App]) -> App:
    """An application that takes Pact's questions below `/__pact__/` and leaves all else to another one."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        chosen = states if scope["path"].startswith(PREFIX) else otherwise()
        await chosen(scope, receive, send)

    return app


async def _asked(scope: Any, receive: Any) -> dict[str, Any] | None:
    """The JSON object of a POST; None for what is none, and for what comes by another name than ours: a page elsewhere,
    which a browser shows, can send neither."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    hosts = [value.partition(b":")[0] for name, value in scope["headers"] if name == b"host"]
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or len(body) > _LONGEST_BODY:
            return None
        if not message.get("more_body"):
            break
    if scope["method"] != "POST" or not kinds or not kinds[0].startswith(b"application/json"):
        return None
    if any(host not in (b"127.0.0.1", b"localhost") for host in hosts):
        return None
    try:
        value = read_json(body)
    except WireError:
        return None
    return value if isinstance(value, dict) else None


Way = Callable[[ProviderStates], Reached]
_WAYS: dict[str, Way] = {}


def _way(*names: str) -> Callable[[Callable[[ProviderStates], AsyncIterator[Values]]], Way]:
    def add(how: Callable[[ProviderStates], AsyncIterator[Values]]) -> Way:
        way: Way = asynccontextmanager(how)
        for name in names:
            assert name in STATES, name
            _WAYS[name] = way
        return way

    return add


def ways() -> frozenset[str]:
    """The states that can be asked for."""
    return frozenset(_WAYS)


def _number_of(event: str) -> int:
    if not event.isdigit():
        raise LackingError(f"the event {event} has no number, as resource_id must be: name one that has in events")
    return int(event)


def _an_event(cast: Cast) -> str:
    return cast.deployment.events[0] if cast.deployment.events else "1"


@_way("no session has this token", "nobody was given this bearer token")
async def _nothing(states: ProviderStates) -> AsyncIterator[Values]:
    yield {}


@_way("the organiser belongs to the account")
async def _own_account(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"account_id": states.cast.organiser.account_id}


@_way("the organiser has no part in the account")
async def _foreign_account(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"account_id": states.cast.user("outsider").account_id}


@_way("the organiser has a living session")
async def _living(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {}


@_way("the member has a living session and may not manage ticketing")
async def _members(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session("member")
    yield {}


@_way("the session has expired")
async def _expired(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"session_token": (await states.expired_session()).token}


@_way("the organiser may manage ticketing of the event")
async def _own_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {"resource_id": _number_of(_an_event(states.cast))}


@_way("the event belongs to an account of others")
async def _event_of_others(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {"resource_id": _number_of(states.cast.deployment.foreign_event)}


@_way("the organiser may change the event", "the member may not manage ticketing of the event")
async def _changed(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        yield {"event_id": event, "hi_events_event_id": str(Updates(states.cast, event).number)}


@_way("the event exists")
async def _told(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        yield await _tidings(states, event)


async def _tidings(states: ProviderStates, event: str) -> Values:
    updates = Updates(states.cast, event)
    await updates.begins(f"{states.place}/event")
    sent_at = iso_millis(updates.next_time())
    return {"event_id": event, "hi_events_number": updates.number, "event_sent_at": sent_at}


@_way("no event has the id")
async def _no_event(states: ProviderStates) -> AsyncIterator[Values]:
    cast = states.cast
    event = unknown_id(_an_event(cast), cast.stage.random)
    number = Updates(cast, event).number
    sent_at = iso_millis(cast.now())
    yield {
        "event_id": event,
        "hi_events_event_id": str(number),
        "hi_events_number": number,
        "event_sent_at": sent_at,
    }


def _ticketing(status: str) -> Callable[[ProviderStates], AsyncIterator[Values]]:
    async def way(states: ProviderStates) -> AsyncIterator[Values]:
        async with states.cast.event() as event:
            updates = Updates(states.cast, event)
            await updates.begins(f"{states.place}/event")
            await updates.brings_to(f"{states.place}/delivery", status)
            yield {"event_id": event}

    return way


for _ticketing_status, _status in (("active", "LIVE"), ("setup", "DRAFT"), ("inactive", "ENDED")):
    _way(f"the event's ticketing is {_ticketing_status}")(_ticketing(_status))


@_way("an open page waits for the event")
async def _waiting(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        states.about(event)
        yield {"event_id": event}


@_way("the organiser is signed in")
async def _signed_in(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {}


@_way("the signed-in organiser may manage ticketing of the event")
async def _signed_in_own_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {"resource_id": _number_of(_an_event(states.cast))}


@_way("the organiser is signed in and the event belongs to an account of others")
async def _signed_in_event_of_others(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {"resource_id": _number_of(states.cast.deployment.foreign_event)}


@_way("the signed-in organiser may set the event live")
async def _to_go_live(states: ProviderStates) -> AsyncIterator[Values]:
    cast = states.cast
    bearer = (await cast.signed_in()).bearer
    async with cast.linked_event() as event:
        yield {"hi_events_event_id": event.hi}
        # A draft, and nothing on its way: the next story may be about the same event.
        await cast.sets_status(f"{states.place}/afterwards", bearer, event.hi, "DRAFT")
        await hears(cast, f"{states.place}/afterwards/event", event.tuvens, "DRAFT", seconds=3.0)


@_way("the signed-in organiser has an event")
async def _linked(states: ProviderStates) -> AsyncIterator[Values]:
    cast = states.cast
    bearer = (await cast.signed_in()).bearer
    async with cast.linked_event() as event:
        yield {"hi_events_event_id": event.hi}
        # Nothing has changed, unless what should be refused was not.
        await cast.sets_status(f"{states.place}/afterwards", bearer, event.hi, "DRAFT")


@_way("no session has this token and a return URL is known")
async def _way_back(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"return_url": states.cast.deployment.return_origin + CALLBACK}


@_way("tuvens-api is in trouble")
async def _trouble(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    async with trouble(states.cast, "tuvens-api-answers-500"):
        yield {}


# past the limits


async def _ask_once(states: ProviderStates, operation: str) -> int | None:
    """One request that counts; its status."""
    cast, step = states.cast, f"{states.place}/asked"
    match operation:
        case "generateSession":
            reply = await cast.generates_session(step, cast.organiser, obey_limits=False)
        case "validateSession":
            reply = await cast.validates(step, (await cast.session()).token, obey_limits=False)
        case "listUserAccounts":
            reply = await cast.lists_accounts(step, (await cast.session()).token, obey_limits=False)
        case "validatePermission":
            token = (await cast.session()).token
            reply = await cast.asks_permission(step, token, "manage_ticketing", obey_limits=False)
        case "receiveEventStatusChanged":
            update = Updates(cast, _an_event(cast)).body("DRAFT")
            reply = await cast.delivers(step, update, obey_limits=False)
        case _:
            reply = await cast.signs_in(step, "a-token-that-nobody-minted", obey_limits=False)
    return reply.status


def _used_up(operation: str) -> Callable[[ProviderStates], AsyncIterator[Values]]:
    """A minute of an operation used up: by a limit of one where there is a control plane, else by asking until 429."""

    async def way(states: ProviderStates) -> AsyncIterator[Values]:
        cast, app = states.cast, openapi.find(operation).app
        if "sharedSecret" in openapi.find(operation).security:
            await cast.session()  # minted before anything is used up
        values = await _values_past(states, operation)
        if cast.can(f"control:{app}"):
            before = await cast.stage.control(app, "GET", "/rate-limits")
            await cast.stage.control(app, "PUT", "/rate-limits", {operation: 1})
            try:
                await _ask_once(states, operation)
                yield values
            finally:
                await cast.stage.control(app, "PUT", "/rate-limits", before)
            return
        await _exhaust(states, operation)
        yield values

    return way


async def _values_past(states: ProviderStates, operation: str) -> Values:
    if operation == "generateSession":
        return {"account_id": states.cast.organiser.account_id}
    if operation == "receiveEventStatusChanged":
        return await _tidings(states, _an_event(states.cast))
    return {}


async def _exhaust(states: ProviderStates, operation: str) -> None:
    allowance = states.cast.stage.pacer.allowance(operation)
    if allowance is None or allowance.requests > _MOST_REQUESTS:
        limit = "none" if allowance is None else f"{allowance.requests} a minute"
        raise LackingError(
            f"the limit of {operation} ({limit}) is too high to be used up beside the other stories: "
            "rate_limits tells whether it is kept"
        )
    for _ in range(allowance.requests + 1):
        status = await _ask_once(states, operation)
        if operation == "validateSession":
            # Whoever signs in at hi.events later needs a validation with the same secret.
            states.cast.stage.pacer.count(operation, "shared-secret")
        if status == 429:
            return


for _state, _operation in (
    ("the organiser's minute of new sessions is used up", "generateSession"),
    ("the secret's minute of validations is used up", "validateSession"),
    ("the session's minute of account lists is used up", "listUserAccounts"),
    ("the session's minute of permission questions is used up", "validatePermission"),
    ("the instance's minute of webhooks is used up", "receiveEventStatusChanged"),
    ("the address has used up its minute of sign-ins", "validateCrossAppSession"),
):
    _way(_state)(_used_up(_operation))
