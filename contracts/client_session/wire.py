"""The messages between a page of tuvens-client and its own server. No I/O."""

from collections.abc import Mapping

import openapi
from harness.http import Call, Headers, json_body

CALLBACK = openapi.find("handleHiEventsCallback").path
"""The path of the page that hi.events comes back to."""


def _credentials(jwt: str | None, cookie: str) -> Headers:
    if jwt is None:
        return ()
    return (("Cookie", f"{cookie}={jwt}"),) if cookie else (("Authorization", f"Bearer {jwt}"),)


def wrap_generate_session(jwt: str | None, account_id: object, *, cookie: str = "jwt", origin: str = "") -> Call:
    """A page asks for a session, as its browser does from `origin`; the JWT travels in the cookie of that name, or (no
    cookie) as a bearer token."""
    operation = openapi.find("wrapGenerateSession")
    headers: Headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    if origin:
        headers = (*headers, ("Origin", origin))
    body = json_body({"account_id": account_id})
    return Call(operation.id, operation.method, operation.target(), headers + _credentials(jwt, cookie), body)


def show_event(jwt: str | None, event_id: str, *, cookie: str = "jwt") -> Call:
    """A browser opens an event's page."""
    operation = openapi.find("showTuvensEventPage")
    headers: Headers = (("Accept", "text/html"), *_credentials(jwt, cookie))
    return Call(operation.id, operation.method, operation.target({"id": event_id}), headers)


def come_back(jwt: str | None, params: Mapping[str, str], *, cookie: str = "jwt") -> Call:
    """A browser comes back from hi.events."""
    operation = openapi.find("handleHiEventsCallback")
    headers: Headers = (("Accept", "text/html"), *_credentials(jwt, cookie))
    return Call(operation.id, operation.method, operation.target(query=list(params.items())), headers)
