"""tuvens-client as a consumer of tuvens-api: sessions, events, and the messages of the stream."""

import json

from pact import match

from contracts import placeholders
from contracts.session_token import wire
from contracts.session_token.wire import Session, read_session
from contracts.tuvens_event import wire as events
from tests.contracts.pacts.expectations import (
    Expectation,
    ExpectedMessage,
    Quote,
    Seam,
    Then,
    fields,
    json_type,
    of_state,
    text,
    time,
)
from tests.contracts.pacts.words import LIMITS, limited, refused

_JWT = placeholders.jwt()
_ACCOUNT = "the organiser belongs to the account"

# POST /api/cross-app/generate-session

_GENERATE = "POST /api/cross-app/generate-session (JWT)"
_MINTED = "Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu"
_EXPIRES = "2025-07-25T15:45:00.000Z"


def _generate(
    key: str, description: str, state: str, account: object, quote: Quote, then: Then, *, jwt: str | None = _JWT
) -> Expectation:
    body = {"account_id": of_state("account_id", account) if account else account}
    return Expectation(
        key=f"generate_session_{key}",
        description=description,
        state=state,
        operation="generateSession",
        quote=quote,
        method="POST",
        path="/api/cross-app/generate-session",
        headers={"Content-Type": json_type()} | ({} if jwt is None else {"Authorization": f"Bearer {jwt}"}),
        body=body,
        call=wire.generate_session(jwt, account),
        then=then,
    )


_HANDED_OUT = Then(
    200,
    read_session,
    Session(_MINTED, _EXPIRES),
    {
        "session_token": text(_MINTED, "^[A-Za-z0-9._~-]{32,1024}$"),
        "expires_at": time(_EXPIRES),
    },
)
_SESSIONS = (
    _generate(
        "for_own_account",
        "a request for a session for an account of the user",
        _ACCOUNT,
        123,
        (_GENERATE, '200 `{"session_token": "...", "expires_at": "2025-07-25T15:45:00.000Z"}`'),
        _HANDED_OUT,
    ),
    _generate(
        "no_account",
        "a request for a session without an account",
        _ACCOUNT,
        0,
        (_GENERATE, "400 account_id missing or not a positive integer"),
        refused(400, "account_id must be a positive integer"),
    ),
    _generate(
        "without_jwt",
        "a request for a session without a JWT",
        _ACCOUNT,
        123,
        (_GENERATE, "401 JWT missing, malformed, expired, wrongly signed"),
        refused(401, "Unauthorized"),
        jwt=None,
    ),
    _generate(
        "malformed_jwt",
        "a request for a session with a malformed JWT",
        _ACCOUNT,
        123,
        (_GENERATE, "401 JWT missing, malformed, expired, wrongly signed"),
        refused(401, "Unauthorized"),
        jwt="not-a-jwt",
    ),
    _generate(
        "for_foreign_account",
        "a request for a session for an account of other users",
        "the organiser does not belong to the account",
        123,
        (_GENERATE, "403 user is not a member of the account"),
        refused(403, "Forbidden"),
    ),
    _generate(
        "past_the_limit",
        "a request beyond the rate limit for a session for an account of the user",
        "the organiser's rate limit for new sessions is exhausted",
        123,
        LIMITS,
        limited(),
    ),
)

# GET and PATCH /api/events/{id}

_EVENT = "GET /api/events/{id} (public) and PATCH /api/events/{id} (JWT; manage_ticketing in the event's account)"
_READ: Quote = (_EVENT, "The event as the client reads it")
_WRITE: Quote = (_EVENT, 'PATCH `{"hasTicketing": true, "hiEventsEventId": "..."}` (JWT)')


def _get(key: str, description: str, state: str, quote: Quote, then: Then) -> Expectation:
    return Expectation(
        key=f"event_{key}",
        description=description,
        state=state,
        operation="getEvent",
        quote=quote,
        method="GET",
        path="/api/events/${event_id}",
        example="/api/events/11",
        call=events.get_event("11"),
        then=then,
    )


def _patch(key: str, description: str, state: str, quote: Quote, then: Then, *, jwt: str | None = _JWT) -> Expectation:
    return Expectation(
        key=f"event_{key}",
        description=description,
        state=state,
        operation="updateEvent",
        quote=quote,
        method="PATCH",
        path="/api/events/${event_id}",
        example="/api/events/11",
        headers={"Content-Type": json_type()} | ({} if jwt is None else {"Authorization": f"Bearer {jwt}"}),
        body={"hasTicketing": True, "hiEventsEventId": of_state("hi_events_event_id", "2")},
        call=events.update_event(jwt, "11", {"hasTicketing": True, "hiEventsEventId": "2"}),
        then=then,
    )


def _read(status: object = None, shown: str = "active") -> Then:
    """An event with ticketing, whose status is exactly `status`, or any of the three."""
    return Then(
        200,
        fields("id", "title", "ticketing_enabled", "ticketing_status"),
        {"id": "11", "title": "Event Title", "ticketing_enabled": True, "ticketing_status": shown},
        {
            "id": match.str("11"),
            "title": match.str("Event Title"),
            "startDate": time("2025-08-01T19:00:00.000Z"),
            "ticketing_enabled": True,
            "ticketing_status": status or text(shown, "^(setup|active|inactive)$"),
            "account_id": match.int(123),
        },
    )


def _shows(status: str) -> Expectation:
    return _get(
        f"with_{status}_ticketing",
        f"a request for an event with {status} ticketing",
        f"the event's ticketing is {status}",
        (_EVENT, "`ticketing_status` (`setup` | `active` | `inactive`, null before ticketing is enabled)"),
        _read(status, status),
    )


_EVENTS = (
    _shows("active"),
    _shows("setup"),
    _shows("inactive"),
    _get(
        "unknown",
        "a request for an unknown event",
        "no event has the id",
        _READ,
        refused(404, "Not found"),
    ),
    _patch(
        "gets_ticketing",
        "a callback that enables ticketing for an event of the organiser",
        "the organiser may change the event",
        _WRITE,
        _read(),
    ),
    _patch(
        "without_jwt",
        "a callback that enables ticketing without a JWT",
        "the organiser may change the event",
        _WRITE,
        refused(401, "Unauthorized"),
        jwt=None,
    ),
    _patch(
        "without_permission",
        "a callback that enables ticketing for a member without the permission",
        "the member may not manage ticketing of the event",
        _WRITE,
        refused(403, "Forbidden"),
        jwt=placeholders.jwt("member"),
    ),
    _patch(
        "unknown_is_not_changed",
        "a callback that enables ticketing for an unknown event",
        "no event has the id",
        _WRITE,
        refused(404, "Not found"),
    ),
)

# the stream

_MESSAGES = (
    ExpectedMessage(
        key="update_active",
        description="a message that an event's ticketing is active",
        state="a page listens for updates of the event",
        operation="streamEventUpdates",
        quote=(
            "GET /api/events/updates (SSE)",
            '`{"type": "ticketing_status_changed", "eventId": "11", "status": "active", "timestamp": "..."}`',
        ),
        content={
            "type": "ticketing_status_changed",
            "eventId": match.str("11"),
            "status": "active",
            "timestamp": time(),
        },
        reads=json.loads,
        met={
            "type": "ticketing_status_changed",
            "eventId": "11",
            "status": "active",
            "timestamp": "2025-07-25T14:30:00.000Z",
        },
    ),
)

SEAM = Seam("tuvens-client", "tuvens-api", (*_SESSIONS, *_EVENTS, *_MESSAGES))
