"""The cross-app session at hi.events: sign-in, status, accounts, permissions, event status. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from contracts.calls import call
from harness.http import Answer, Call, WireError, field_of, success_of


@dataclass(frozen=True, slots=True)
class SignIn:
    """A Hi.Events session as it is handed out: its bearer token, how many seconds it lives, whose it is at Tuvens (None
    where that is not said)."""

    bearer: str = field(repr=False)
    seconds: int
    external_user_id: str | None


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A living session: Hi.Events' own number of the account, and until when it lives (ISO 8601 UTC, as sent)."""

    account_id: int
    expires_at: str


@dataclass(frozen=True, slots=True)
class Denial:
    """An error of hi.events: what went wrong, and the word for programs (None where a validation error has none)."""

    status: int
    message: str
    code: str | None


def sign_in(token: object) -> Call:
    """Exchange a Tuvens session token for a Hi.Events session."""
    return call("validateCrossAppSession", json={"session_token": token})


def session_status(bearer: str | None) -> Call:
    """Ask who is signed in."""
    return call("getCrossAppStatus", bearer)


def session_accounts(bearer: str | None) -> Call:
    """Ask for the accounts of the signed-in user, as tuvens-api lists them."""
    return call("listCrossAppAccounts", bearer)


def session_permission(bearer: str | None, permission: object, resource_id: object = None) -> Call:
    """Ask whether the signed-in user has a permission."""
    fields = {"permission": permission}
    if resource_id is not None:
        fields["resource_id"] = resource_id
    return call("validateCrossAppPermission", bearer, json=fields)


def set_event_status(bearer: str | None, event_id: str, status: object) -> Call:
    """Change an event's status; hi.events reports it to tuvens-api by a webhook."""
    return call("setEventStatus", bearer, path={"id": event_id}, json={"status": status})


def read_event(bearer: str | None, event_id: str) -> Call:
    """Read one event of hi.events."""
    return call("readEvent", bearer, path={"id": event_id})


def open_page(params: Mapping[str, str]) -> Call:
    """Open the page /auth/cross-app as a browser does."""
    return call("openCrossAppPage", query=list(params.items()))


def read_sign_in(answer: Answer) -> SignIn:
    """Read a sign-in. Raises WireError."""
    value = success_of(answer)
    bearer = str(field_of(value, "token", str))
    if not bearer:
        raise WireError("field 'token' is empty")
    seconds = field_of(value, "expires_in", int)
    assert isinstance(seconds, int)
    user = value.get("user")
    external = user.get("external_user_id") if isinstance(user, dict) else None
    return SignIn(bearer, seconds, external if isinstance(external, str) else None)


def read_session_status(answer: Answer) -> SessionStatus:
    """Read who is signed in. Raises WireError: whoever is not certainly signed in is not."""
    value = success_of(answer)
    if field_of(value, "authenticated", bool) is not True:
        raise WireError("field 'authenticated' is not true")
    account = field_of(value, "account_id", int)
    assert isinstance(account, int)
    return SessionStatus(account, str(field_of(value, "expires_at", str)))


def read_denial(answer: Answer) -> Denial:
    """Read an error of hi.events' API. Raises WireError for a success, and for what has not Laravel's error shape."""
    if answer.status < 400:
        raise WireError(f"the answer has status {answer.status}, which is no error")
    value = answer.json()
    code = field_of(value, "error", (str, type(None)))
    return Denial(answer.status, str(field_of(value, "message", str)), None if code is None else str(code))
