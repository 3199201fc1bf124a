"""tuvens-client as a consumer of hi.events: signing in, what the session tells, an event's status, the page's way back.

What a page draws, and a page that goes back by a script, Pact cannot say.
"""

from urllib.parse import urlencode

from pact import match

from contracts import placeholders
from contracts.hi_events_page.redirects import query_of
from contracts.hi_events_session import wire
from contracts.hi_events_session.wire import HiEventsSession
from contracts.session_token.wire import Account, read_accounts, read_permission
from harness.http import Answer
from tests.contracts.pacts.expectations import (
    JSON,
    Expectation,
    Quote,
    Seam,
    Then,
    fields,
    json_type,
    of_state,
    text,
    time,
)
from tests.contracts.pacts.words import EXPIRED, LIVING, NONE, OVER, UNKNOWN

_BEARER = placeholders.bearer()
_NOBODYS = "a-bearer-that-nobody-was-given"
_SIGNED_IN = "the organiser is signed in"
_ACCEPTS = {"Accept": JSON}


def _denied(status: int, message: str, code: str) -> Then:
    """A refusal of the route's own, with exactly this code."""
    body = {"message": match.str(message), "error": code}
    return Then(status, fields("message", "error"), {"message": message, "error": code}, body)


def _denied_somehow(status: int, message: str) -> Then:
    """A refusal that may be the framework's: the contract demands no code."""
    return Then(status, fields("message"), {"message": message}, {"message": match.str(message)})


# POST /auth/cross-app/validate

_VALIDATE = "POST /auth/cross-app/validate"


def _sign_in(key: str, description: str, state: str, token: str, quote: Quote, then: Then) -> Expectation:
    return Expectation(
        key=f"sign_in_{key}",
        description=description,
        state=state,
        operation="validateCrossAppSession",
        quote=quote,
        method="POST",
        path="/auth/cross-app/validate",
        headers={**_ACCEPTS, "Content-Type": json_type()},
        body={"session_token": of_state("session_token", token) if token == EXPIRED else token},
        call=wire.sign_in(token),
        then=then,
    )


_HANDED_OUT = "for-the-document-only-not-a-token"
_REFUSED = _denied(401, "The session token is not valid.", "UNAUTHORIZED")
_SIGN_INS = (
    _sign_in(
        "with_living_session",
        "a sign-in with a live session token",
        LIVING,
        placeholders.session_token(),
        (_VALIDATE, '200 `{"token": "...", "token_type": "bearer", "expires_in": 3600'),
        Then(
            200,
            wire.read_sign_in,
            HiEventsSession(_HANDED_OUT, 3600, "456"),
            {
                "token": text(_HANDED_OUT),
                "token_type": text("bearer", "^[Bb]earer$"),
                "expires_in": match.int(3600),
                "user": {"email": match.str("user@example.com"), "external_user_id": text("456")},
            },
            {"X-Auth-Token": match.regex(_HANDED_OUT, regex="^.+$")},
        ),
    ),
    _sign_in(
        "with_unknown_token",
        "a sign-in with an unknown session token",
        NONE,
        UNKNOWN,
        (_VALIDATE, '401 `{"message": "...", "error": "UNAUTHORIZED"}`'),
        _REFUSED,
    ),
    _sign_in(
        "with_expired_token",
        "a sign-in with an expired session token",
        OVER,
        EXPIRED,
        (_VALIDATE, '401 `{"message": "...", "error": "UNAUTHORIZED"}`'),
        _REFUSED,
    ),
    _sign_in(
        "past_the_limit",
        "a sign-in beyond the rate limit of its address",
        "the address's rate limit for sign-ins is exhausted",
        UNKNOWN,
        (_VALIDATE, "10 tries a minute an address, then 429"),
        _denied_somehow(429, "Too many attempts."),
    ),
)

# GET /auth/cross-app/status, /accounts, POST /auth/cross-app/validate-permission

_STATUS = "GET /auth/cross-app/status (bearer)"
_ACCOUNTS = "GET /auth/cross-app/accounts (bearer)"
_PERMISSION = "POST /auth/cross-app/validate-permission (bearer)"
_DEAD = _denied_somehow(401, "Unauthenticated.")
_NOBODY = "no session has this bearer token"


def _status(key: str, description: str, state: str, bearer: str, quote: Quote, then: Then) -> Expectation:
    return Expectation(
        key=f"status_{key}",
        description=description,
        state=state,
        operation="getCrossAppStatus",
        quote=quote,
        method="GET",
        path="/auth/cross-app/status",
        headers={**_ACCEPTS, "Authorization": f"Bearer {bearer}"},
        call=wire.session_status(bearer),
        then=then,
    )


def _list(key: str, description: str, state: str, bearer: str, quote: Quote, then: Then) -> Expectation:
    return Expectation(
        key=f"accounts_{key}",
        description=description,
        state=state,
        operation="listCrossAppAccounts",
        quote=quote,
        method="GET",
        path="/auth/cross-app/accounts",
        headers={**_ACCEPTS, "Authorization": f"Bearer {bearer}"},
        call=wire.session_accounts(bearer),
        then=then,
    )


def _permission(
    key: str, description: str, state: str, asked: tuple[str, str, int | None], quote: Quote, then: Then
) -> Expectation:
    bearer, permission, resource = asked
    body: dict[str, object] = {"permission": permission}
    if resource is not None:
        body["resource_id"] = of_state("resource_id", resource)
    return Expectation(
        key=f"permission_{key}",
        description=description,
        state=state,
        operation="validateCrossAppPermission",
        quote=quote,
        method="POST",
        path="/auth/cross-app/validate-permission",
        headers={**_ACCEPTS, "Content-Type": json_type(), "Authorization": f"Bearer {bearer}"},
        body=body,
        call=wire.session_permission(bearer, permission, resource),
        then=then,
    )


def _answered(granted: bool) -> Then:
    return Then(200, read_permission, granted, {"has_permission": granted})


_TOLD = (
    _status(
        "of_living_session",
        "a request for the signed-in user",
        _SIGNED_IN,
        _BEARER,
        (_STATUS, '200 `{"authenticated": true'),
        Then(
            200,
            fields("authenticated", "account_id", "expires_at"),
            {"authenticated": True, "account_id": 1, "expires_at": "2025-07-25T15:30:00.000000Z"},
            {
                "authenticated": True,
                "user": match.type({}),
                "account_id": match.int(1),
                "expires_at": time("2025-07-25T15:30:00.000000Z"),
            },
        ),
    ),
    _status(
        "without_session",
        "a request for the signed-in user with a made-up bearer token",
        _NOBODY,
        _NOBODYS,
        (_STATUS, "without or with a dead session 401"),
        _DEAD,
    ),
    _list(
        "of_living_session",
        "a request for the accounts of the signed-in user",
        _SIGNED_IN,
        _BEARER,
        (_ACCOUNTS, '200 `{"accounts": [{"id": 123, "name": "...", "slug": "..."}]}`'),
        Then(
            200,
            read_accounts,
            (Account(123, "Acme Events", "acme-events"),),
            {
                "accounts": match.each_like(
                    {"id": match.int(123), "name": match.str("Acme Events"), "slug": match.str("acme-events")}, min=1
                )
            },
        ),
    ),
    _list(
        "without_session",
        "a request for accounts with a made-up bearer token",
        _NOBODY,
        _NOBODYS,
        (_ACCOUNTS, "equal to tuvens-api's. 401 otherwise"),
        _DEAD,
    ),
    _permission(
        "on_own_event",
        "a request to check manage_ticketing for an own event",
        "the signed-in organiser may manage ticketing of the event",
        (_BEARER, "manage_ticketing", 789),
        (_PERMISSION, '200 `{"has_permission": true}`'),
        _answered(True),
    ),
    _permission(
        "on_event_of_others",
        "a request to check manage_ticketing for another account's event",
        "the organiser is signed in and the event belongs to another account",
        (_BEARER, "manage_ticketing", 789),
        (_PERMISSION, '200 `{"has_permission": true}`'),
        _answered(False),
    ),
    _permission(
        "without_session",
        "a request to check a permission with a made-up bearer token",
        _NOBODY,
        (_NOBODYS, "manage_ticketing", None),
        (_PERMISSION, "400/422, 401"),
        _DEAD,
    ),
)

# PUT /events/{id}/status

_EVENTS = "Events and outgoing webhooks"


def _change(key: str, description: str, state: str, asked: tuple[str, str], quote: Quote, then: Then) -> Expectation:
    bearer, status = asked
    return Expectation(
        key=f"event_{key}",
        description=description,
        state=state,
        operation="setEventStatus",
        quote=quote,
        method="PUT",
        path="/events/${hi_events_event_id}/status",
        example="/events/2/status",
        headers={**_ACCEPTS, "Content-Type": json_type(), "Authorization": f"Bearer {bearer}"},
        body={"status": status},
        call=wire.set_event_status(bearer, "2", status),
        then=then,
    )


_OWN = "the signed-in organiser has an event"
_CHANGES = (
    _change(
        "goes_live",
        "a change of an own event to LIVE",
        "the signed-in organiser may set the event live",
        (_BEARER, "LIVE"),
        (_EVENTS, 'PUT /events/{id}/status (bearer) `{"status": "LIVE"}`'),
        Then(200, lambda answer: answer.status, 200),
    ),
    _change(
        "unknown_status",
        "a change of an own event to an unknown status",
        _OWN,
        (_BEARER, "PAUSED"),
        (_EVENTS, "(DRAFT, LIVE, CANCELLED, ENDED, ARCHIVED; else 422)"),
        _denied_somehow(422, "The given data was invalid."),
    ),
    _change(
        "without_session",
        "a change of an event with a made-up bearer token",
        _OWN,
        (_NOBODYS, "LIVE"),
        (_EVENTS, "PUT /events/{id}/status (bearer)"),
        _DEAD,
    ),
)

# GET /auth/cross-app

_PAGE = "Page GET /auth/cross-app"
_BACK = "http://localhost:5173/hi-events/callback"


def _page(
    key: str, description: str, state: str, params: dict[str, object], sent: dict[str, str], quote: Quote, back: str
) -> Expectation:
    status = dict(part.split("=") for part in back.split("&"))["status"]
    return Expectation(
        key=f"page_{key}",
        description=description,
        state=state,
        operation="openCrossAppPage",
        quote=quote,
        method="GET",
        path="/auth/cross-app",
        query=params,
        call=wire.open_page(sent),
        then=Then(
            302,
            _came_back,
            {name: value for name, value in query_of(f"{_BACK}?{back}").items() if name in _TOLD_BACK},
            None,
            {
                "Location": match.regex(
                    f"{_BACK}?{back}", regex=rf"^https?://[^?#]+\?([^#]*&)?status={status}(&[^#]*)?$"
                )
            },
        ),
    )


_TOLD_BACK = ("status", "event_id", "hi_events_event_id", "error_code")


def _came_back(answer: Answer) -> object:
    told = query_of(answer.header("Location") or "")
    return {name: value for name, value in told.items() if name in _TOLD_BACK}


_UNKNOWN = {"session_token": UNKNOWN, "return_url": _BACK, "app_id": "tuvens"}
_PAGES = (
    _page(
        "with_unknown_token",
        "a visit to the page with an unknown session token",
        "no session has this token and a return URL is known",
        {**_UNKNOWN, "return_url": of_state("return_url", _BACK)},
        _UNKNOWN,
        (_PAGE, "`status` = success | error | cancelled"),
        urlencode({"status": "error", "error_code": "INVALID_SESSION", "error_message": "The session has ended."}),
    ),
)

SEAM = Seam("tuvens-client", "hi.events", (*_SIGN_INS, *_TOLD, *_CHANGES, *_PAGES))
