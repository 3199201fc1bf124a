"""What several processes that serve one application know together: rate limits and the journal, in PostgreSQL."""

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
# The counter's row is locked until the statement ends: numbers have no gaps and are seen in their order.
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
    """Make the tables that are not there yet."""
    with database.write() as connection:
        METADATA.create_all(connection)


def _typed(sql: str) -> TextClause:
    """SQL with the types of those parameters that PostgreSQL could take for others."""
    types: Mapping[str, Any] = {
        "now": Float(53),
        "length": Float(53),
        "operation": Text(),
        "caller": Text(),
        "most": Integer(),
    }
    return text(sql).bindparams(*(bindparam(name, type_=kind) for name, kind in types.items() if f":{name}" in sql))


class SharedLimits(RateLimits):
    """Rate limits that all processes count together. The clock of none of them may be set back.

    `first`: whether this process is the one that writes the limits in force.
    """

    def __init__(self, clock: Clock, rules: Mapping[str, Rule], database: Database, *, first: bool) -> None:
        super().__init__(clock, rules)
        self._database = database
        self._take = database.prepare(_typed(_TAKE), "operation", "key", "now", "length", "unlimited")
        self._most = database.prepare(
            text('SELECT most FROM "crossappLimit" WHERE operation = :operation'), "operation"
        )
        if first:
            self._write(self.table_of(rules))

    @staticmethod
    def table_of(rules: Mapping[str, Rule]) -> dict[str, int | None]:
        """Limits by operationId."""
        return {name: rule.limit for name, rule in rules.items()}

    def take(self, operation: str, key: str) -> Grant:
        """Count one request and say whether it is admitted; one past the limit is not counted."""
        length = self.rules[operation].window
        values = (operation, key, self._clock.now(), float(length), UNLIMITED)
        start, count, most = self._database.run(self._take, *values).fetchone()
        limit = UNLIMITED if most is None else most
        return self._grant(count <= limit, limit, [start, count], length)

    def peek(self, operation: str, key: str | None = None) -> Grant:
        """Where a caller of whom nothing is known stands."""
        row = self._database.first(self._most, operation)
        limit = UNLIMITED if row is None or row[0] is None else row[0]
        return self._grant(True, limit, [self._clock.now(), 0], self.rules[operation].window)

    def configure(self, limits: Mapping[str, int | None]) -> None:
        """Set limits by operationId (None lifts one) and clear all counters. Raises ValueError naming what is wrong."""
        super().configure(limits)
        self._write(limits)

    def clear(self) -> None:
        """Forget what was counted; the limits stay."""
        self._database.execute(text('DELETE FROM "crossappWindow"'))

    def table(self) -> dict[str, int | None]:
        """The limits in force by operationId."""
        rows = self._database.execute(text('SELECT operation, most FROM "crossappLimit" ORDER BY operation')).all()
        return {row.operation: row.most for row in rows}

    async def forget(self) -> None:
        """Scheduled: windows that are over leave the table."""
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
    """A journal that all processes write and each can read. Secrets are removed before anything reaches the database.

    `is_token` says of a text whether it is a session token: another process may have minted it.
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
        """The number of the first exchange that is kept; the number of the next one where there is none."""
        row = self._database.first(self._oldest)
        return self.last + 1 if row is None or row[0] is None else int(row[0])

    def exchanges(
        self, *, after: int = 0, operation: str | None = None, caller: str | None = None, limit: int | None = None
    ) -> list[JournalEntry]:
        """The kept exchanges of all processes with a number above `after`, in order; at most `limit` of them."""
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
        """As `exchanges`, once there are `at_least` of them; after `seconds` of real time what there is."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.exchanges(after=after, operation=operation, caller=caller)
            if len(found) >= at_least or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(_POLL)

    def clear(self) -> None:
        """Forget the exchanges; numbers go on."""
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
