"""The session-token messages: hi.events and tuvens-client to tuvens-api. No I/O."""

from dataclasses import dataclass

import openapi
from contracts.calls import call
from harness.http import Answer, Call, WireError, field_of, success_of

SECRET_HEADER = openapi.load("tuvens-api").operations["validateSession"].schemes[0].field


@dataclass(frozen=True, slots=True)
class Session:
    """A minted session. `expires_at` is ISO 8601 UTC, as sent."""

    session_token: str
    expires_at: str
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class SessionUser:
    """The user of a session; `account_id` is the account that the session was minted for."""

    user_id: str
    email: str
    name: str
    account_id: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account as tuvens-api lists it."""

    id: int
    name: str
    slug: str


def generate_session(jwt: str | None, account_id: object) -> Call:
    """A user asks for a session token for one of the user's accounts."""
    return call("generateSession", jwt, json={"account_id": account_id})


def validate_session(secret: str | None, token: object) -> Call:
    """A back end asks for the user of a session token."""
    return call("validateSession", secret, json={"session_token": token})


def list_user_accounts(secret: str | None, token: str | None) -> Call:
    """A back end asks for the accounts of a session's user; the token is sent in the query."""
    return call("listUserAccounts", secret, query=[] if token is None else [("session_token", token)])


def validate_permission(secret: str | None, token: object, permission: object, resource_id: object = None) -> Call:
    """A back end asks whether a session's user has a permission, on the event `resource_id` if it is given."""
    fields = {"session_token": token, "permission": permission}
    if resource_id is not None:
        fields["resource_id"] = resource_id
    return call("validatePermission", secret, json=fields)


def read_session(answer: Answer) -> Session:
    """Read generate-session's answer. Raises WireError."""
    value = success_of(answer)
    token = str(field_of(value, "session_token", str))
    if not token:
        raise WireError("field 'session_token' is empty")
    account = value.get("account_id")
    return Session(
        token,
        str(field_of(value, "expires_at", str)),
        account if isinstance(account, int) and not isinstance(account, bool) else None,
    )


def read_session_user(answer: Answer) -> SessionUser:
    """Read validate-session's answer. Raises WireError: a caller must never start a session from nonsense."""
    value = success_of(answer)
    user_id = str(field_of(value, "user_id", str))
    email = str(field_of(value, "email", str))
    if not user_id or not email:
        raise WireError("user_id and email must not be empty")
    account = field_of(value, "account_id", int)
    assert isinstance(account, int)
    return SessionUser(user_id, email, str(field_of(value, "name", str)), account)


def read_accounts(answer: Answer) -> tuple[Account, ...]:
    """Read user-accounts' answer. Raises WireError."""
    listed = field_of(success_of(answer), "accounts", list)
    assert isinstance(listed, list)
    accounts = []
    for each in listed:
        number = field_of(each, "id", int)
        assert isinstance(number, int)
        accounts.append(Account(number, str(field_of(each, "name", str)), str(field_of(each, "slug", str))))
    return tuple(accounts)


def read_permission(answer: Answer) -> bool:
    """Read validate-permission's answer. Raises WireError."""
    return bool(field_of(success_of(answer), "has_permission", bool))
