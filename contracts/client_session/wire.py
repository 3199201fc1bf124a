"""The messages between a page of tuvens-client and its own server. No I/O."""

from collections.abc import Mapping

import openapi
from contracts.calls import call
from harness.http import Call

CALLBACK = openapi.load("tuvens-client").operations["handleHiEventsCallback"].path
"""The path of the page that hi.events comes back to."""


def wrap_generate_session(jwt: str | None, account_id: object, *, cookie: str = "jwt", origin: str = "") -> Call:
    """A page asks for a session, as its browser does from `origin`; the JWT is sent in the cookie of that name, or as a
    bearer token if the name is empty."""
    asked = call("wrapGenerateSession", json={"account_id": account_id})
    return _with_jwt(asked.with_header("Origin", origin or None), jwt, cookie)


def show_event(jwt: str | None, event_id: str, *, cookie: str = "jwt") -> Call:
    """A browser opens an event's page."""
    return _with_jwt(call("showTuvensEventPage", path={"id": event_id}), jwt, cookie)


def come_back(jwt: str | None, params: Mapping[str, str], *, cookie: str = "jwt") -> Call:
    """A browser comes back from hi.events."""
    return _with_jwt(call("handleHiEventsCallback", query=list(params.items())), jwt, cookie)


def _with_jwt(asked: Call, jwt: str | None, cookie: str) -> Call:
    if jwt is None:
        return asked
    return (
        asked.with_header("Cookie", f"{cookie}={jwt}")
        if cookie
        else asked.with_header("Authorization", f"Bearer {jwt}")
    )
