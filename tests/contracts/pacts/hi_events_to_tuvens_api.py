"""hi.events' back end as a consumer of tuvens-api: sessions, accounts, permissions, and the webhook that it sends."""

from collections.abc import Callable, Mapping

from pact import match

from contracts import placeholders
from contracts.session_token import wire
from contracts.session_token.wire import Account, SessionUser, read_accounts, read_permission, read_session_user
from contracts.webhook import wire as webhook
from harness.http import Answer
from tests.contracts.pacts.expectations import Expectation, Quote, Seam, Then, fields, json_type, of_state, text
from tests.contracts.pacts.words import EXPIRED, LIMITS, LIVING, NONE, OVER, UNKNOWN, error_body, limited, refused

_SECRET, _TOKEN = placeholders.SHARED_SECRET, placeholders.session_token()
_MEMBERS = placeholders.session_token("member")
_WRONG_SECRET = "a-secret-that-nobody-has-configured"

_MEMBER = "the member has a live session and may not manage ticketing"
_TROUBLE = "tuvens-api is failing"
_EVENT = "the event exists"


def _proof(secret: str | None) -> Mapping[str, object]:
    return {} if secret is None else {"x-shared-secret": secret}


def _sent(token: str) -> object:
    return of_state("session_token", token) if token == EXPIRED else token


# POST /api/cross-app/validate-session

_VALIDATE = "POST /api/cross-app/validate-session (shared secret)"


def _validate(
    key: str, description: str, state: str, token: str, quote: Quote, then: Then, *, secret: str | None = _SECRET
) -> Expectation:
    return Expectation(
        key=f"validate_session_{key}",
        description=description,
        state=state,
        operation="validateSession",
        quote=quote,
        method="POST",
        path="/api/cross-app/validate-session",
        headers={"Content-Type": json_type(), **_proof(secret)},
        body={"session_token": _sent(token)},
        call=wire.validate_session(secret, token),
        then=then,
    )


_WHOSE = Then(
    200,
    read_session_user,
    SessionUser("456", "user@example.com", "John Doe", 123),
    {
        "user_id": text("456"),
        "email": text("user@example.com"),
        "name": match.str("John Doe"),
        "account_id": match.int(123),
    },
)
_VALIDATIONS = (
    _validate(
        "tells_whose_it_is",
        "a request to validate a live session token",
        LIVING,
        _TOKEN,
        (_VALIDATE, '200 `{"user_id": "456", "email": "user@example.com", "name": "John Doe", "account_id": 123}`'),
        _WHOSE,
    ),
    _validate(
        "empty_token",
        "a request to validate an empty session token",
        LIVING,
        "",
        (_VALIDATE, "400 session_token missing, empty or not a string"),
        refused(400, "session_token must not be empty"),
    ),
    _validate(
        "wrong_secret",
        "a request with a wrong secret to validate a live session token",
        LIVING,
        _TOKEN,
        (_VALIDATE, "401 wrong or missing secret"),
        refused(401, "Unauthorized"),
        secret=_WRONG_SECRET,
    ),
    _validate(
        "without_secret",
        "a request without a secret to validate a live session token",
        LIVING,
        _TOKEN,
        (_VALIDATE, "401 wrong or missing secret"),
        refused(401, "Unauthorized"),
        secret=None,
    ),
    _validate(
        "unknown_token",
        "a request to validate an unknown session token",
        NONE,
        UNKNOWN,
        (_VALIDATE, "404 token unknown or expired"),
        refused(404, "Not found"),
    ),
    _validate(
        "expired_token",
        "a request to validate an expired session token",
        OVER,
        EXPIRED,
        (_VALIDATE, "one answer for both: a caller cannot tell which"),
        refused(404, "Not found"),
    ),
    _validate(
        "past_the_limit",
        "a request beyond the rate limit to validate a live session token",
        "the secret's rate limit for validations is exhausted",
        _TOKEN,
        LIMITS,
        limited(),
    ),
    _validate(
        "in_trouble",
        "a request to validate a live session token while tuvens-api fails",
        _TROUBLE,
        _TOKEN,
        (_VALIDATE, "(one answer for both: a caller cannot tell which) · 500"),
        refused(500, "Internal server error"),
    ),
)


# GET /api/cross-app/user-accounts

_LIST = "GET /api/cross-app/user-accounts?session_token=... (shared secret)"


def _accounts(
    key: str, description: str, state: str, token: str | None, quote: Quote, then: Then, *, secret: str = _SECRET
) -> Expectation:
    return Expectation(
        key=f"user_accounts_{key}",
        description=description,
        state=state,
        operation="listUserAccounts",
        quote=quote,
        method="GET",
        path="/api/cross-app/user-accounts",
        headers=_proof(secret),
        query={} if token is None else {"session_token": _sent(token)},
        call=wire.list_user_accounts(secret, token),
        then=then,
    )


_LISTED = Then(
    200,
    read_accounts,
    (Account(123, "Acme Events", "acme-events"),),
    {
        "accounts": match.each_like(
            {"id": match.int(123), "name": match.str("Acme Events"), "slug": match.str("acme-events")}, min=1
        )
    },
)
_ACCOUNT_LISTS = (
    _accounts(
        "lists_them",
        "a request for the accounts of a live session",
        LIVING,
        _TOKEN,
        (_LIST, '200 `{"accounts": [{"id": 123, "name": "Acme Events", "slug": "acme-events"}]}`'),
        _LISTED,
    ),
    _accounts(
        "without_token",
        "a request for accounts without a session token",
        LIVING,
        None,
        (_LIST, "400 session_token missing"),
        refused(400, "session_token is required"),
    ),
    _accounts(
        "wrong_secret",
        "a request with a wrong secret for the accounts of a live session",
        LIVING,
        _TOKEN,
        (_LIST, "401 wrong or missing secret"),
        refused(401, "Unauthorized"),
        secret=_WRONG_SECRET,
    ),
    _accounts(
        "unknown_token",
        "a request for the accounts of an unknown session",
        NONE,
        UNKNOWN,
        (_LIST, "404 session unknown or expired"),
        refused(404, "Not found"),
    ),
    _accounts(
        "expired_token",
        "a request for the accounts of an expired session",
        OVER,
        EXPIRED,
        (_LIST, "404 session unknown or expired"),
        refused(404, "Not found"),
    ),
    _accounts(
        "past_the_limit",
        "a request beyond the rate limit for the accounts of a live session",
        "the session's rate limit for account lists is exhausted",
        _TOKEN,
        LIMITS,
        limited(),
    ),
    _accounts(
        "in_trouble",
        "a request for the accounts of a live session while tuvens-api fails",
        _TROUBLE,
        _TOKEN,
        (_LIST, "404 session unknown or expired · 500"),
        refused(500, "Internal server error"),
    ),
)


# POST /api/cross-app/validate-permission

_ASK = "POST /api/cross-app/validate-permission (shared secret)"
_OTHERS: Quote = (_ASK, "400 missing or ill-typed field · 401 · 404 as above")
_MANAGE = "manage_ticketing"


def _permission(
    key: str,
    description: str,
    state: str,
    asked: tuple[str, object, int | None],
    quote: Quote,
    then: Then,
    *,
    secret: str = _SECRET,
) -> Expectation:
    token, permission, resource = asked
    body = {"session_token": _sent(token), "permission": permission}
    if resource is not None:
        body["resource_id"] = of_state("resource_id", resource)
    return Expectation(
        key=f"validate_permission_{key}",
        description=description,
        state=state,
        operation="validatePermission",
        quote=quote,
        method="POST",
        path="/api/cross-app/validate-permission",
        headers={"Content-Type": json_type(), **_proof(secret)},
        body=body,
        call=wire.validate_permission(secret, token, permission, resource),
        then=then,
    )


def answered(granted: bool) -> Then:
    """Yes or no."""
    return Then(200, read_permission, granted, {"has_permission": granted})


_PERMISSIONS = (
    _permission(
        "on_own_event",
        "a request to check manage_ticketing for an own event",
        "the organiser may manage ticketing of the event",
        (_TOKEN, _MANAGE, 789),
        (_ASK, '200 `{"has_permission": true}`'),
        answered(True),
    ),
    _permission(
        "in_the_account",
        "a request to check manage_ticketing for an organiser",
        LIVING,
        (_TOKEN, _MANAGE, None),
        (_ASK, '200 `{"has_permission": true}`'),
        answered(True),
    ),
    _permission(
        "not_held",
        "a request to check manage_ticketing for a member without it",
        _MEMBER,
        (_MEMBERS, _MANAGE, None),
        (_ASK, "Known permissions: `create_events`, `manage_ticketing`"),
        answered(False),
    ),
    _permission(
        "on_event_of_others",
        "a request to check manage_ticketing for another account's event",
        "the event belongs to another account",
        (_TOKEN, _MANAGE, 789),
        (_ASK, "A resource of an account that the session's user does not belong to is `false`"),
        answered(False),
    ),
    _permission(
        "unknown_permission",
        "a request to check an unknown permission",
        LIVING,
        (_TOKEN, "fly_to_the_moon", None),
        (_ASK, "an unknown one is `false`, not an error"),
        answered(False),
    ),
    _permission(
        "ill_typed",
        "a request to check a permission that is not text",
        LIVING,
        (_TOKEN, 7, None),
        _OTHERS,
        refused(400, "permission must be a string"),
    ),
    _permission(
        "wrong_secret",
        "a request with a wrong secret to check manage_ticketing",
        LIVING,
        (_TOKEN, _MANAGE, None),
        _OTHERS,
        refused(401, "Unauthorized"),
        secret=_WRONG_SECRET,
    ),
    _permission(
        "unknown_token",
        "a request to check manage_ticketing for an unknown session",
        NONE,
        (UNKNOWN, _MANAGE, None),
        _OTHERS,
        refused(404, "Not found"),
    ),
    _permission(
        "expired_token",
        "a request to check manage_ticketing for an expired session",
        OVER,
        (EXPIRED, _MANAGE, None),
        _OTHERS,
        refused(404, "Not found"),
    ),
    _permission(
        "past_the_limit",
        "a request beyond the rate limit to check manage_ticketing",
        "the session's rate limit for permission checks is exhausted",
        (_TOKEN, _MANAGE, None),
        LIMITS,
        limited(),
    ),
)


# POST /api/webhooks/hi-events/event-status-changed

_WEBHOOK = "POST /api/webhooks/hi-events/event-status-changed (signature)"
_SENT_AT = "2025-07-25T14:30:00.000Z"


def _delivery(
    key: str, description: str, state: str, quote: Quote, then: Then, *, status: str = "LIVE", signature: str | None
) -> Expectation:
    body = webhook.status_changed_body(
        event_id=2, title="Event Title", status=status, tuvens_event_id="11", sent_at=_SENT_AT
    )
    return _report(
        key,
        description,
        state,
        quote,
        then,
        {
            "event_type": "event.status_changed",
            "event_sent_at": of_state("event_sent_at", _SENT_AT),
            "payload": {
                "id": of_state("hi_events_number", 2),
                "title": "Event Title",
                "status": status,
                "tuvens_event_id": of_state("event_id", "11"),
            },
        },
        body,
        signature,
    )


def _report(
    key: str,
    description: str,
    state: str,
    quote: Quote,
    then: Then,
    body: Mapping[str, object],
    sent: bytes,
    signature: str | None,
) -> Expectation:
    signed = {} if signature is None else {"x-hi-events-signature": signature}
    return Expectation(
        key=f"webhook_{key}",
        description=description,
        state=state,
        operation="receiveEventStatusChanged",
        quote=quote,
        method="POST",
        path="/api/webhooks/hi-events/event-status-changed",
        headers={"Content-Type": json_type(), **signed},
        body=body,
        call=webhook.event_status_changed(sent, signature),
        then=then,
    )


def _taken() -> Then:
    message = "Event status updated"
    met = webhook.Fate.DELIVERED, {"success": True, "message": message}
    return Then(200, _judges("success", "message"), met, {"success": True, "message": match.str(message)})


def _given_up(status: int, message: str) -> Then:
    return _judged(status, message, webhook.Fate.REFUSED)


def _judged(status: int, message: str, fate: webhook.Fate) -> Then:
    met = fate, {"statusCode": status, "message": message}
    return Then(status, _judges("statusCode", "message"), met, error_body(status, message))


def _judges(*names: str) -> Callable[[Answer], object]:
    """hi.events reads what becomes of the delivery, and these fields for its log."""
    return lambda answer: (webhook.fate_of(answer.status), fields(*names)(answer))


_DELIVERIES = (
    _delivery(
        "live",
        "a signed webhook that an event is live",
        _EVENT,
        (_WEBHOOK, '200 `{"success": true, "message": "..."}`'),
        _taken(),
        signature=placeholders.SIGNATURE,
    ),
    _delivery(
        "archived",
        "a signed webhook that an event is archived",
        _EVENT,
        (_WEBHOOK, "anything else (ARCHIVED, which upstream Hi.Events has, too)"),
        _taken(),
        status="ARCHIVED",
        signature=placeholders.SIGNATURE,
    ),
    _report(
        "malformed",
        "a signed but malformed webhook",
        _EVENT,
        (_WEBHOOK, "400 signed, but malformed"),
        _given_up(400, "payload is required"),
        {"event_type": "event.status_changed"},
        b'{"event_type":"event.status_changed"}',
        placeholders.SIGNATURE,
    ),
    _delivery(
        "unsigned",
        "an unsigned webhook that an event is live",
        _EVENT,
        (_WEBHOOK, "401 signature missing or wrong"),
        _given_up(401, "Unauthorized"),
        signature=None,
    ),
    _delivery(
        "wrongly_signed",
        "a wrongly signed webhook that an event is live",
        _EVENT,
        (_WEBHOOK, "401 signature missing or wrong"),
        _given_up(401, "Unauthorized"),
        signature="sha256=" + "0123456789abcdef" * 4,
    ),
    _delivery(
        "unknown_event",
        "a signed webhook that an unknown event is live",
        "no event has the id",
        (_WEBHOOK, "404 signed, well formed, but no such Tuvens event"),
        _given_up(404, "Not found"),
        signature=placeholders.SIGNATURE,
    ),
    _delivery(
        "past_the_limit",
        "a signed webhook beyond the rate limit that an event is live",
        "the instance's rate limit for webhooks is exhausted",
        LIMITS,
        _judged(429, "Too many requests", webhook.Fate.TO_RETRY),
        signature=placeholders.SIGNATURE,
    ),
)

SEAM = Seam("hi.events", "tuvens-api", (*_VALIDATIONS, *_ACCOUNT_LISTS, *_PERMISSIONS, *_DELIVERIES))
