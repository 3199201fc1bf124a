"""The requests by which tuvens-client reads and changes an event at tuvens-api. No I/O."""

from collections.abc import Mapping

from contracts.calls import call
from harness.http import Call


def get_event(event_id: str) -> Call:
    """Read an event; public."""
    return call("getEvent", path={"id": event_id})


def update_event(jwt: str | None, event_id: str, changes: Mapping[str, object]) -> Call:
    """Change an event as the client's callback page does."""
    return call("updateEvent", jwt, path={"id": event_id}, json=changes)
