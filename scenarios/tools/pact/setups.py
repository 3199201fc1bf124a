"""How each provider state is brought about: through the public interface, or faster by a control plane."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

import openapi
from contracts.client_session.wire import CALLBACK
from contracts.pacts.states import STATES
from contracts.times import iso_millis
from harness.expectations import LackingError
from harness.story import StoryStoppedError
from scenarios.cast.event_fixtures import given_draft
from scenarios.cast.exhausting import most_requests
from scenarios.cast.updates import Updates, unknown_id
from scenarios.tools.pact.provider_states import ProviderStates, Setup, Values

_MOST_REQUESTS, _TRIES = 120, 3
_BY_SESSION = ("listUserAccounts", "validatePermission")

_Steps = Callable[[ProviderStates], AsyncIterator[Values]]
_setups: dict[str, Setup] = {}
SETUPS: Mapping[str, Setup] = _setups


def _setup(*states: str) -> Callable[[_Steps], Setup]:
    """Register a generator for provider states: it sets up, yields the values, and cleans up."""

    def register(steps: _Steps) -> Setup:
        setup: Setup = asynccontextmanager(steps)
        for state in states:
            assert state in STATES, state
            _setups[state] = setup
        return setup

    return register


def _number_of(event: str) -> int:
    if not event.isdigit():
        raise LackingError(
            f"event {event} has no numeric id, as resource_id must be: name one with a numeric id in events"
        )
    return int(event)


@_setup("no session has this token", "no session has this bearer token")
async def _nothing(states: ProviderStates) -> AsyncIterator[Values]:
    yield {}


@_setup("the organiser belongs to the account")
async def _own_account(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"account_id": states.cast.organiser.account_id}


@_setup("the organiser does not belong to the account")
async def _foreign_account(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"account_id": states.cast.user("outsider").account_id}


@_setup("the organiser has a live session")
async def _session(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {}


@_setup("the member has a live session and may not manage ticketing")
async def _session_of_member(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session("member")
    yield {}


@_setup("the session has expired")
async def _expired_session(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"session_token": (await states.expired_session()).token}


@_setup("the organiser may manage ticketing of the event")
async def _own_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {"resource_id": _number_of(states.cast.some_event)}


@_setup("the event belongs to another account")
async def _foreign_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    yield {"resource_id": _number_of(states.cast.deployment.foreign_event)}


@_setup("the organiser may change the event", "the member may not manage ticketing of the event")
async def _leased_event(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        yield {"event_id": event, "hi_events_event_id": str(Updates(states.cast, event).number)}


@_setup("the event exists")
async def _event_for_webhook(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        yield await _webhook_values(states, event)


async def _webhook_values(states: ProviderStates, event: str) -> Values:
    updates = Updates(states.cast, event)
    await updates.begins(f"{states.place}/event")
    sent_at = iso_millis(updates.next_time())
    return {"event_id": event, "hi_events_number": updates.number, "event_sent_at": sent_at}


@_setup("no event has the id")
async def _unknown_event(states: ProviderStates) -> AsyncIterator[Values]:
    cast = states.cast
    event = unknown_id(cast.some_event, cast.stage.random)
    number = Updates(cast, event).number
    sent_at = iso_millis(cast.now_at("hi.events"))
    yield {"event_id": event, "hi_events_event_id": str(number), "hi_events_number": number, "event_sent_at": sent_at}


def _event_with_status(status: str) -> _Steps:
    async def steps(states: ProviderStates) -> AsyncIterator[Values]:
        async with states.cast.event() as event:
            updates = Updates(states.cast, event)
            await updates.begins(f"{states.place}/event")
            await updates.brings_to(f"{states.place}/delivery", status)
            yield {"event_id": event}

    return steps


for _ticketing_status, _status in (("active", "LIVE"), ("setup", "DRAFT"), ("inactive", "ENDED")):
    _setup(f"the event's ticketing is {_ticketing_status}")(_event_with_status(_status))


@_setup("a page listens for updates of the event")
async def _event_for_message(states: ProviderStates) -> AsyncIterator[Values]:
    async with states.cast.event() as event:
        states.event = event
        yield {"event_id": event}


@_setup("the organiser is signed in")
async def _signed_in(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {}


@_setup("the signed-in organiser may manage ticketing of the event")
async def _signed_in_own_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {"resource_id": _number_of(states.cast.some_event)}


@_setup("the organiser is signed in and the event belongs to another account")
async def _signed_in_foreign_event(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.signed_in()
    yield {"resource_id": _number_of(states.cast.deployment.foreign_event)}


def _linked_event(*, changes: bool) -> _Steps:
    async def steps(states: ProviderStates) -> AsyncIterator[Values]:
        cast, step = states.cast, f"{states.place}/afterwards"
        bearer = (await cast.signed_in()).bearer
        async with cast.linked_event() as event:
            await given_draft(cast, bearer, event)
            yield {"hi_events_event_id": event.hi}
            if changes:
                cast.stage.events.changed(event.hi, "LIVE")
            # Nothing has changed without `changes`, unless hi.events accepted what it must refuse.
            await cast.sets_status(step, bearer, event.hi, "DRAFT")

    return steps


_setup("the signed-in organiser may set the event live")(_linked_event(changes=True))
_setup("the signed-in organiser has an event")(_linked_event(changes=False))


@_setup("no session has this token and a return URL is known")
async def _return_url(states: ProviderStates) -> AsyncIterator[Values]:
    yield {"return_url": states.cast.deployment.return_origin + CALLBACK}


@_setup("tuvens-api is failing")
async def _failing_tuvens_api(states: ProviderStates) -> AsyncIterator[Values]:
    await states.cast.session()
    async with states.cast.stage.control.fault("tuvens-api-answers-500"):
        yield {}


def _used_up(operation: str) -> _Steps:
    """A used-up rate limit: with a control plane a limit of 1 and one request, else requests until a 429."""

    async def steps(states: ProviderStates) -> AsyncIterator[Values]:
        cast, app = states.cast, openapi.find(operation).app
        async with AsyncExitStack() as stack:
            about = ""
            values: Values = {}
            if "sharedSecret" in openapi.find(operation).security:
                about = (await cast.session()).token  # minted before the limit is used up
            elif operation == "generateSession":
                values = {"account_id": cast.organiser.account_id}
            elif operation == "receiveEventStatusChanged":
                about = await stack.enter_async_context(cast.event())
                values = await _webhook_values(states, about)
            if cast.can(f"control:{app}"):
                await stack.enter_async_context(cast.stage.control.rate_limits(app, {operation: 1}))
                await _send_one(states, operation, about)
            else:
                await _send_until_429(states, operation, about)
            yield values
            if operation in _BY_SESSION and not cast.stage.sessions.shares(about):
                states.unreached = "the session whose rate limit was exhausted expired before the request"

    return steps


async def _send_until_429(states: ProviderStates, operation: str, about: str) -> None:
    rate_limits = states.cast.stage.rate_limits
    limit = rate_limits.requests_a_minute(operation)
    if limit is None or limit > _MOST_REQUESTS:
        said = "none" if limit is None else f"{limit} a minute"
        raise LackingError(
            f"the limit of {operation} ({said}) is too high to exhaust beside the other stories: "
            "the rules rate_limits.* check whether it is enforced"
        )
    # More than the limit: requests get lost, and a minute may end meanwhile.
    for _ in range(most_requests(limit)):
        status = await _send_counted(states, operation, about)
        if operation == "validateSession":
            # Later sign-ins at hi.events need validations with the same secret.
            rate_limits.pacer.count(operation, "shared-secret")
        if status == 429:
            return


async def _send_one(states: ProviderStates, operation: str, about: str) -> None:
    """Send requests that the limit counts until one has a response: the others may not have arrived."""
    for _ in range(_TRIES):
        if await _send_counted(states, operation, about) is not None:
            return
    raise StoryStoppedError(f"none of {_TRIES} requests that use up the limit of {operation} got a response")


async def _send_counted(states: ProviderStates, operation: str, about: str) -> int | None:
    """Send one request that the limit counts, about a session token or an event; returns its status."""
    cast, step = states.cast, f"{states.place}/asked"
    match operation:
        case "generateSession":
            reply = await cast.generates_session(step, cast.organiser, obey_limits=False)
        case "validateSession":
            reply = await cast.validates(step, about, obey_limits=False)
        case "listUserAccounts":
            reply = await cast.lists_accounts(step, about, obey_limits=False)
        case "validatePermission":
            reply = await cast.asks_permission(step, about, "manage_ticketing", obey_limits=False)
        case "receiveEventStatusChanged":
            update = Updates(cast, about).body("DRAFT")
            reply = await cast.delivers(step, update, obey_limits=False)
        case _:
            reply = await cast.signs_in(step, "a-token-that-nobody-minted", obey_limits=False)
    return reply.status


for _state, _operation in (
    ("the organiser's rate limit for new sessions is exhausted", "generateSession"),
    ("the secret's rate limit for validations is exhausted", "validateSession"),
    ("the session's rate limit for account lists is exhausted", "listUserAccounts"),
    ("the session's rate limit for permission checks is exhausted", "validatePermission"),
    ("the instance's rate limit for webhooks is exhausted", "receiveEventStatusChanged"),
    ("the address's rate limit for sign-ins is exhausted", "validateCrossAppSession"),
):
    _setup(_state)(_used_up(_operation))
