"""The event as tuvens-client reads and changes it at tuvens-api. No I/O."""

from collections.abc import Mapping

import openapi
from harness.http import Call, Headers, json_body


def get_event(event_id: str) -> Call:
    """Read an event; public."""
    operation = openapi.find("getEvent")
    headers: Headers = (("Accept", "application/json"),)
    return Call(operation.id, operation.method, operation.target({"id": event_id}), headers)


def update_event(jwt: str | None, event_id: str, changes: Mapping[str, object]) -> Call:
    """Change an event as the client's callback page does."""
    operation = openapi.find("updateEvent")
    headers: Headers = (("Content-Type", "application/json"), ("Accept", "application/json"))
    if jwt is not None:
        headers = (*headers, ("Authorization", f"Bearer {jwt}"))
    body = json_body(changes)
    return Call(operation.id, operation.method, operation.target({"id": event_id}), headers, body)
