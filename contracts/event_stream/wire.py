"""The SSE stream of ticketing changes, tuvens-api to browsers. No I/O."""

from contracts.calls import call
from harness.http import Call

MESSAGE_TYPE = "ticketing_status_changed"


def stream_event_updates(last_event_id: str | None = None) -> Call:
    """A browser opens the stream; after a reconnect it names the last event that it saw."""
    opening = call("streamEventUpdates").with_header("Cache-Control", "no-cache")
    return opening if last_event_id is None else opening.with_header("Last-Event-ID", last_event_id)


def status_message(event_id: str, status: str, timestamp: str) -> dict[str, str]:
    """The data of one unnamed event, sent after each applied webhook."""
    return {"type": MESSAGE_TYPE, "eventId": event_id, "status": status, "timestamp": timestamp}
