"""The webhook by which hi.events tells of a changed status."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.event_stream.wire import status_message
from contracts.times import iso_millis, parse_iso
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request, Response, json_response, json_text
from simulators.tuvens_api.store import Event, TuvensApiStore
from simulators.tuvens_api.stream import Hub

TICKETING = {"LIVE": "active", "DRAFT": "setup", "CANCELLED": "inactive", "ENDED": "inactive"}
_LARGEST_NUMBER = 2**63
_KEPT_DELIVERIES = 20


@dataclass(frozen=True, slots=True)
class StatusUpdate:
    """A delivery. `sent_at`: Unix microseconds, as text in `event_sent_at`; `mark` tells what it changes to."""

    event: str
    title: str
    status: str
    hi_events_event: int
    event_sent_at: str
    sent_at: int
    mark: str


class WebhookReceiver:
    """Applies each change of status once, unless a newer one was applied before."""

    def __init__(self, store: TuvensApiStore, clock: Clock, hub: Hub) -> None:
        self._store = store
        self._clock = clock
        self._hub = hub

    def receive(self, request: Request) -> Response:
        """Apply one delivery."""
        update = self.read(request)
        with self._store.write_queued():
            event = self._store.begin_delivery(update.event)
            if event is None:
                return self.unknown_event()
            request.account_id = event.account_id
            if self.is_repeated(event, update):
                return self.repeated(event, update)
            if self.is_stale(event, update):
                return taken("A newer delivery was applied before; nothing changes")
            chunks = self.apply(event, update, self._clock.now())
        self._hub.publish_committed(chunks)
        return taken("Event status updated")

    def read(self, request: Request) -> StatusUpdate:
        """What a delivery says. Raises Refusal (400) for what the document cannot say of it."""
        payload = request.json["payload"]
        number = int(payload["id"])
        if not -_LARGEST_NUMBER <= number < _LARGEST_NUMBER:
            raise Refusal(400, "VALIDATION_ERROR", "payload.id is out of range")
        event_sent_at: str = request.json["event_sent_at"]
        try:
            sent_at = round(parse_iso(event_sent_at) * 1_000_000)
        except ValueError:
            raise Refusal(400, "VALIDATION_ERROR", "event_sent_at is not an ISO 8601 time in UTC") from None
        status: str = payload["status"]
        mark = hashlib.sha256(f"{number} {status}".encode()).hexdigest()[:16]
        return StatusUpdate(payload["tuvens_event_id"], payload["title"], status, number, event_sent_at, sent_at, mark)

    def unknown_event(self) -> Response:
        """Raises Refusal (404)."""
        raise Refusal(404, "EVENT_NOT_FOUND", "there is no such event")

    def is_repeated(self, event: Event, update: StatusUpdate) -> bool:
        """Whether a delivery was applied before."""
        return event.last_sent_at == update.sent_at and update.mark in (event.last_applied or ())

    def repeated(self, event: Event, update: StatusUpdate) -> Response:
        """The response to a delivery that was applied before."""
        return taken("The delivery was applied before; nothing changes")

    def is_stale(self, event: Event, update: StatusUpdate) -> bool:
        """Whether a delivery is older than the last one that was applied."""
        return event.last_sent_at is not None and update.sent_at < event.last_sent_at

    def apply(self, event: Event, update: StatusUpdate, now: float) -> list[bytes]:
        """Change the event and append the stream's messages, in the transaction; returns what to publish after it."""
        ticketing = self.ticketing_status(update.status)
        same = event.last_sent_at == update.sent_at
        self._store.apply_delivery(
            event._replace(
                ticketing_enabled=True,
                ticketing_status=ticketing,
                hi_events_event_id=update.hi_events_event
                if event.hi_events_event_id is None
                else event.hi_events_event_id,
                contact_data=self.contact_data(event, update, now),
                last_sent_at=update.sent_at,
                last_applied=[*(event.last_applied or ()), update.mark][-_KEPT_DELIVERIES:] if same else [update.mark],
            )
        )
        return [self.announce(message, now) for message in self.messages(event, update, ticketing, now)]

    def ticketing_status(self, status: str) -> str:
        """The ticketing status of an event whose status in hi.events is this."""
        return TICKETING.get(status, "setup")

    def contact_data(self, event: Event, update: StatusUpdate, now: float) -> dict[str, Any] | None:
        """The event's contactData after a delivery."""
        return {
            **(event.contact_data or {}),
            "hiEventsEventId": update.hi_events_event,
            "hiEventsStatus": update.status,
            "hiEventsLastUpdated": iso_millis(now),
        }

    def messages(self, event: Event, update: StatusUpdate, ticketing: str, now: float) -> list[Mapping[str, Any]]:
        """The stream's messages about a delivery: one."""
        return [status_message(update.event, ticketing, iso_millis(now))]

    def announce(self, message: Mapping[str, Any], now: float) -> bytes:
        """Append a message to the stream's log; returns it as it is sent."""
        data = json_text(message)
        return self._hub.frame(self._store.add_message(data, now), data)


def taken(message: str) -> Response:
    """The response to a delivery that was accepted."""
    return json_response({"success": True, "message": message})
