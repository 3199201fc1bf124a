"""The SSE stream of ticketing changes, tuvens-api to browsers. No I/O."""

from dataclasses import dataclass

from contracts.calls import call
from harness.http import Call, WireError, field_of, read_json

MESSAGE_TYPE = "ticketing_status_changed"
_STATUSES = ("setup", "active", "inactive")


@dataclass(frozen=True, slots=True)
class StatusMessage:
    """That an event's ticketing status changed; `timestamp` is ISO 8601 UTC, as sent."""

    event_id: str
    status: str
    timestamp: str


def stream_event_updates(last_event_id: str | None = None) -> Call:
    """A browser opens the stream; after a reconnect it names the last event that it saw."""
    opening = call("streamEventUpdates").with_header("Cache-Control", "no-cache")
    return opening if last_event_id is None else opening.with_header("Last-Event-ID", last_event_id)


def status_message(event_id: str, status: str, timestamp: str) -> dict[str, str]:
    """The data of one unnamed event, sent after each applied webhook."""
    return {"type": MESSAGE_TYPE, "eventId": event_id, "status": status, "timestamp": timestamp}


def read_status_message(data: str) -> StatusMessage:
    """Read the data of a message. Raises WireError: a page must not change its widget on nonsense."""
    value = read_json(data.encode("utf-8", "surrogatepass"))
    if field_of(value, "type", str) != MESSAGE_TYPE:
        raise WireError(f"field 'type' is not {MESSAGE_TYPE}")
    status = str(field_of(value, "status", str))
    if status not in _STATUSES:
        raise WireError("field 'status' is no ticketing status")
    return StatusMessage(str(field_of(value, "eventId", str)), status, str(field_of(value, "timestamp", str)))
