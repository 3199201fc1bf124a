"""The durable outbox: webhook deliveries and their attempts. Every function is one step of a transaction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from simulators.hi_events.tables import attempts, deliveries

_AT_ONCE = 500
PENDING, DELIVERED, FAILED = "pending", "delivered", "failed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One webhook: `body` is what is sent, byte for byte, on every try.

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
    """One try: answered with `status`, or not at all because of `error`.

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
    retry_after: float = 0.0
    replay: bool = False


def enqueue(connection: Connection, *, event_id: int, body: bytes, event_sent_at: str, due_at: float) -> int:
    """Put a webhook at the end of its event's line. Call it in the transaction of the change that it tells of."""
    values = {
        "event_id": event_id,
        "body": body,
        "event_sent_at": event_sent_at,
        "state": PENDING,
        "tries": 0,
        "due_at": due_at,
        "leased_until": 0.0,
    }
    made = connection.execute(deliveries.insert().values(**values).returning(deliveries.c.id))
    return int(made.scalar_one())


def waiting_events(connection: Connection) -> list[int]:
    """The events that have a pending delivery."""
    pending = select(deliveries.c.event_id).where(deliveries.c.state == PENDING).distinct()
    return sorted(connection.execute(pending).scalars())


def pending_of(connection: Connection, event_id: int) -> list[Delivery]:
    """The pending deliveries of an event, in the order of the changes."""
    waiting = (deliveries.c.event_id == event_id) & (deliveries.c.state == PENDING)
    rows = connection.execute(select(deliveries).where(waiting).order_by(deliveries.c.id))
    return [_delivery(row) for row in rows]


def lease(connection: Connection, delivery_id: int, *, owner: str, real_now: float, seconds: float) -> float:
    """Reserve a pending delivery for one attempt; 0, or how many seconds somebody else still has it.

    The lease runs in real time, as the attempt does: another process that was killed in the middle of its
    attempt holds it no longer than that. A delivery that is pending no more can't be had: infinity.
    """
    free = (deliveries.c.id == delivery_id) & (deliveries.c.state == PENDING) & (deliveries.c.leased_until <= real_now)
    taken = connection.execute(update(deliveries).where(free).values(leased_until=real_now + seconds, leased_by=owner))
    if taken.rowcount == 1:
        return 0.0
    held = select(deliveries.c.leased_until).where((deliveries.c.id == delivery_id) & (deliveries.c.state == PENDING))
    until = connection.execute(held).scalar_one_or_none()
    return float("inf") if until is None else max(until - real_now, 0.01)


def release_all_of(connection: Connection, is_gone: Callable[[str], bool]) -> None:
    """Give back the leases of owners who are gone."""
    leased = (deliveries.c.state == PENDING) & (deliveries.c.leased_until > 0) & deliveries.c.leased_by.is_not(None)
    for owner in connection.execute(select(deliveries.c.leased_by).where(leased).distinct()).scalars().all():
        if is_gone(owner):
            theirs = leased & (deliveries.c.leased_by == owner)
            connection.execute(update(deliveries).where(theirs).values(leased_until=0.0))


def settle(connection: Connection, delivery: Delivery, attempt: Attempt, *, state: str, due_at: float) -> None:
    """Log an attempt and say what becomes of its delivery."""
    mine = deliveries.c.id == delivery.id
    values = {"state": state, "tries": delivery.tries + 1, "due_at": due_at, "leased_until": 0.0}
    changed = connection.execute(update(deliveries).where(mine).values(**values))
    if changed.rowcount == 1:
        log(connection, delivery.id, attempt)


def log(connection: Connection, delivery_id: int, attempt: Attempt) -> None:
    """Add an attempt to the delivery log."""
    values = {
        "number": attempt.number,
        "started_at": attempt.started_at,
        "duration": attempt.duration,
        "signature": attempt.signature,
        "status": attempt.status,
        "error": attempt.error,
        "answer": attempt.answer,
        "replay": int(attempt.replay),
    }
    connection.execute(attempts.insert().values(delivery_id=delivery_id, **values))


def release(connection: Connection, delivery_id: int) -> None:
    """Give a lease back: the attempt did not take place."""
    mine = deliveries.c.id == delivery_id
    connection.execute(update(deliveries).where(mine).values(leased_until=0.0))


def rewrite(connection: Connection, delivery_id: int, body: bytes, event_sent_at: str) -> None:
    """Change what a delivery says: only a fault does so."""
    mine = deliveries.c.id == delivery_id
    connection.execute(update(deliveries).where(mine).values(body=body, event_sent_at=event_sent_at))


def all_deliveries(connection: Connection, limit: int | None = None) -> list[Delivery]:
    """Every delivery, or the last `limit`, the oldest first."""
    newest = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    return [_delivery(row) for row in connection.execute(newest)][::-1]


def tries_of(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """What became of each attempt of some deliveries, in order, in short: number, status, error, replay."""
    found: dict[int, list[dict[str, Any]]] = {each: [] for each in delivery_ids}
    for start in range(0, len(delivery_ids), _AT_ONCE):
        mine = attempts.c.delivery_id.in_(delivery_ids[start : start + _AT_ONCE])
        for row in connection.execute(select(attempts).where(mine).order_by(attempts.c.id)):
            found[row.delivery_id].append(
                {"number": row.number, "status": row.status, "error": row.error, "replay": bool(row.replay)}
            )
    return found


def find_delivery(connection: Connection, delivery_id: int) -> Delivery | None:
    """One delivery."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one_or_none()
    return None if row is None else _delivery(row)


def attempts_of(connection: Connection, delivery_id: int) -> list[Attempt]:
    """The attempts of a delivery, in order."""
    mine = attempts.c.delivery_id == delivery_id
    rows = connection.execute(select(attempts).where(mine).order_by(attempts.c.id))
    return [
        Attempt(
            row.number,
            row.started_at,
            row.duration,
            row.signature,
            row.status,
            row.error,
            row.answer,
            replay=bool(row.replay),
        )
        for row in rows
    ]


def attempts_made(connection: Connection, delivery_id: int) -> int:
    """How often a delivery was sent, replays included."""
    mine = attempts.c.delivery_id == delivery_id
    return int(connection.execute(select(func.count()).select_from(attempts).where(mine)).scalar_one())


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.event_id,
        bytes(row.body),
        row.event_sent_at,
        row.state,
        row.tries,
        row.due_at,
    )
