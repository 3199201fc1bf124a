"""The cross-app session at hi.events: sign-in, status, accounts, permissions, event status. No I/O."""

from collections.abc import Mapping

import openapi
from harness.http import Call, Headers, json_body


def _call(
    operation_id: str,
    bearer: str | None = None,
    *,
    fields: Mapping[str, object] | None = None,
    path: Mapping[str, str] | None = None,
    query: list[tuple[str, str]] | None = None,
) -> Call:
    operation = openapi.find(operation_id)
    headers: Headers = (("Accept", "application/json"),)
    if bearer is not None:
        headers = (*headers, ("Authorization", f"Bearer {bearer}"))
    body = None
    if fields is not None:
        headers = (*headers, ("Content-Type", "application/json"))
        body = json_body(fields)
    return Call(operation.id, operation.method, operation.target(path, query), headers, body)


def sign_in(token: object) -> Call:
    """Exchange a Tuvens session token for a Hi.Events session."""
    return _call("validateCrossAppSession", fields={"session_token": token})


def session_status(bearer: str | None) -> Call:
    """Ask who is signed in."""
    return _call("getCrossAppStatus", bearer)


def session_accounts(bearer: str | None) -> Call:
    """Ask for the accounts of the signed-in user, as tuvens-api lists them."""
    return _call("listCrossAppAccounts", bearer)


def session_permission(bearer: str | None, permission: object, resource_id: object = None) -> Call:
    """Ask whether the signed-in user has a permission."""
    fields = {"permission": permission}
    if resource_id is not None:
        fields["resource_id"] = resource_id
    return _call("validateCrossAppPermission", bearer, fields=fields)


def set_event_status(bearer: str | None, event_id: str, status: object) -> Call:
    """Change an event's status; hi.events tells tuvens-api by a webhook."""
    return _call("setEventStatus", bearer, path={"id": event_id}, fields={"status": status})


def read_event(bearer: str | None, event_id: str) -> Call:
    """Read one event of hi.events."""
    return _call("readEvent", bearer, path={"id": event_id})


def open_page(params: Mapping[str, str]) -> Call:
    """Open the page /auth/cross-app as a browser does."""
    call = _call("openCrossAppPage", query=list(params.items()))
    return call.with_header("Accept", "text/html")
