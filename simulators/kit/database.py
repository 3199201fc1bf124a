"""The database of one simulator: SQLite in a file by default, PostgreSQL by URL, the same code for both."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVarTuple, overload

from sqlalchemy import ClauseElement, Connection, CursorResult, Executable, MetaData
from sqlalchemy.sql.selectable import TypedReturnsRows

from simulators.kit.connection import DatabaseConnection
from simulators.kit.group_commit import GroupCommit
from simulators.kit.messages import current
from simulators.kit.prepared import Prepared

_MOST_REMEMBERED = 4096
Ts = TypeVarTuple("Ts")


class Database:
    """One connection, used synchronously and by one thread at a time: a transaction never spans an `await`.

    url: None makes a SQLite file in a private directory that `close` removes; `sqlite:////path/file.db` keeps one;
    `postgresql+psycopg://user@host/name` uses a server.
    schema: PostgreSQL only; all tables are in a schema of that name, made where it does not exist.
    Prefix table names: two simulators may share one database. Raises StartError where it cannot be opened.

    Each statement outside of `write` is committed by itself. In a private file, which nobody else writes, all requests
    of one turn of the event loop share a commit instead (see GroupCommit), and rows may be remembered.
    """

    def __init__(self, metadata: MetaData, url: str | None = None, *, schema: str | None = None) -> None:
        self.metadata = metadata
        self.connection = DatabaseConnection(url, schema)
        self.url = self.connection.url
        self.private = self.connection.private
        self._rows: dict[tuple[Prepared, tuple[Any, ...]], tuple[Any, ...]] = {}
        self.group = GroupCommit(self.connection.cursor, self._rows.clear)
        self._in_transaction = False
        self._held_back: list[tuple[Prepared, Any]] | None = None

    @property
    def name(self) -> str:
        """What is behind it: sqlite or postgresql."""
        return "sqlite" if self.connection.sqlite else "postgresql"

    @property
    def address(self) -> str:
        """PostgreSQL's address as libpq takes it, with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def prepare(self, statement: ClauseElement, *names: str) -> Prepared:
        """Compile a statement; `names` are its parameters, in the order in which their values will be given."""
        return Prepared(statement, names, self.connection.engine.dialect)

    def create(self) -> None:
        """Make the tables that are not there yet."""
        with self.write() as connection:
            self.metadata.create_all(connection)

    def drop(self) -> None:
        """Drop the tables of `metadata`, and no others."""
        with self.write() as connection:
            self.metadata.drop_all(connection)

    def close(self) -> None:
        """Close the connection and remove the private directory, where there is one."""
        self.group.commit()
        self.connection.close()

    # -- transactions

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction: committed at the end, rolled back by an exception. Raises RuntimeError within another one.

        SQLite takes its write lock at once, so that what is read inside stays true until the commit.
        """
        started = time.perf_counter()
        self._begin()
        kept = False
        try:
            yield self.connection.sqlalchemy
            kept = True
        finally:
            self._end(kept)
            self._book(started)

    @contextmanager
    def write_queued(self) -> Iterator[None]:
        """A transaction of a request that reads, and then only queues statements; an exception drops those.

        A private file needs none for that: no other request runs in between.
        """
        request = current.get()
        if not self.private or request is None:
            with self.write():
                yield
            return
        held_back: list[tuple[Prepared, Any]] = []
        self._held_back = held_back
        try:
            yield
        except BaseException:
            self._rows.clear()
            raise
        finally:
            self._held_back = None
        for statement, parameters in held_back:
            self.group.queue(request, statement, parameters)

    def _begin(self) -> None:
        if self._in_transaction:
            raise RuntimeError("a transaction is open already: one spanned an await, or they were nested")
        request = current.get()
        if self.private and request is not None:
            self.group.run_queued()
            self.group.join(request)
            self.connection.cursor.execute("SAVEPOINT request")
        else:
            self.group.commit()
            self.connection.restore()
            self.connection.cursor.execute("BEGIN IMMEDIATE" if self.connection.sqlite else "BEGIN")
        self._in_transaction = True

    def _end(self, kept: bool) -> None:
        self._in_transaction = False
        self._rows.clear()
        cursor = self.connection.cursor
        if self.connection.is_lost:
            return
        if not self.group.is_open:
            cursor.execute("COMMIT" if kept else "ROLLBACK")
            return
        if not kept:
            cursor.execute("ROLLBACK TO request")
        cursor.execute("RELEASE request")

    # -- statements, each by itself or within a transaction

    @overload
    def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*Ts]: ...

    @overload
    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]: ...

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Execute any statement of SQLAlchemy."""
        started = time.perf_counter()
        if not self._in_transaction:
            writes = not statement.is_select
            self.group.run_queued()
            self._take_part(writes)
            if writes:
                self._rows.clear()
        result = self.connection.sqlalchemy.execute(statement, parameters)
        if not self._in_transaction:
            self._book(started)
        return result

    def first(self, statement: Prepared, *values: Any) -> tuple[Any, ...] | None:
        """The first row that a prepared statement finds, None where there is none."""
        found = self._run(statement, values, writes=False).fetchone()
        return None if found is None else statement.row(found)

    def all(self, statement: Prepared, *values: Any) -> list[tuple[Any, ...]]:
        """All rows that a prepared statement finds."""
        return [statement.row(each) for each in self._run(statement, values, writes=False).fetchall()]

    def run(self, statement: Prepared, *values: Any) -> Any:
        """Run a prepared statement that writes. Returns the driver's cursor, of which there is one: read it before the
        next statement."""
        return self._run(statement, values, writes=True)

    def queue(self, statement: Prepared, *values: Any) -> None:
        """As `run`, but in a private file a request's statement waits for the commit that it shares, or for the next
        statement that names the same table."""
        request = current.get()
        if request is None or not self.private or self._in_transaction:
            self._run(statement, values, writes=True)
        elif self._held_back is None:
            self.group.queue(request, statement, statement.parameters(values))
        else:
            self._held_back.append((statement, statement.parameters(values)))

    def _run(self, statement: Prepared, values: Sequence[Any], *, writes: bool) -> Any:
        if self._in_transaction:
            # Which counts its time itself.
            return self.connection.cursor.execute(statement.sql, statement.parameters(values))
        started = time.perf_counter()
        self.group.run_queued_before(statement)
        self._take_part(writes)
        cursor = self.connection.cursor.execute(statement.sql, statement.parameters(values))
        self._book(started)
        return cursor

    def _take_part(self, writes: bool) -> None:
        """Take part in the shared transaction: in a private file, for a request. Else commit it."""
        request = current.get()
        if request is None:
            self.group.commit()
            self.connection.restore()
        elif not self.private:
            self.connection.restore()
        elif writes:
            self.group.join(request)
        else:
            self.group.begin()

    # -- rows that are remembered

    def cached(self, statement: Prepared, *values: Any) -> tuple[Any, ...] | None:
        """As `first`, remembering the row in a private file. `execute` and `write` make it forget all rows.

        A caller that changes such a row by a prepared statement calls `remember`.
        """
        row = None if self._in_transaction else self._rows.get((statement, values))
        if row is None:
            row = self.first(statement, *values)
            if row is not None:
                self.remember(row, statement, *values)
        return row

    def remember(self, row: tuple[Any, ...], statement: Prepared, *values: Any) -> None:
        """The row that `cached` finds from now on."""
        if not self.private or self._in_transaction:
            return
        if len(self._rows) >= _MOST_REMEMBERED:
            self._rows.clear()
        self._rows[statement, values] = row

    def _book(self, started: float) -> None:
        """Add the time since `started` to that which the running request spent in the database."""
        request = current.get()
        if request is not None:
            request.database_seconds += time.perf_counter() - started
