"""What a delivered change of status shows at tuvens-api."""

from collections.abc import Mapping
from typing import Any

TICKETING = {"LIVE": "active", "DRAFT": "setup", "CANCELLED": "inactive", "ENDED": "inactive", "ARCHIVED": "setup"}
"""The ticketing status that each status of hi.events gives."""


def state_of(event: Mapping[str, Any]) -> tuple[Any, Any]:
    """Of an event of tuvens-api: its ticketing status, and the status of hi.events that it last heard of."""
    contact = event.get("contactData")
    told = contact.get("hiEventsStatus") if isinstance(contact, dict) else None
    return event.get("ticketing_status"), told


def shows(event: object, status: str) -> bool:
    """Whether an event of tuvens-api shows that it heard of a status of hi.events.

    One sign is enough: that tuvens-api derives both from one webhook is another rule's matter. So nothing is said
    where the status before gave the same ticketing status.
    """
    if not isinstance(event, dict):
        return False
    ticketing, told = state_of(event)
    return told == status or (ticketing is not None and ticketing == TICKETING.get(status))
