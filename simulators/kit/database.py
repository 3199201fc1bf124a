"""The database of one simulator: SQLite in a file by default, PostgreSQL by URL, the same code for both."""

import json
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ClauseElement,
    Connection,
    DateTime,
    Dialect,
    MetaData,
    Select,
    StaticPool,
    Text,
    create_engine,
    event,
    make_url,
    text,
)
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.types import TypeDecorator

from simulators.kit.errors import StartError
from simulators.kit.exchange import current


class UtcTime(TypeDecorator[float]):
    """Unix seconds in Python, a timestamp (with time zone where there is one) in the database; to the microsecond."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: float | None, dialect: Dialect) -> datetime | None:
        """Unix seconds to an aware time in UTC."""
        return None if value is None else datetime.fromtimestamp(value, UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> float | None:
        """What the database holds, which SQLite returns without its zone, to Unix seconds."""
        if value is None:
            return None
        return (value if value.tzinfo is not None else value.replace(tzinfo=UTC)).timestamp()


class JsonText(TypeDecorator[Any]):
    """Any JSON value as text. SQLite reads a bare number in a JSON column as its own kind of number, and rounds it."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """None is NULL."""
        return None if value is None else json.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """NULL is None."""
        return None if value is None else json.loads(value)


class Prepared:
    """A SQLAlchemy statement compiled once for one dialect and run on the driver: for what every request does.

    Types convert as they do in SQLAlchemy. Rows are tuples. All parameters of the statement have to be given.
    """

    def __init__(self, statement: ClauseElement, dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._sql: str = compiled.string
        self._names: Sequence[str] = compiled.positiontup or tuple(compiled.binds)
        self._positional = compiled.positiontup is not None
        self._into = {
            name: convert
            for name, bind in compiled.binds.items()
            if (convert := bind.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._from = [
            (index, convert)
            for index, column in enumerate(columns)
            if (convert := column.type.dialect_impl(dialect).result_processor(dialect, None)) is not None
        ]

    def run(self, connection: Connection, **values: Any) -> Any:
        """Execute inside a transaction of `Database`; returns the driver's cursor."""
        for name, convert in self._into.items():
            values[name] = convert(values[name])
        driver: Any = connection.connection.dbapi_connection
        return driver.execute(self._sql, [values[name] for name in self._names] if self._positional else values)

    def first(self, connection: Connection, **values: Any) -> tuple[Any, ...] | None:
        """The first row, None where there is none."""
        row = self.run(connection, **values).fetchone()
        return None if row is None else self._converted(row)

    def all(self, connection: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """All rows."""
        return [self._converted(row) for row in self.run(connection, **values).fetchall()]

    def _converted(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self._from:
            return row
        values = list(row)
        for index, convert in self._from:
            values[index] = convert(values[index])
        return tuple(values)


class Database:
    """One connection, used synchronously: a transaction never spans an `await`.

    `url` None makes a SQLite file in a private directory that `close` removes; `sqlite:////path/file.db` keeps one;
    `postgresql+psycopg://user@host/name` uses a server. `schema` (PostgreSQL only) puts all tables into a schema
    of that name, made where it does not exist. Prefix table names: both simulators may share one database.
    Raises StartError where the database cannot be opened.
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
                poolclass=StaticPool,
                connect_args={"check_same_thread": False, "isolation_level": None}
                if self.sqlite
                else {"connect_timeout": 5, "options": _options(schema)},
            )
            event.listen(self._engine, "connect", self._prepare)
            self._lock = threading.RLock()
            self._connection = self._engine.connect()
            if schema is not None and not self.sqlite:
                self._connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            self._connection.commit()
        except (SQLAlchemyError, ArgumentError, ImportError) as error:
            self._remove()
            raise StartError(f"--database: {url_without_password(url)} cannot be opened: {_first(error)}") from None

    @property
    def name(self) -> str:
        """What is behind it: sqlite or postgresql."""
        return "sqlite" if self.sqlite else "postgresql"

    def describe(self) -> str:
        """The URL without its password."""
        return self.url.render_as_string(hide_password=True)

    def prepare(self, statement: ClauseElement) -> Prepared:
        """A statement for the hot path."""
        return Prepared(statement, self._engine.dialect)

    def create(self) -> None:
        """Make the tables that are not there yet."""
        with self.write() as connection:
            self.metadata.create_all(connection)

    def drop(self) -> None:
        """Drop the tables of `metadata`, and no others."""
        with self.write() as connection:
            self.metadata.drop_all(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; committed at the end, rolled back by an exception.

        SQLite takes its write lock at once, so that what is read inside stays true until the commit.
        """
        yield from self._transaction("BEGIN IMMEDIATE")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        yield from self._transaction("BEGIN")

    def close(self) -> None:
        """Close the connection and remove the private directory, where there is one."""
        self._connection.close()
        self._engine.dispose()
        self._remove()

    def _transaction(self, begin: str) -> Iterator[Connection]:
        started = time.perf_counter()
        try:
            with self._lock:
                if self._connection.in_transaction():
                    raise RuntimeError("a transaction is open already: one spanned an await, or they were nested")
                with self._connection.begin():
                    if self.sqlite:
                        driver: Any = self._connection.connection.dbapi_connection
                        driver.execute(begin)
                    yield self._connection
        finally:
            inbound = current.get()
            if inbound is not None:
                inbound.database_seconds += time.perf_counter() - started

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
