"""The SSE stream of ticketing changes, tuvens-api to browsers. No I/O."""

import openapi
from harness.http import Call, Headers

MESSAGE_TYPE = "ticketing_status_changed"


def stream_event_updates(last_event_id: str | None = None) -> Call:
    """A browser opens the stream; after a reconnect it names the last event that it saw."""
    operation = openapi.find("streamEventUpdates")
    headers: Headers = (("Accept", "text/event-stream"), ("Cache-Control", "no-cache"))
    if last_event_id is not None:
        headers = (*headers, ("Last-Event-ID", last_event_id))
    return Call(operation.id, operation.method, operation.target(), headers)


def status_message(event_id: str, status: str, timestamp: str) -> dict[str, str]:
    """The data of one unnamed event, sent after each applied webhook."""
    return {"type": MESSAGE_TYPE, "eventId": event_id, "status": status, "timestamp": timestamp}
