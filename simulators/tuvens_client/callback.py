"""What hi.events says on the way back, in either spelling."""

from collections.abc import Callable
from dataclasses import dataclass

SUCCESS, ERROR, CANCELLED = "success", "error", "cancelled"
WHY = {
    "SESSION_GENERATION_FAILED": "No session could be started for Hi.Events.",
    "INVALID_SESSION": "The session was not valid any more.",
    "EXPIRED_SESSION": "The session has expired.",
    "INSUFFICIENT_PERMISSIONS": "You may not set up ticketing for this event.",
    "NETWORK_ERROR": "Hi.Events could not reach Tuvens.",
    "UNKNOWN_ERROR": "Hi.Events could not set up ticketing.",
}
INCOMPLETE = "Hi.Events came back without saying how it went."
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Return:
    """How it went. `event_id` is Tuvens' event, `hi_events_event_id` hi.events' one; empty where not said. `why` is our
    own sentence for an error, `said` are hi.events' words: of whoever wrote the link."""

    outcome: str
    event_id: str = ""
    hi_events_event_id: str = ""
    why: str = ""
    said: str = ""


def read(value: Callable[[str], str | None], *, both: bool = True) -> Return:
    """Read the query, `value` of a name. "Both are sent; a reader takes either": the newer spelling goes first, the
    older one is looked at where `both`."""

    def either(new: str, old: str) -> str:
        return value(new) or (value(old) if both else None) or ""

    event_id = either("event_id", "tuvens_event_id")
    hi_events_event_id = value("hi_events_event_id") or ""
    outcome = value("status") or ""
    if not outcome and both:
        outcome = {"true": SUCCESS, "false": ERROR}.get((value("success") or "").lower(), "")
    if outcome == CANCELLED:
        return Return(CANCELLED, event_id)
    if outcome == SUCCESS and event_id and hi_events_event_id:
        return Return(SUCCESS, event_id, hi_events_event_id)
    if outcome == ERROR:
        why = WHY.get(value("error_code") or "", WHY["UNKNOWN_ERROR"])
        return Return(ERROR, event_id, why=why, said=either("error_message", "message")[:_LONGEST_WORDS])
    return Return(ERROR, event_id, why=INCOMPLETE)
