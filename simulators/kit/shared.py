"""Rate limits and the journal of several processes that serve one application: both in PostgreSQL."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, Text, bindparam, text
from sqlalchemy.sql.elements import TextClause

from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.journal import KEPT, Journal, JournalEntry, Kept
from simulators.kit.ratelimit import UNLIMITED, Grant, RateLimits, Rule

_POLL = 0.02
_TIDY = 500

_TAKE = """
INSERT INTO "crossappWindow" AS w (operation, key, start, count) VALUES (:operation, :key, :now, 1)
ON CONFLICT (operation, key) DO UPDATE SET
  start = CASE WHEN :now < w.start + :length THEN w.start ELSE :now END,
  count = CASE WHEN :now < w.start + :length THEN LEAST(w.count, :unlimited, (
    SELECT l.most FROM "crossappLimit" l WHERE l.operation = :operation
  )) + 1 ELSE 1 END
RETURNING start, count, (SELECT l.most FROM "crossappLimit" l WHERE l.operation = :operation)
"""
# The counter's row is locked until the statement ends, so that numbers have no gaps and become visible in order.
_KEEP = """
WITH next AS (UPDATE "crossappCounter" SET value = value + 1 WHERE name = 'journal' RETURNING value)
INSERT INTO "crossappExchange" (number, operation, caller, exchange)
SELECT value, :operation, :caller, :exchange FROM next RETURNING number
"""
_FIND = """
SELECT number, exchange FROM "crossappExchange"
WHERE number > :after
  AND (CAST(:operation AS text) IS NULL OR operation = :operation)
  AND (CAST(:caller AS text) IS NULL OR caller = :caller)
ORDER BY number LIMIT :most
"""


METADATA = MetaData()
Table(
    "crossappLimit",
    METADATA,
    Column("operation", Text, primary_key=True),
    Column("most", Integer),
)
Table(
    "crossappWindow",
    METADATA,
    Column("operation", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("start", Float(53), nullable=False),
    Column("count", BigInteger, nullable=False),
)
Table(
    "crossappCounter",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False),
)
Table(
    "crossappExchange",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("operation", Text),
    Column("caller", Text, nullable=False),
    Column("exchange", Text, nullable=False),
)


def create(database: Database) -> None:
    """Create the tables that do not exist yet."""
    with database.write() as connection:
        METADATA.create_all(connection)


def _typed(sql: str) -> TextClause:
    """SQL with the types of the parameters whose types PostgreSQL would guess wrongly."""
    types: Mapping[str, Any] = {
        "now": Float(53),
        "length": Float(53),
        "operation": Text(),
        "caller": Text(),
        "most": Integer(),
    }
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items() if f":{name}" in sql))


class SharedLimits(RateLimits):
    """Rate limits that all processes count together. Their clocks must not be set back.

    first: this process writes the limits to the database.
    """

    def __init__(self, clock: Clock, rules: Mapping[str, Rule], database: Database, *, first: bool) -> None:
        super().__init__(clock, rules)
        self._database = database
        self._take = database.prepare(_typed(_TAKE), "operation", "key", "now", "length", "unlimited")
        self._most = database.prepare(
            text('SELECT most FROM "crossappLimit" WHERE operation = :operation'), "operation"
        )
        if first:
            self._write({name: rule.limit for name, rule in rules.items()})

    def take(self, operation: str, key: str) -> Grant:
        """Count a request if it is admitted, and say so."""
        length = self.rules[operation].window
        values = (operation, key, self._clock.now(), float(length), UNLIMITED)
        start, count, most = self._database.run(self._take, *values).fetchone()
        limit = UNLIMITED if most is None else most
        return self._grant(count <= limit, limit, [start, count], length)

    def peek(self, operation: str) -> Grant:
        """The state of the limit for a caller who was not counted."""
        row = self._database.first(self._most, operation)
        limit = UNLIMITED if row is None or row[0] is None else row[0]
        return self._grant(True, limit, [self._clock.now(), 0], self.rules[operation].window)

    def configure(self, limits: Mapping[str, int | None]) -> None:
        """Set limits by operationId (None for no limit) and clear all counters. Raises ValueError."""
        super().configure(limits)
        self._write(limits)

    def clear(self) -> None:
        """Clear all counters. The limits stay."""
        self._database.execute(text('DELETE FROM "crossappWindow"'))

    def table(self) -> dict[str, int | None]:
        """The limits by operationId."""
        rows = self._database.execute(text('SELECT operation, most FROM "crossappLimit" ORDER BY operation')).all()
        return {row.operation: row.most for row in rows}

    async def forget(self) -> None:
        """Scheduled: delete the windows that have ended."""
        longest = max((rule.window for rule in self.rules.values()), default=0)
        self._database.execute(
            text('DELETE FROM "crossappWindow" WHERE start < :before'), {"before": self._clock.now() - longest}
        )

    def _write(self, limits: Mapping[str, int | None]) -> None:
        with self._database.write() as connection:
            connection.execute(text('DELETE FROM "crossappWindow"'))
            for operation, most in limits.items():
                connection.execute(
                    text(
                        'INSERT INTO "crossappLimit" (operation, most) VALUES (:operation, :most) '
                        "ON CONFLICT (operation) DO UPDATE SET most = :most"
                    ),
                    {"operation": operation, "most": most},
                )


class SharedJournal(Journal):
    """A journal that all processes write and read. Exchanges are redacted before they are stored.

    is_token: whether a text is a session token, which another process may have minted.
    first: this process clears the journal at its start.
    """

    def __init__(
        self,
        app: str,
        constants: Mapping[str, str],
        secret_fields: frozenset[str],
        database: Database,
        *,
        is_token: Callable[[str], bool],
        first: bool,
    ) -> None:
        super().__init__(app, constants, secret_fields)
        self._database = database
        self._is_token = is_token
        self._insert = database.prepare(_typed(_KEEP), "operation", "caller", "exchange")
        self._find = database.prepare(_typed(_FIND), "after", "operation", "caller", "most")
        self._value = database.prepare(text("SELECT value FROM \"crossappCounter\" WHERE name = 'journal'"))
        self._oldest = database.prepare(text('SELECT min(number) FROM "crossappExchange"'))
        if first:
            database.execute(
                text("INSERT INTO \"crossappCounter\" VALUES ('journal', 0) ON CONFLICT (name) DO NOTHING")
            )
            self.clear()

    @property
    def last(self) -> int:
        """The number of the last exchange."""
        row = self._database.first(self._value)
        return 0 if row is None else int(row[0])

    @property
    def first(self) -> int:
        """The number of the first exchange that is kept; the next number if none is."""
        row = self._database.first(self._oldest)
        return self.last + 1 if row is None or row[0] is None else int(row[0])

    def exchanges(
        self, *, after: int = 0, operation: str | None = None, caller: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """The kept exchanges of all processes numbered above `after`, in order; the first `limit` of them."""
        rows = self._database.all(self._find, after, operation, caller, limit)
        return [replace(_exchange(json.loads(found)), number=number) for number, found in rows]

    async def wait(
        self,
        *,
        after: int = 0,
        operation: str | None = None,
        caller: str | None = None,
        at_least: int = 1,
        seconds: float = 5.0,
    ) -> list[JournalEntry]:
        """As `exchanges`, once there are `at_least` of them, or after `seconds` of real time."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.exchanges(after=after, operation=operation, caller=caller)
            if len(found) >= at_least or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(_POLL)

    def clear(self) -> None:
        """Remove all exchanges; numbering continues."""
        self._database.execute(text('DELETE FROM "crossappExchange"'))

    def _keep(self, kept: Kept) -> None:
        exchange = self._read(kept)
        value = {name: getattr(exchange, name) for name in exchange.__slots__}
        row = self._database.run(self._insert, exchange.operation, exchange.caller, json.dumps(value)).fetchone()
        if row is not None and row[0] % _TIDY == 0:
            self._database.execute(
                text('DELETE FROM "crossappExchange" WHERE number <= :oldest'), {"oldest": row[0] - KEPT}
            )

    def _kind(self, run: str) -> str | None:
        return super()._kind(run) or ("session-token" if self._is_token(run) else None)


def _exchange(value: dict[str, Any]) -> JournalEntry:
    for name in ("request_headers", "response_headers"):
        value[name] = _pairs(value[name])
    return JournalEntry(**{**value, "problems": tuple(value["problems"]), "faults": tuple(value["faults"])})


def _pairs(headers: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers)
