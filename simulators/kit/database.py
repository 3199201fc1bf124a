"""The database of one simulator: SQLite in a file by default, PostgreSQL by URL, the same code for both."""

import asyncio
import contextlib
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Connection,
    Dialect,
    MetaData,
    NullPool,
    Select,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from simulators.kit.errors import StartError
from simulators.kit.exchange import Inbound, current, json_text

_MOST_KNOWN = 4096


class Prepared:
    """A SQLAlchemy statement compiled once and run on the driver: for what every request does.

    `names` are the statement's parameters in the order in which they are given. Types convert as they do in SQLAlchemy.
    Rows are tuples. `beside` are statements whose effect it does not see: those may wait while it runs.
    """

    __slots__ = ("_by_name", "_from", "_into", "_names", "_places", "beside", "sql")

    def __init__(
        self, statement: ClauseElement, names: Sequence[str], dialect: Dialect, beside: Iterable["Prepared"] = ()
    ) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if set(names) != set(compiled.binds):
            raise ValueError(f"the statement's parameters are {sorted(compiled.binds)}, not {sorted(names)}")
        self.sql: str = compiled.string
        self.beside = frozenset(beside)
        self._names = tuple(names)
        # Where the driver counts places: which value stands at each; empty where they stand as they are given.
        self._by_name = compiled.positiontup is None
        places = [self._names.index(each) for each in compiled.positiontup or ()]
        self._places = [] if places == list(range(len(self._names))) else places
        self._into = _converters(
            [compiled.binds[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names]
        )
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._from = _converters([each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns])

    def parameters(self, values: Sequence[Any]) -> Any:
        """The values as the driver takes them."""
        if self._into:
            values = list(values)
            for index, convert in self._into:
                values[index] = convert(values[index])
        if self._by_name:
            return dict(zip(self._names, values, strict=True))
        return [values[place] for place in self._places] if self._places else values

    def row(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row that the driver gave, in Python's types."""
        if not self._from:
            return found
        values = list(found)
        for index, convert in self._from:
            values[index] = convert(values[index])
        return tuple(values)


def _converters(each: Sequence[Callable[[Any], Any] | None]) -> list[tuple[int, Callable[[Any], Any]]]:
    return [(index, convert) for index, convert in enumerate(each) if convert is not None]


class Database:
    """One connection, used synchronously: a transaction never spans an `await`.

    `url` None makes a SQLite file in a private directory that `close` removes; `sqlite:////path/file.db` keeps one;
    `postgresql+psycopg://user@host/name` uses a server. `schema` (PostgreSQL only) puts all tables into a schema
    of that name, made where it does not exist. Prefix table names: both simulators may share one database.
    Raises StartError where the database cannot be opened.

    The driver commits each statement by itself; transactions are begun and ended here. In a private file, the requests
    that are served in one turn of the event loop share one: what each writes is a savepoint within it, and its
    `settled` is done when the commit is. Nobody is answered before that. As nobody else writes such a file, statements
    may wait for the commit (`later`) and rows be remembered (`known`). A file or a server that others write to as well
    is not kept locked so long.
    """

    def __init__(self, metadata: MetaData, url: str | None = None, *, schema: str | None = None) -> None:
        self.metadata = metadata
        self._directory: Path | None = None
        if url is None:
            self._directory = Path(tempfile.mkdtemp(prefix="crossapp-"))
            # Also at the end of a process that never closes it.
            self._tidy = weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
            url = f"sqlite:///{self._directory / 'simulator.db'}"
        try:
            self.url = make_url(url)
            self.sqlite = self.url.get_backend_name() == "sqlite"
            self._engine = create_engine(
                self.url,
                hide_parameters=True,
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
                json_serializer=json_text,
                connect_args={"check_same_thread": False}
                if self.sqlite
                else {"connect_timeout": 5, "options": _options(schema)},
            )
            event.listen(self._engine, "connect", self._prepare)
            self._lock = threading.RLock()
            self._reading = _Transaction(self, writes=False)
            self._writing = _Transaction(self, writes=True)
            self._open = False
            self._shares = self._directory is not None
            self._sharing = False
            self._waiting: list[Inbound] = []
            self._deferring = _Deferral(self)
            self._delayed: dict[Prepared, list[Any]] = {}
            self._failure: Exception | None = None
            self._known: dict[tuple[Prepared, tuple[Any, ...]], tuple[Any, ...]] = {}
            self._connect()
            if schema is not None and not self.sqlite:
                self.cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        except (SQLAlchemyError, ArgumentError, ImportError) as error:
            self._remove()
            raise StartError(f"--database: {url_without_password(url)} cannot be opened: {_first(error)}") from None

    @property
    def name(self) -> str:
        """What is behind it: sqlite or postgresql."""
        return "sqlite" if self.sqlite else "postgresql"

    @property
    def alone(self) -> bool:
        """Whether nobody else ever writes here: a private file."""
        return self._shares

    @property
    def address(self) -> str:
        """PostgreSQL's address as libpq takes it, with the password."""
        return self.url.set(drivername="postgresql").render_as_string(hide_password=False)

    def describe(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def prepare(self, statement: ClauseElement, *names: str, beside: Iterable[Prepared] = ()) -> Prepared:
        """A statement for the hot path; `names` are its parameters, in the order in which they will be given. `beside`
        are the statements that may wait while it runs, as it does not see what they write."""
        return Prepared(statement, names, self._engine.dialect, beside)

    def create(self) -> None:
        """Make the tables that are not there yet."""
        with self.write() as connection:
            self.metadata.create_all(connection)

    def drop(self) -> None:
        """Drop the tables of `metadata`, and no others."""
        with self.write() as connection:
            self.metadata.drop_all(connection)

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction that may write; kept at the end, rolled back by an exception.

        SQLite takes its write lock at once, so that what is read inside stays true until the commit.
        """
        return self._writing

    def read(self) -> AbstractContextManager[Connection]:
        """For what only reads: each statement sees what is committed when it runs, as in PostgreSQL's usual mode."""
        return self._reading

    def change(self) -> AbstractContextManager[object]:
        """As `write`, for a request that reads first and then has prepared statements run `later`, and nothing else.

        In a private file nothing of another request runs in between, so that those that wait are all it takes.
        """
        return self._deferring if self._shares and current.get() is not None else self._writing

    def known(self, statement: Prepared, *values: Any) -> tuple[Any, ...] | None:
        """As `first`, of a row that changes through this object alone: in a private file it is remembered, until a
        transaction is undone, or `forget`. Whoever changes such a row calls `learn` or `forget`."""
        if not self._shares:
            return self.first(statement, *values)
        found = self._known.get((statement, values))
        if found is None:
            found = self.first(statement, *values)
            if found is not None:
                self.learn(found, statement, *values)
        return found

    def learn(self, row: tuple[Any, ...], statement: Prepared, *values: Any) -> None:
        """Remember what `known` would find from now on."""
        if not self._shares:
            return
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[statement, values] = row

    def forget(self) -> None:
        """Remember no rows any more."""
        self._known.clear()

    def first(self, statement: Prepared, *values: Any) -> tuple[Any, ...] | None:
        """The first row, None where there is none; by itself, or within a transaction."""
        found = self._execute(statement, values, writes=False).fetchone()
        return None if found is None else statement.row(found)

    def all(self, statement: Prepared, *values: Any) -> list[tuple[Any, ...]]:
        """All rows; by itself, or within a transaction."""
        return [statement.row(each) for each in self._execute(statement, values, writes=False).fetchall()]

    def run(self, statement: Prepared, *values: Any) -> Any:
        """Execute a statement that writes, by itself or within a transaction; the driver's cursor, of which there is
        one: read it before the next statement."""
        return self._execute(statement, values, writes=True)

    def later(self, statement: Prepared, *values: Any) -> None:
        """As `run`, but a request's statement may wait until right before the commit that it shares, or until something
        runs that might see what it writes: those of one kind are quicker together."""
        inbound = current.get()
        if inbound is None or not self._shares or self._open:
            self.run(statement, *values)
            return
        parameters = statement.parameters(values)
        if inbound.settled is None or inbound.settled.done():
            self._join(inbound)
        rows = self._delayed.get(statement)
        if rows is None:
            rows = self._delayed[statement] = []
        rows.append(parameters)

    def close(self) -> None:
        """Close the connection and remove the private directory, where there is one."""
        self._commit_shared()
        self._connection.close()
        self._engine.dispose()
        self._remove()

    def _flush(self) -> None:
        """Run the statements that wait. Raises what those of this transaction failed by before."""
        with self._lock:
            if self._failure is not None:
                raise self._failure
            delayed, self._delayed = self._delayed, {}
            try:
                for statement, rows in delayed.items():
                    self.cursor.executemany(statement.sql, rows)
            except Exception as error:
                # They are of several requests, none of which may be told that its own was kept.
                self._failure = error
                raise

    def _execute(self, statement: Prepared, values: Sequence[Any], *, writes: bool) -> Any:
        with self._lock:
            if self._delayed and not self._delayed.keys() <= statement.beside:
                self._flush()
            if self._open:
                # Within a transaction, which counts its time itself.
                return self.cursor.execute(statement.sql, statement.parameters(values))
            self._ready()
            inbound = current.get()
            if inbound is None:
                self._commit_shared()
                return self.cursor.execute(statement.sql, statement.parameters(values))
            started = time.perf_counter()
            if writes and self._shares:
                self._join(inbound)
            elif self._shares:
                self._share()
            cursor = self.cursor.execute(statement.sql, statement.parameters(values))
            inbound.database_seconds += time.perf_counter() - started
            return cursor

    def _connect(self) -> None:
        self._connection = self._engine.connect()
        driver: Any = self._connection.connection.dbapi_connection
        self._driver = driver
        self.cursor: Any = driver.cursor()

    def _usable(self) -> bool:
        return self.sqlite or not self._driver.closed

    def _ready(self) -> None:
        if self._open:
            raise RuntimeError("a transaction is open already: one spanned an await, or they were nested")
        if not self._usable():
            self._connect()

    def _begin(self) -> None:
        inbound = current.get()
        if inbound is not None and self._shares:
            self._join(inbound)
            self.cursor.execute("SAVEPOINT request")
            return
        if self._sharing:
            self._commit_shared()
        self.cursor.execute("BEGIN IMMEDIATE" if self.sqlite else "BEGIN")

    def _end(self, kept: bool) -> None:
        if not self._sharing:
            self.cursor.execute("COMMIT" if kept else "ROLLBACK")
            if not kept:
                self._known.clear()
            return
        if not kept:
            self.cursor.execute("ROLLBACK TO request")
            self._known.clear()
        self.cursor.execute("RELEASE request")

    def _share(self) -> None:
        """Begin the shared transaction, where none is; it ends once all that can run now has run.

        Also for reading: to lock the file for each statement costs more than most statements.
        """
        if not self._sharing:
            self.cursor.execute("BEGIN IMMEDIATE")
            self._sharing = True
            asyncio.get_running_loop().call_soon(self._commit_shared)

    def _join(self, inbound: Inbound) -> None:
        """Have a request that writes take part in the shared transaction."""
        self._share()
        if inbound.settled is None or inbound.settled.done():
            # One for each: a request that is cancelled cancels what it waits for.
            inbound.settled = asyncio.get_running_loop().create_future()
            self._waiting.append(inbound)

    def _commit_shared(self) -> None:
        started = time.perf_counter()
        failure: Exception | None = None
        with self._lock:
            if not self._sharing:
                return
            self._sharing = False
            waiting, self._waiting = self._waiting, []
            try:
                self._flush()
                self.cursor.execute("COMMIT")
            except Exception as error:
                failure = error
                self._failure = None
                self._delayed = {}
                self._known.clear()
                with contextlib.suppress(Exception):
                    self.cursor.execute("ROLLBACK")
        seconds = time.perf_counter() - started
        for each in waiting:
            each.database_seconds += seconds
            if each.settled is None or each.settled.done():
                continue
            if failure is None:
                each.settled.set_result(None)
            else:
                each.settled.set_exception(failure)

    def _prepare(self, connection: Any, _record: object) -> None:
        if not self.sqlite:
            return
        # What nobody can open after us needs no disk flush; a named file has to outlive a loss of power.
        durability = "OFF" if self._directory is not None else "NORMAL"
        for pragma in ("journal_mode=WAL", f"synchronous={durability}", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    def _remove(self) -> None:
        if self._directory is not None:
            self._tidy()


class _Transaction:
    """What `read` and `write` hand out; there is one of each, as transactions do not nest."""

    __slots__ = ("_database", "_started", "_writes")

    def __init__(self, database: Database, *, writes: bool) -> None:
        self._database = database
        self._writes = writes
        self._started = 0.0

    def __enter__(self) -> Connection:
        database = self._database
        started = time.perf_counter()
        database._lock.acquire()
        try:
            database._ready()
            database._flush()
            if self._writes:
                database._begin()
            elif database._shares and current.get() is not None:
                database._share()
        except BaseException:
            database._lock.release()
            raise
        database._open = True
        self._started = started
        return database._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        database = self._database
        database._open = False
        try:
            if self._writes and database._usable():
                database._end(kind is None)
        finally:
            inbound = current.get()
            if inbound is not None:
                inbound.database_seconds += time.perf_counter() - self._started
            database._lock.release()


class _Deferral:
    """What `change` hands out for a private file: an exception drops what has been put off since."""

    __slots__ = ("_database", "_marks")

    def __init__(self, database: Database) -> None:
        self._database = database
        self._marks: dict[Prepared, int] = {}

    def __enter__(self) -> None:
        self._marks = {statement: len(rows) for statement, rows in self._database._delayed.items()}

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for statement, rows in self._database._delayed.items():
                del rows[self._marks.get(statement, 0) :]
            self._database._known.clear()


def _options(schema: str | None) -> str:
    # A commit that waits for the disk would make the disk the thing that is measured; WAL on SQLite is as lenient:
    # neither loses a committed row when only the simulator dies.
    settings = "-csynchronous_commit=off"
    return settings if schema is None else f'{settings} -csearch_path="{schema}"'


def url_without_password(url: str) -> str:
    """A database URL fit for messages."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the URL"


def _first(error: BaseException) -> str:
    cause: BaseException = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
