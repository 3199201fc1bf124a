"""Events: reading them, changing them, and the stream of their changes."""

import re
import unicodedata
from typing import Any
from urllib.parse import quote

from simulators.kit.errors import Refusal
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.tuvens_api.store import LARGEST, Event, TuvensApiStore
from simulators.tuvens_api.stream import Hub

STREAM_HEADERS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
)


class Events:
    """The events of the database. `pages` is the base of hi.events' pages."""

    def __init__(self, store: TuvensApiStore, hub: Hub, pages: str) -> None:
        self._store = store
        self._hub = hub
        self._pages = pages

    # -- the operations

    def get(self, request: Request) -> Response:
        """The event as the client reads it."""
        return json_response(self.to_json(self.required(request)))

    def update(self, request: Request) -> Response:
        """Store that an event has ticketing, and which event of hi.events it is."""
        self.check_body(request)
        event = self.required(request)
        if not self.may_change(request, event):
            raise Refusal(403, "FORBIDDEN", "manage_ticketing in the event's account is needed")
        self._store.change_event(event.id, self.changes(request, event))
        return json_response(self.to_json(self.required(request)))

    def stream(self, request: Request) -> Response:
        """The stream of status changes; after a reconnect, with what was missed."""
        last = request.header("last-event-id") or ""
        missed = self.missed(int(last[:18])) if last.isascii() and last.isdecimal() else []
        return Response(200, headers=list(STREAM_HEADERS), stream=self._hub.open(missed))

    # -- their parts

    def required(self, request: Request) -> Event:
        """The event of a request's path. Raises Refusal (404)."""
        number = request.path_params["id"]
        # No id has more than 255 characters or a NUL, which PostgreSQL could not even compare.
        event = None if len(number) > 255 or "\x00" in number else self._store.event(number)
        if event is None:
            raise Refusal(404, "EVENT_NOT_FOUND", "there is no such event")
        request.account_id = event.account_id
        return event

    def may_change(self, request: Request, event: Event) -> bool:
        """Whether the user holds manage_ticketing in the event's account."""
        assert request.user_id is not None
        return "manage_ticketing" in (self._store.permissions(int(request.user_id), event.account_id) or ())

    def check_body(self, request: Request) -> None:
        """Raise Refusal (400) for a change without a body."""
        if not request.body:
            raise Refusal(400, "VALIDATION_ERROR", "the body is missing")

    def changes(self, request: Request, event: Event) -> dict[str, Any]:
        """The columns that a change of an event sets."""
        asked: dict[str, Any] = request.json or {}
        changes: dict[str, Any] = {}
        if "hasTicketing" in asked:
            enabled: bool = asked["hasTicketing"]
            changes["ticketingEnabled"] = enabled
            changes["ticketingStatus"] = (event.ticketing_status or "setup") if enabled else None
        if "hiEventsEventId" in asked:
            changes["hiEventsEventId"] = asked["hiEventsEventId"]
        return changes

    def to_json(self, event: Event) -> dict[str, Any]:
        """An event as JSON, with the legacy aliases."""
        hi_events_id = event.hi_events_event_id
        url = None
        if hi_events_id is not None:
            url = f"{self._pages}/event/{quote(str(hi_events_id), safe='')}/{_slug(event.title)}"
        return {
            "id": event.id,
            "title": event.title,
            "description": event.description,
            "startDate": event.start_date,
            "endDate": event.end_date,
            "ticketing_enabled": event.ticketing_enabled,
            "ticketing_status": event.ticketing_status,
            "account_id": event.account_id,
            "hi_events_event_id": hi_events_id,
            "hi_events_event_url": url,
            "contactData": event.contact_data,
            "ticketStatus": event.ticketing_status,
            "hasTicketing": event.ticketing_enabled,
            "hiEventsEventId": hi_events_id,
        }

    def missed(self, last: int) -> list[bytes]:
        """The stream's messages after the one numbered `last`, as they are sent."""
        if last > LARGEST:
            return []
        return [self._hub.frame(number, data) for number, data in self._store.messages(last)]


def _slug(title: str) -> str:
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-") or "event"
