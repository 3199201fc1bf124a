"""The database of one simulator: SQLite in a file by default, PostgreSQL by URL, the same code for both."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVarTuple, overload

from sqlalchemy import ClauseElement, Connection, CursorResult, Executable, MetaData
from sqlalchemy.sql.selectable import TypedReturnsRows

from simulators.kit.connection import DatabaseConnection
from simulators.kit.errors import StartError
from simulators.kit.group_commit import GroupCommit
from simulators.kit.messages import current
from simulators.kit.prepared import Prepared

FILE_FORMAT = 1
"""The version of the tables in a file that stays; raised whenever they change."""

_MOST_REMEMBERED = 4096
Ts = TypeVarTuple("Ts")


class Database:
    """One connection, used by one thread at a time. A transaction must not span an `await`.

    url: None for a SQLite file in a private directory that `close` removes; `sqlite:////path/file.db` for a file that
    stays; `postgresql+psycopg://user@host/name` for a server.
    schema: for PostgreSQL, the schema of all tables, created if it does not exist.
    Two simulators may share a database: prefix the names of tables. Raises StartError if it cannot be opened.

    Statements outside of `write` are committed one by one. In a private file, which has no other writer, concurrent
    requests share a commit (see GroupCommit), and rows may be cached.
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
        """sqlite or postgresql."""
        return "sqlite" if self.connection.sqlite else "postgresql"

    @property
    def address(self) -> str:
        """The URL of PostgreSQL for libpq, with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def prepare(self, statement: ClauseElement, *names: str) -> Prepared:
        """Compile a statement. names: its parameters, in the order in which values are given."""
        return Prepared(statement, names, self.connection.engine.dialect)

    def create(self) -> None:
        """Create the tables that do not exist yet. Raises StartError for a file with tables of another version."""
        with self.write() as connection:
            if self.connection.sqlite and not self.private:
                self._check_format()
            self.metadata.create_all(connection)

    def _check_format(self) -> None:
        cursor = self.connection.cursor
        (found,) = cursor.execute("PRAGMA user_version").fetchone()
        (tables,) = cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        if found == FILE_FORMAT:
            return
        if found or tables:
            what = f"data of another version of crossapp (format {found})" if found else "tables of something else"
            raise StartError(
                f"{self.url.database} contains {what}, and this version reads only format {FILE_FORMAT}: name another "
                "file, or remove this one to start with new data"
            )
        cursor.execute(f"PRAGMA user_version = {FILE_FORMAT}")

    def drop(self) -> None:
        """Drop the tables of `metadata`."""
        with self.write() as connection:
            self.metadata.drop_all(connection)

    def close(self) -> None:
        """Close the connection, and remove the private directory."""
        self.group.commit()
        self.connection.close()

    # -- transactions

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction, rolled back on an exception. Raises RuntimeError inside another transaction.

        SQLite is locked for writing from the start, so that values read inside stay valid until the commit.
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
        """A transaction for a request that only reads and then calls `queue`. An exception drops the queued writes.

        In a private file no transaction is needed: no other request runs in between.
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

    # -- statements

    @overload
    def execute(
        self, statement: TypedReturnsRows[*Ts], parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*Ts]: ...

    @overload
    def execute(
        self, statement: Executable, parameters: Mapping[str, Any] | None = None
    ) -> CursorResult[*tuple[Any, ...]]: ...

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> CursorResult[Any]:
        """Execute a SQLAlchemy statement."""
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
        """The first row of a prepared query, or None."""
        found = self._run(statement, values, writes=False).fetchone()
        return None if found is None else statement.row(found)

    def all(self, statement: Prepared, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a prepared query."""
        return [statement.row(each) for each in self._run(statement, values, writes=False).fetchall()]

    def run(self, statement: Prepared, *values: Any) -> Any:
        """Run a prepared write. Returns the driver's only cursor: read it before the next statement."""
        return self._run(statement, values, writes=True)

    def queue(self, statement: Prepared, *values: Any) -> None:
        """Run a prepared write; in a private file, right before the shared commit, or before a statement that could
        read it."""
        request = current.get()
        if request is None or not self.private or self._in_transaction:
            self._run(statement, values, writes=True)
        elif self._held_back is None:
            self.group.queue(request, statement, statement.parameters(values))
        else:
            self._held_back.append((statement, statement.parameters(values)))

    def _run(self, statement: Prepared, values: Sequence[Any], *, writes: bool) -> Any:
        if self._in_transaction:
            # The transaction books its time as a whole.
            return self.connection.cursor.execute(statement.sql, statement.parameters(values))
        started = time.perf_counter()
        self.group.run_queued_before(statement)
        self._take_part(writes)
        cursor = self.connection.cursor.execute(statement.sql, statement.parameters(values))
        self._book(started)
        return cursor

    def _take_part(self, writes: bool) -> None:
        """Join the shared transaction for a request in a private file; otherwise commit it."""
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

    # -- cached rows

    def cached(self, statement: Prepared, *values: Any) -> tuple[Any, ...] | None:
        """As `first`, but rows are cached in a private file. `execute` of a write and `write` clear the cache.

        After changing a cached row by a prepared statement, call `remember`.
        """
        row = None if self._in_transaction else self._rows.get((statement, values))
        if row is None:
            row = self.first(statement, *values)
            if row is not None:
                self.remember(row, statement, *values)
        return row

    def remember(self, row: tuple[Any, ...], statement: Prepared, *values: Any) -> None:
        """Replace a cached row."""
        if not self.private or self._in_transaction:
            return
        if len(self._rows) >= _MOST_REMEMBERED:
            self._rows.clear()
        self._rows[statement, values] = row

    def _book(self, started: float) -> None:
        """Add the time since `started` to the database time of the current request."""
        request = current.get()
        if request is not None:
            request.database_seconds += time.perf_counter() - started
