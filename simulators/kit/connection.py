"""Opening SQLite and PostgreSQL."""

from typing import Any

from sqlalchemy import NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from harness.private_folder import PrivateFolder
from simulators.kit.errors import StartError
from simulators.kit.messages import json_text


class DatabaseConnection:
    """One connection in autocommit mode.

    url: None makes a SQLite file in a private directory, which `close` removes. schema: see Database. Raises StartError
    if the database cannot be opened.
    """

    def __init__(self, url: str | None, schema: str | None) -> None:
        self.private = url is None
        self._folder: PrivateFolder | None = None
        if url is None:
            self._folder = PrivateFolder()
            url = f"sqlite:///{self._folder.path}/simulator.db"
        try:
            self.url = make_url(url)
            self.sqlite = self.url.get_backend_name() == "sqlite"
            self.engine = create_engine(
                self.url,
                hide_parameters=True,
                poolclass=NullPool,
                isolation_level="AUTOCOMMIT",
                json_serializer=json_text,
                connect_args={"check_same_thread": False}
                if self.sqlite
                else {"connect_timeout": 5, "options": _options(schema)},
            )
            if self.sqlite:
                event.listen(self.engine, "connect", self._set_up_sqlite)
            self._connect()
            if schema is not None and not self.sqlite:
                self.cursor.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        except (SQLAlchemyError, ArgumentError, ImportError) as error:
            self._remove_folder()
            raise StartError(f"--database: {_without_password(url)} cannot be opened: {_first_line(error)}") from None

    @property
    def is_lost(self) -> bool:
        """Whether the server has closed the connection."""
        return not self.sqlite and bool(self._driver.closed)

    def restore(self) -> None:
        """Connect again if the connection is lost."""
        if self.is_lost:
            self._connect()

    def close(self) -> None:
        """Close the connection, and remove the private directory."""
        self.sqlalchemy.close()
        self.engine.dispose()
        self._remove_folder()

    def _remove_folder(self) -> None:
        if self._folder is not None:
            self._folder.close()

    def _connect(self) -> None:
        self.sqlalchemy = self.engine.connect()
        driver: Any = self.sqlalchemy.connection.dbapi_connection
        self._driver = driver
        self.cursor: Any = driver.cursor()

    def _set_up_sqlite(self, connection: Any, _record: object) -> None:
        # A private file ends with this process and needs no flush to disk; a named file must survive a power failure.
        durability = "OFF" if self.private else "NORMAL"
        for pragma in ("journal_mode=WAL", f"synchronous={durability}", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")


def _options(schema: str | None) -> str:
    # Without waiting for the disk, whose speed would dominate load tests. As with WAL on SQLite, no committed row is
    # lost if only the simulator dies.
    settings = "-csynchronous_commit=off"
    return settings if schema is None else f'{settings} -csearch_path="{schema}"'


def _without_password(url: str) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return "the URL"


def _first_line(error: BaseException) -> str:
    cause: BaseException = getattr(error, "orig", None) or error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__
