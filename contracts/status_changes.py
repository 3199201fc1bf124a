"""A change of an event's status at both ends: hi.events' webhook, tuvens-api's event, and tuvens-api's stream."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from harness.expectations import UndecidedError, json_object
from harness.history import Exchange, History, StreamEvent
from harness.http import object_or_empty

WEBHOOK = "receiveEventStatusChanged"
"""The operation that receives the webhook."""

TICKETING = {"LIVE": "active", "DRAFT": "setup", "CANCELLED": "inactive", "ENDED": "inactive", "ARCHIVED": "setup"}
"""The ticketing status of tuvens-api that each status of hi.events results in."""


class EventState(NamedTuple):
    """What a webhook changes in an event of tuvens-api: `ticketing`, its ticketing status, and `reported`, the status
    of hi.events in its contactData."""

    ticketing: Any
    reported: Any

    def __str__(self) -> str:
        return f"ticketing_status {self.ticketing!r} and hiEventsStatus {self.reported!r}"


def webhook_payload(body: bytes) -> Mapping[str, Any]:
    """The payload in a webhook's body; empty if it is no object."""
    payload = object_or_empty(body).get("payload")
    return payload if isinstance(payload, dict) else {}


def reported_event(body: bytes) -> str:
    """The id of the Tuvens event that a webhook's body names; empty if it names none."""
    named = webhook_payload(body).get("tuvens_event_id")
    return str(named) if isinstance(named, str | int) else ""


def reported_status(webhook: Exchange) -> str:
    """The status that a webhook reports, as text."""
    return str(webhook_payload(webhook.request_body).get("status"))


def state_of(event: Mapping[str, Any]) -> EventState:
    """The state of an event, from its JSON at tuvens-api."""
    contact = event.get("contactData")
    reported = contact.get("hiEventsStatus") if isinstance(contact, dict) else None
    return EventState(event.get("ticketing_status"), reported)


def shows_status(event: object, status: str) -> bool:
    """Whether the JSON of an event at tuvens-api shows that a status of hi.events was applied.

    Either field is enough, because that both follow from one webhook is a rule of its own. So this is also true where
    an earlier status resulted in the same ticketing status.
    """
    if not isinstance(event, dict):
        return False
    state = state_of(event)
    return state.reported == status or (state.ticketing is not None and state.ticketing == TICKETING.get(status))


def readable(reading: Exchange) -> Exchange:
    """An answer to GET /api/events/{id}. Raises UndecidedError unless it is 200: that events can be read is a rule of
    its own."""
    if reading.status != 200:
        raise UndecidedError(
            f"exchange {reading.number} ({reading.step}): the event could not be read ({reading.status})"
        )
    return reading


def event_reading(history: History, step: str) -> Exchange:
    """The last reading of an event at a step. Raises UndecidedError unless it is 200."""
    return readable(history.one(step))


def event_reading_before(history: History, update: Exchange) -> Exchange:
    """The last reading of the event before an update of the same story. Raises UndecidedError without one."""
    story = update.step.partition("/")[0]
    found = [each for each in history.every(story) if each.operation == "getEvent" and each.number < update.number]
    if not found:
        raise UndecidedError(f"the event was not read before exchange {update.number}")
    return readable(found[-1])


def state_in(reading: Exchange) -> EventState:
    """The state of the event in a reading. Raises BrokenRuleError if the answer is no JSON object."""
    return state_of(json_object(reading))


def contact_data(reading: Exchange) -> Mapping[str, Any]:
    """The contactData of the event in a reading; empty if there is none. Raises BrokenRuleError if the answer is no
    JSON object."""
    contact = json_object(reading).get("contactData")
    return contact if isinstance(contact, dict) else {}


def expect_ours_alone(before: Exchange, after: Exchange, statuses: Collection[str] = ()) -> None:
    """The premise of rules about what a story did not change: that nobody else changed it. Raises UndecidedError where
    the second reading of an event shows another webhook applied than the first one, of none of these statuses."""
    was, found = contact_data(before), contact_data(after)
    applied = [(each.get("hiEventsStatus"), each.get("hiEventsLastUpdated")) for each in (was, found)]
    status = applied[1][0]
    if applied[0] != applied[1] and status is not None and status not in statuses:
        raise UndecidedError(
            f"a webhook with the status {str(status)[:40]}, which this story did not send, was applied to the event "
            f"between exchanges {before.number} and {after.number}",
            "Name events in the deployment file that nobody else changes during the run.",
        )


def stream_message(event: StreamEvent) -> Mapping[str, Any]:
    """The JSON object that an event of tuvens-api's stream carries; empty if it carries none."""
    return object_or_empty(event.data.encode("utf-8", "surrogatepass")) if event.kind == "event" else {}


def is_about(event: StreamEvent, event_id: str, status: str | None = None) -> bool:
    """Whether an event of the stream is a message about this Tuvens event, and about this ticketing status if one is
    given. That eventId is text is a rule of its own."""
    message = stream_message(event)
    return str(message.get("eventId")) == event_id and status in (None, message.get("status"))
