"""The durable outbox: webhook deliveries and their attempts."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from simulators.hi_events.tables import attempts, deliveries
from simulators.kit.database import Database

_AT_ONCE = 500
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook, in the order of the table's columns: `body` is what is sent, byte for byte, on every try.

    `due_at` is Unix seconds by the simulator's clock; `tries` counts attempts that were not replays.
    """

    id: int
    event_id: int
    body: bytes
    event_sent_at: str
    state: str
    tries: int
    due_at: float


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try, in the order of the table's columns: answered with `status`, or not at all because of `error`.

    `duration` is real seconds, `started_at` Unix seconds by the clock. `retry_after` is what the answer asked for,
    in seconds; it is not kept.
    """

    number: int
    started_at: float
    duration: float
    signature: str
    status: int | None
    error: str | None
    answer: str | None
    replay: bool = False
    retry_after: float = 0.0


class Outbox:
    """Reads and writes of the outbox. Each method may stand alone or in a transaction."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def write(self) -> AbstractContextManager[object]:
        """A transaction: committed at the end, rolled back by an exception."""
        return self.database.write()

    def enqueue(self, *, event_id: int, body: bytes, event_sent_at: str, due_at: float) -> int:
        """Put a webhook at the end of its event's line; in the transaction of the change that it reports."""
        values = {
            "event_id": event_id,
            "body": body,
            "event_sent_at": event_sent_at,
            "state": PENDING,
            "tries": 0,
            "due_at": due_at,
            "leased_until": 0.0,
        }
        made: int = self.database.execute(insert(deliveries).values(**values).returning(deliveries.c.id)).scalar_one()
        return made

    def waiting_events(self) -> list[int]:
        """The events that have a pending delivery."""
        pending = select(deliveries.c.event_id).where(deliveries.c.state == PENDING).distinct()
        return sorted(self.database.execute(pending).scalars())

    def pending_of(self, event_id: int) -> list[Delivery]:
        """The pending deliveries of an event, in the order of the changes."""
        waiting = (deliveries.c.event_id == event_id) & (deliveries.c.state == PENDING)
        rows = self.database.execute(select(deliveries).where(waiting).order_by(deliveries.c.id))
        return [_delivery(row) for row in rows]

    def lease(self, delivery_id: int, *, owner: str, real_now: float, seconds: float) -> float:
        """Reserve a pending delivery for one attempt; in a transaction. Returns 0, or the seconds for which another
        owner still has it.

        The lease runs in real time, as the attempt does: another process that was killed in the middle of its
        attempt holds it no longer than that. A delivery that is pending no more can't be had: infinity.
        """
        this = (deliveries.c.id == delivery_id) & (deliveries.c.state == PENDING)
        free = this & (deliveries.c.leased_until <= real_now)
        values = {"leased_until": real_now + seconds, "leased_by": owner}
        if self.database.execute(update(deliveries).where(free).values(**values)).rowcount == 1:
            return 0.0
        until = self.database.execute(select(deliveries.c.leased_until).where(this)).scalar_one_or_none()
        return float("inf") if until is None else max(until - real_now, 0.01)

    def release(self, delivery_id: int) -> None:
        """Give a lease back: the attempt did not take place."""
        self._change(delivery_id, leased_until=0.0)

    def release_all_of(self, is_gone: Callable[[str], bool]) -> None:
        """Give back the leases of owners who are gone; in a transaction."""
        leased = (deliveries.c.state == PENDING) & (deliveries.c.leased_until > 0) & deliveries.c.leased_by.is_not(None)
        owners = self.database.execute(select(deliveries.c.leased_by).where(leased).distinct()).scalars().all()
        for owner in owners:
            if is_gone(owner):
                theirs = leased & (deliveries.c.leased_by == owner)
                self.database.execute(update(deliveries).where(theirs).values(leased_until=0.0))

    def settle(self, delivery: Delivery, attempt: Attempt, *, state: str, due_at: float) -> None:
        """Log an attempt and write what becomes of its delivery; in a transaction."""
        values = {"state": state, "tries": delivery.tries + 1, "due_at": due_at, "leased_until": 0.0}
        if self._change(delivery.id, **values):
            self.log(delivery.id, attempt)

    def log(self, delivery_id: int, attempt: Attempt) -> None:
        """Add an attempt to the delivery log."""
        values = {**asdict(attempt), "delivery_id": delivery_id, "replay": int(attempt.replay)}
        del values["retry_after"]
        self.database.execute(insert(attempts).values(**values))

    def deliveries(self, limit: int | None = None) -> list[Delivery]:
        """All deliveries, or the last `limit`, the oldest first."""
        newest = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
        return [_delivery(row) for row in self.database.execute(newest)][::-1]

    def delivery(self, delivery_id: int) -> Delivery | None:
        """One delivery."""
        row = self.database.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
        return None if row is None else _delivery(row)

    def tries_of(self, delivery_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
        """The attempts of some deliveries in short, in order: number, status, error, replay."""
        found: dict[int, list[dict[str, Any]]] = {each: [] for each in delivery_ids}
        for start in range(0, len(delivery_ids), _AT_ONCE):
            mine = attempts.c.delivery_id.in_(delivery_ids[start : start + _AT_ONCE])
            for row in self.database.execute(select(attempts).where(mine).order_by(attempts.c.id)):
                found[row.delivery_id].append(
                    {"number": row.number, "status": row.status, "error": row.error, "replay": bool(row.replay)}
                )
        return found

    def attempts_of(self, delivery_id: int) -> list[Attempt]:
        """The attempts of a delivery, in order."""
        mine = select(attempts).where(attempts.c.delivery_id == delivery_id).order_by(attempts.c.id)
        return [Attempt(*(*row[2:-1], bool(row.replay))) for row in self.database.execute(mine)]

    def attempts_made(self, delivery_id: int) -> int:
        """How often a delivery was sent, replays included."""
        mine = select(func.count()).select_from(attempts).where(attempts.c.delivery_id == delivery_id)
        return self.database.execute(mine).scalar_one()

    def _change(self, delivery_id: int, **values: object) -> bool:
        """Set columns of a delivery; whether it is still there."""
        changed = self.database.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(**values))
        return changed.rowcount == 1


def _delivery(row: Row[*tuple[Any, ...]]) -> Delivery:
    return Delivery(*row[:7])
