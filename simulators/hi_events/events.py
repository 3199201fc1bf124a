"""The events that organisers manage, and the webhooks that report their changes."""

from contracts.times import iso_millis
from contracts.webhook.wire import status_changed_body
from simulators.hi_events.outbox import Outbox
from simulators.hi_events.serialising import event_json
from simulators.hi_events.store import HiEventsStore, LocalEvent
from simulators.hi_events.webhooks import Courier
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request, Response, json_response

_LARGEST = 2**31 - 1


class Announcer:
    """Writes the webhook that reports a change, in the transaction of the change."""

    def __init__(self, outbox: Outbox, courier: Courier) -> None:
        self._outbox = outbox
        self._courier = courier

    def announce(self, changed: LocalEvent, before: LocalEvent) -> None:
        """Put the webhook of a change into the outbox."""
        if self.is_announced(changed):
            self._outbox.enqueue(
                event_id=changed.id,
                body=self.body(changed),
                event_sent_at=iso_millis(changed.changed_at_ms / 1000),
                due_at=self._courier.first_due(),
            )

    def is_announced(self, changed: LocalEvent) -> bool:
        """Whether a change is reported: that of every event that carries a Tuvens event."""
        return changed.tuvens_event_id is not None

    def body(self, changed: LocalEvent) -> bytes:
        """The bytes of the webhook."""
        return status_changed_body(
            event_id=changed.id,
            title=changed.title,
            status=changed.status,
            tuvens_event_id=changed.tuvens_event_id,
            sent_at=iso_millis(changed.changed_at_ms / 1000),
        )


class ManagedEvents:
    """Reads and changes events for members of their accounts."""

    def __init__(self, store: HiEventsStore, clock: Clock, announcer: Announcer, courier: Courier) -> None:
        self._store = store
        self._clock = clock
        self._announcer = announcer
        self._courier = courier

    # -- the operations

    def read(self, request: Request) -> Response:
        """One event."""
        return json_response(event_json(self.required(request)))

    def set_status(self, request: Request) -> Response:
        """Change an event's status, and report that in the same transaction."""
        status = str(request.field("status"))
        with self._store.write():
            event = self.required(request, lock=True)
            if not self.is_change(event, status):
                return json_response(event_json(event))
            changed = self._store.change_status(event, status, self._clock.now())
            self._announcer.announce(changed, event)
        self._courier.wake(event.id)
        return json_response(event_json(changed))

    # -- their parts

    def required(self, request: Request, *, lock: bool = False) -> LocalEvent:
        """The event of a request's path. Raises Refusal (404, or 403 for an event of another account)."""
        number = event_number(request.path_params["id"])
        event = None if number is None else self._store.event(number, lock=lock)
        if event is None:
            raise no_event()
        if not self.may_manage(request, event):
            raise Refusal(403, "FORBIDDEN", "This event belongs to another account.")
        return event

    def may_manage(self, request: Request, event: LocalEvent) -> bool:
        """Whether the session's user is a member of the event's account."""
        return self._store.is_member(request.session.user, event.account_id)

    def is_change(self, event: LocalEvent, status: str) -> bool:
        """Whether a status is another than the event's."""
        return event.status != status


def event_number(text: str) -> int | None:
    """The number that a text spells, in the one spelling that it has; None where it is no event's."""
    plausible = text.isascii() and text.isdecimal() and len(text) <= 10 and text[0] != "0"
    return int(text) if plausible and int(text) <= _LARGEST else None


def no_event() -> Refusal:
    """The refusal for an event that does not exist (404)."""
    return Refusal(404, "NOT_FOUND", "There is no such event.")
