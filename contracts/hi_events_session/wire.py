"""The messages of the cross-app session at hi.events: sign-in, status, accounts, permissions, events. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from contracts.calls import call
from harness.http import Answer, Call, WireError, field_of, success_of

_TUVENS_EVENT = "tuvens_event_id"


@dataclass(frozen=True, slots=True)
class HiEventsSession:
    """A new Hi.Events session: its bearer token, its life in seconds, and the user's id at Tuvens (None if the answer
    does not name it)."""

    bearer: str = field(repr=False)
    seconds: int
    external_user_id: str | None


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


def event_of(value: object) -> Mapping[str, Any]:
    """The event in the JSON of an answer to `read_event` or `set_event_status`; empty if there is none.

    It may stand below `data`, and `tuvens_event_id` may be an entry of `attributes` instead of a field; here it is
    always a field, and missing where the answer tells none.
    """
    if not isinstance(value, dict):
        return {}
    wrapped = value.get("data")
    event = wrapped if "id" not in value and isinstance(wrapped, dict) else value
    listed = event.get("attributes")
    entries = listed if isinstance(listed, list) else []
    told = [each.get("value") for each in entries if isinstance(each, dict) and each.get("name") == _TUVENS_EVENT]
    return {**event, _TUVENS_EVENT: told[0]} if event.get(_TUVENS_EVENT) is None and told else event


def read_sign_in(answer: Answer) -> HiEventsSession:
    """Read a sign-in. Raises WireError."""
    value = success_of(answer)
    bearer = str(field_of(value, "token", str))
    if not bearer:
        raise WireError("field 'token' is empty")
    seconds = field_of(value, "expires_in", int)
    assert isinstance(seconds, int)
    user = value.get("user")
    external = user.get("external_user_id") if isinstance(user, dict) else None
    return HiEventsSession(bearer, seconds, external if isinstance(external, str) else None)
