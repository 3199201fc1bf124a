"""What a Hi.Events session gives access to: status, accounts, permissions; nothing works without a session."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from contracts.catalogue import RuleFamily
from contracts.expiry import seconds_to_expiry
from contracts.hi_events_session.rules_sign_in import handed_out, signed_in_user
from contracts.hi_events_session.wire import event_of
from contracts.status_changes import expect_ours_alone, readable, state_of
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    answered,
    expect,
    expect_field,
    expect_status,
    expect_success,
    held,
    json_object,
    statuses,
)
from harness.history import SHARED, Exchange, History, NothingObservedError
from harness.http import header, object_or_empty
from harness.requirement import MUST
from harness.verdict import Verdict

_ACCEPTS = "hi_events_session.accepts_a_live_session"
STATUS = "GET /auth/cross-app/status (bearer)"
ACCOUNTS = "GET /auth/cross-app/accounts (bearer)"
PERMISSION = "POST /auth/cross-app/validate-permission (bearer)"
USED = "a_hi_events_session_is_used"
DEMANDED = "hi_events_routes_are_tried_without_a_session"
CHANGED = "an_event_is_changed_without_a_session"
ENDED = "a_hi_events_session_ends"
_IS_TOLD = "hi_events_session.status_is_told"

living_session_rule = RuleFamily(
    level=MUST, obliged="hi.events", section=STATUS, story=USED, operations="getCrossAppStatus"
)


@living_session_rule(
    quote='200 `{"authenticated": true, "user": {...}, "account_id": 1, "expires_at": "..."}`', depends_on=_ACCEPTS
)
def status_is_told(history: History) -> Verdict:
    """hi.events' status route returns 200 for a live session, with authenticated true, the user, and the id of the
    user's account at hi.events."""
    answer = expect_status(history.one(f"{USED}/status"), 200)
    authenticated = json_object(answer).get("authenticated")
    observed = f"authenticated is {authenticated!r}"[:120]
    expect(authenticated is True, expected="authenticated true", observed=observed, at=answer)
    expect_field(answer, "user", dict)
    expect_field(answer, "account_id", int)
    return held(answer)


@living_session_rule(
    quote='200 `{"authenticated": true, "user": {...}', story=[USED, SHARED], settles="C-HE-11", depends_on=_IS_TOLD
)
def status_knows_the_user(history: History) -> Verdict:
    """hi.events' status route returns the user of the session."""
    answer = expect_success(history.one(f"{USED}/status"))
    sign_in = _sign_in_of(history, answer)
    user, signed_in = signed_in_user(answer), signed_in_user(sign_in)
    compared = [name for name in ("id", "external_user_id", "email") if name in user and name in signed_in]
    if not compared:
        raise BrokenRuleError(
            "user with an id, external_user_id or email", f"user has {', '.join(user) or 'no field'}", answer
        )
    for name in compared:
        expect(
            user[name] == signed_in[name],
            expected=f"user.{name} {signed_in[name]!r}, as at sign-in",
            observed=f"user.{name} is {user[name]!r}"[:120],
            at=(answer, sign_in),
        )
    return held((answer, sign_in))


def _sign_in_of(history: History, request: Exchange) -> Exchange:
    """The sign-in that gave the bearer token of a request; in the record the token is a placeholder, told apart by its
    digest."""
    placeholder = (header(request.request_headers, "Authorization") or "").removeprefix("Bearer ")
    for each in history.exchanges("validateCrossAppSession"):
        if each.is_success and handed_out(each) == placeholder:
            return each
    raise UndecidedError("the record does not contain the sign-in that started the session")


@living_session_rule(quote='"account_id": 1, "expires_at": "..."}`', depends_on=_IS_TOLD)
def status_tells_when_the_session_ends(history: History) -> Verdict:
    """hi.events' status route returns when the session expires: a future time in ISO 8601, in UTC."""
    answer = expect_success(history.one(f"{USED}/status"))
    left = seconds_to_expiry(answer)
    expect(
        left > -1, expected="a time after the response's Date", observed=f"a time {-left:.0f} s before it", at=answer
    )
    return held(answer)


def _accounts(exchange: Exchange) -> set[tuple[Any, Any, Any]]:
    listed = json_object(exchange).get("accounts")
    expect(
        isinstance(listed, list) and all(isinstance(each, dict) for each in listed),
        expected="accounts, a list of objects",
        observed=f"accounts is {type(listed).__name__}",
        at=exchange,
    )
    assert isinstance(listed, list)
    return {(_plain(each.get("id")), _plain(each.get("name")), _plain(each.get("slug"))) for each in listed}


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) or value is None else repr(value)


def _pairs(history: History, here: str, there: str) -> Iterable[tuple[str, Exchange, Exchange]]:
    """The answers of hi.events and of tuvens-api to the same question, with the question's name."""
    for each in history.every(f"{USED}/{here}"):
        name = each.step.removeprefix(f"{USED}/{here}/")
        theirs = answered(history.one(f"{USED}/{there}/{name}"))
        if not theirs.is_success:
            raise UndecidedError(f"tuvens-api itself returns {theirs.status} (exchange {theirs.number})")
        yield name, each, theirs


@living_session_rule(
    section=ACCOUNTS,
    quote="equal to tuvens-api's.",
    settles="C-HE-09",
    operations=["listCrossAppAccounts", "listUserAccounts"],
    depends_on=[_ACCEPTS, "session_token.accounts_of_a_session_are_listed"],
)
def accounts_equal_those_of_tuvens_api(history: History) -> Verdict:
    """hi.events lists the same accounts of the signed-in user as tuvens-api: the same ids, names and slugs."""
    compared: list[Exchange] = []
    for role, answer, theirs in _pairs(history, "accounts", "accounts at tuvens-api"):
        expect_status(answer, 200)
        found, wanted = _accounts(answer), _accounts(theirs)
        expect(
            found == wanted,
            expected=f"for the {role} {_listed(wanted)}",
            observed=_listed(found),
            at=(answer, theirs),
        )
        compared += [answer, theirs]
    return held(compared)


def _listed(accounts: set[tuple[Any, Any, Any]]) -> str:
    named = sorted((f"id {number!r}", str(name), str(slug)) for number, name, slug in accounts)
    return "; ".join(" ".join(each) for each in named)[:300] or "no account"


@living_session_rule(
    section=PERMISSION,
    quote='200 `{"has_permission": true}`.',
    operations="validateCrossAppPermission",
    depends_on=[_ACCEPTS, "session_token.permission_is_answered_by_a_boolean"],
)
def permission_is_answered(history: History) -> Verdict:
    """hi.events' validate-permission returns 200 and has_permission, true or false, for a live session."""
    answer = expect_status(history.one(f"{USED}/permission/manage ticketing"), 200)
    expect_field(answer, "has_permission", bool)
    return held(answer)


@living_session_rule(
    section=PERMISSION,
    quote='200 `{"has_permission": true}`.',
    operations=["validateCrossAppPermission", "validatePermission"],
    depends_on=["hi_events_session.permission_is_answered", "session_token.unknown_permission_is_false"],
)
def permissions_follow_tuvens_api(history: History) -> Verdict:
    """hi.events' validate-permission returns the same result as tuvens-api's, also for another account's event or an
    unknown permission."""
    compared: list[Exchange] = []
    for name, answer, theirs in _pairs(history, "permission", "permission at tuvens-api"):
        expect_success(answer)
        found, wanted = (json_object(each).get("has_permission") for each in (answer, theirs))
        expect(
            found is wanted,
            expected=f"{name}: {str(wanted).lower()}, as tuvens-api returns",
            observed=f"has_permission is {found!r}"[:120],
            at=(answer, theirs),
        )
        compared += [answer, theirs]
    return held(compared)


@living_session_rule(
    section=PERMISSION, quote="400/422, 401.", operations="validateCrossAppPermission", depends_on=_ACCEPTS
)
def ill_formed_permission_question_is_refused(history: History) -> Verdict:
    """hi.events' validate-permission returns 400 or 422 if the permission is missing or a field has the wrong type."""
    return statuses(history.every(f"{USED}/ill-formed permission"), 400, 422)


def _demands_a_session(history: History, route: str) -> Verdict:
    return statuses(history.every(f"{DEMANDED}/{route}"), 401)


bearer_rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section="Events and outgoing webhooks",
    story=DEMANDED,
    settles="C-HE-11",
    next_step="Put the route behind the middleware that requires a session.",
)


@bearer_rule(section=STATUS, quote="without or with a dead session 401.", operations="getCrossAppStatus", security=True)
def status_demands_a_session(history: History) -> Verdict:
    """hi.events' status route returns 401 without a session, or with a token that does not belong to a session."""
    return _demands_a_session(history, "status")


@bearer_rule(section=ACCOUNTS, quote="401 otherwise.", operations="listCrossAppAccounts", security=True)
def accounts_demand_a_session(history: History) -> Verdict:
    """hi.events' accounts route returns 401 without a session, or with a token that does not belong to a session."""
    return _demands_a_session(history, "accounts")


@bearer_rule(section=PERMISSION, quote="400/422, 401.", operations="validateCrossAppPermission", security=True)
def permissions_demand_a_session(history: History) -> Verdict:
    """hi.events' validate-permission returns 401 without a session, or with a token that does not belong to a
    session."""
    return _demands_a_session(history, "permission")


@bearer_rule(
    quote="PUT /events/{id}/status (bearer)",
    story=CHANGED,
    operations="setEventStatus",
    needs="linked-event",
    security=True,
)
def changing_an_event_demands_a_session(history: History) -> Verdict:
    """hi.events returns 401 for a change of an event's status without a session, or with a token that does not belong
    to a session."""
    return statuses(history.every(f"{CHANGED}/change"), 401)


@bearer_rule(
    quote="PUT /events/{id}/status (bearer)",
    story=CHANGED,
    operations=["setEventStatus", "getEvent"],
    needs="linked-event",
    depends_on="hi_events_session.changing_an_event_demands_a_session",
    security=True,
)
def refused_change_changes_nothing(history: History) -> Verdict:
    """hi.events changes nothing, and sends tuvens-api nothing, when it rejects a change without a session."""
    readings = [readable(each) for each in history.every(f"{CHANGED}/at tuvens-api")]
    tried = {str(object_or_empty(each.request_body).get("status")) for each in history.every(f"{CHANGED}/change")}
    for each in readings[1:]:
        if state_of(json_object(each)) != state_of(json_object(readings[0])):
            expect_ours_alone(readings[0], each, tried)
    _unchanged(readings, state_of)
    # hi.events shows a change at once, tuvens-api has to be told of it; but not every deployment lets an event be read.
    with suppress(NothingObservedError):
        own = history.every(f"{CHANGED}/at hi.events")
        if all(each.status == 200 for each in own):
            _unchanged(own, lambda event: event_of(event).get("status"))
    return held(readings)


def _unchanged(readings: Sequence[Exchange], state: Callable[[Mapping[str, Any]], object]) -> None:
    """Raises BrokenRuleError if a reading of an event shows another state than the first one."""
    states = [state(json_object(each)) for each in readings]
    for reading, found in zip(readings, states, strict=True):
        expect(
            found == states[0],
            expected=f"the event as it was: {states[0]}",
            observed=str(found),
            at=(reading, readings[0]),
        )


@living_session_rule(
    quote="without or with a dead session 401.",
    story=ENDED,
    needs="control:hi.events",
    depends_on=[_IS_TOLD, "hi_events_session.status_demands_a_session"],
    security=True,
)
def dead_session_is_refused(history: History) -> Verdict:
    """hi.events' status route returns 401 once the session's expires_in seconds have passed."""
    expect_success(history.one(f"{ENDED}/alive"))
    return held(expect_status(history.one(f"{ENDED}/dead"), 401, because="after expires_in"))
