"""What faults read in a request, however malformed it is."""

from typing import NamedTuple

from simulators.kit.messages import Request


class SentUpdate(NamedTuple):
    """An event and its status in hi.events, as an unchecked webhook says."""

    event: str
    status: str


def session_token(request: Request) -> str | None:
    """The session token of a question, in its body or its query."""
    token = request.field("session_token") or request.query_value("session_token")
    return token if isinstance(token, str) else None


def sent_update(request: Request) -> SentUpdate | None:
    """What a webhook says of an event; None where it says nothing."""
    payload = request.field("payload")
    if not isinstance(payload, dict):
        return None
    event, status = payload.get("tuvens_event_id"), payload.get("status")
    return SentUpdate(event, status) if isinstance(event, str) and isinstance(status, str) else None
