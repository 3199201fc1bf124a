"""The event as tuvens-client reads and changes it at tuvens-api. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass

from contracts.calls import call
from harness.http import Answer, Call, WireError, field_of, success_of

_STATUSES = ("setup", "active", "inactive", None)


@dataclass(frozen=True, slots=True)
class TuvensEvent:
    """An event as the event page needs it; `ticketing_status` is None before ticketing is enabled, `page` is the
    event's page at hi.events (hi_events_event_url), None where there is none."""

    id: str
    title: str
    ticketing_enabled: bool
    ticketing_status: str | None
    page: str | None


def get_event(event_id: str) -> Call:
    """Read an event; public."""
    return call("getEvent", path={"id": event_id})


def update_event(jwt: str | None, event_id: str, changes: Mapping[str, object]) -> Call:
    """Change an event as the client's callback page does."""
    return call("updateEvent", jwt, path={"id": event_id}, json=changes)


def read_event(answer: Answer) -> TuvensEvent:
    """Read an event, as get and update answer it. Raises WireError."""
    value = success_of(answer)
    status = field_of(value, "ticketing_status", (str, type(None)))
    if status not in _STATUSES:
        raise WireError("field 'ticketing_status' is no ticketing status")
    page = field_of(value, "hi_events_event_url", (str, type(None)))
    return TuvensEvent(
        id=str(field_of(value, "id", str)),
        title=str(field_of(value, "title", str)),
        ticketing_enabled=bool(field_of(value, "ticketing_enabled", bool)),
        ticketing_status=None if status is None else str(status),
        page=None if page is None else str(page),
    )
