"""Read access to tuvens-api's database and audit log, if the deployment gives it. Only then SQLAlchemy is imported."""

import hashlib
import os
import re
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from harness.child_environment import child_environment
from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast

if TYPE_CHECKING:
    import sqlalchemy as sa

SESSIONS = "crossAppSession"
_MOST_ROWS = 1_000
_MOST_BYTES = 16 * 1024 * 1024
_COMMAND_SECONDS = 10
# Of PostgreSQL's session: it cannot write, and no query takes longer.
_LIMITS = "SET default_transaction_read_only = on; SET statement_timeout = '5s'; SET lock_timeout = '1s'"
_DENIED = re.compile("permission denied for (table|relation|schema) (\\S+)")


@contextmanager
def database(cast: Cast) -> "Iterator[sa.Engine]":
    """An engine for tuvens-api's database; in PostgreSQL it can only read, and for five seconds at a time. Raises
    StoryStoppedError if it cannot be reached or read, with the remedy."""
    import sqlalchemy as sa

    engine = None
    try:
        url = sa.make_url(cast.stage.target("tuvens-api").database)
        given = {"connect_timeout": 5} if url.get_backend_name() == "postgresql" else {}
        engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=given)
        if given:
            sa.event.listen(engine, "connect", _limit)
        with engine.connect():
            pass
        yield engine
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoryStoppedError(f"tuvens-api's database: {_in_words(error)}") from None
    finally:
        if engine is not None:
            engine.dispose()


def _limit(connection: Any, _record: object) -> None:
    before, connection.autocommit = connection.autocommit, True  # in a transaction its end would undo it
    cursor = connection.cursor()
    cursor.execute(_LIMITS)
    cursor.close()
    connection.autocommit = before


def _in_words(error: Exception) -> str:
    text = str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:200]
    denied = _DENIED.search(text)
    if denied:
        right = "USAGE" if denied[1] == "schema" else "SELECT"
        kind = "SCHEMA " if denied[1] == "schema" else ""
        return f'{text}; GRANT {right} ON {kind}"{denied[2]}" to the user whom targets.tuvens-api.database names'
    if "statement timeout" in text:
        return f"{text}: a query took longer than 5 s"
    return f"{type(error).__name__}: {text}"


def table(engine: "sa.Engine", name: str) -> "sa.Table":
    """A table, its columns read from the database. Raises StoryStoppedError if there is none."""
    import sqlalchemy as sa

    try:
        return sa.Table(name, sa.MetaData(), autoload_with=engine, schema=_schema_of(engine, name))
    except sa.exc.NoSuchTableError:
        raise StoryStoppedError(
            f"tuvens-api's database has no table {name} that its user can see: correct database, or audit_table, under "
            "[targets.tuvens-api]"
        ) from None


def _schema_of(engine: "sa.Engine", name: str) -> str | None:
    """The schema in which a table is; None for the default one, or if it is in none. Raises StoryStoppedError if it is
    in several others."""
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    if inspector.has_table(name):
        return None
    others = [each for each in inspector.get_schema_names() if inspector.has_table(name, schema=each)]
    if len(others) > 1:
        raise StoryStoppedError(
            f"tuvens-api's database has a table {name} in several schemas, and its user sees none by default: add "
            "?options=-csearch_path%3DSCHEMA to database under [targets.tuvens-api], and GRANT USAGE ON SCHEMA to that "
            "user"
        )
    return next(iter(others), None)


def session_row(engine: "sa.Engine", token: str) -> dict[str, Any] | None:
    """The row of a session token, stored in clear or as its SHA-256 hash; None if there is none."""
    sessions = table(engine, SESSIONS)
    forms = [token, hashlib.sha256(token.encode()).hexdigest()]
    with engine.connect() as connection:
        row = connection.execute(sessions.select().where(sessions.c.sessionToken.in_(forms))).mappings().first()
    return dict(row) if row is not None else None


def expired_rows(engine: "sa.Engine", ahead: float, now: float) -> dict[str, Any]:
    """How many rows are of sessions that expired more than a day ago, and more than a month ago; and how many rows of
    the table were ever deleted (None: not known). `ahead`: by so many seconds the times of the table are ahead of those
    that the API tells, as in a local time zone; `now`: Unix seconds."""
    import sqlalchemy as sa

    sessions = table(engine, SESSIONS)
    found: dict[str, Any] = {}
    zone = UTC if getattr(sessions.c.expiresAt.type, "timezone", False) else None
    with engine.connect() as connection:
        for name, age in (("day", 86_400.0), ("month", 30 * 86_400.0)):
            before = datetime.fromtimestamp(now + ahead - age, UTC).replace(tzinfo=zone)
            asked = sa.select(sa.func.count()).select_from(sessions).where(sessions.c.expiresAt < before)
            found[name] = int(connection.execute(asked).scalar_one())
        found["deleted"] = None
        if engine.dialect.name == "postgresql":
            place = engine.dialect.identifier_preparer.format_table(sessions)
            asked_for = sa.text("SELECT pg_stat_get_tuples_deleted(CAST(CAST(:place AS text) AS regclass))")
            found["deleted"] = connection.execute(asked_for, {"place": place}).scalar_one_or_none()
    return found


def session_schema(engine: "sa.Engine") -> dict[str, Any]:
    """Columns, indexes and keys of the table of sessions; whether there is one. Raises StoryStoppedError."""
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    schema = _schema_of(engine, SESSIONS)
    if not inspector.has_table(SESSIONS, schema=schema):
        return {"exists": False}
    indexes = inspector.get_indexes(SESSIONS, schema=schema)
    uniques = inspector.get_unique_constraints(SESSIONS, schema=schema)
    keys = inspector.get_foreign_keys(SESSIONS, schema=schema)
    return {
        "exists": True,
        "columns": [each["name"] for each in inspector.get_columns(SESSIONS, schema=schema)],
        "indexed": [each["column_names"] for each in indexes],
        "unique": [each["column_names"] for each in [*uniques, *(i for i in indexes if i.get("unique"))]],
        "foreign_keys": [each["constrained_columns"] for each in keys],
    }


@contextmanager
def audit_log(cast: Cast) -> "Iterator[NewRows | NewLines]":
    """What is added to tuvens-api's audit log. Raises StoryStoppedError if it cannot be read."""
    target = cast.stage.target("tuvens-api")
    if target.audit_command:
        yield NewLines(target.audit_command)
        return
    with database(cast) as engine:
        yield NewRows(engine, table(engine, target.audit_table))


class NewLines:
    """The lines that a command prints more from now on, but for empty ones. All methods raise StoryStoppedError."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._before = Counter(self._lines())

    def count(self) -> int:
        """How many there are."""
        return self._new().total()

    def newest(self) -> list[tuple[Any, ...]]:
        """The newest of them, 1,000 at most."""
        return [(line,) for line in list(self._new().elements())[-_MOST_ROWS:]]

    def _new(self) -> Counter[str]:
        return Counter(self._lines()) - self._before

    def _lines(self) -> list[str]:
        field = "targets.tuvens-api.audit_command"
        try:
            with subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_environment(),
                start_new_session=True,
            ) as child:
                # With all that it began: they may hold its output open.
                ends = threading.Timer(_COMMAND_SECONDS, os.killpg, (child.pid, signal.SIGKILL))
                ends.start()
                assert child.stdout is not None
                text = child.stdout.read(_MOST_BYTES + 1)
                if len(text) > _MOST_BYTES:
                    os.killpg(child.pid, signal.SIGKILL)
                code = child.wait()
                in_time = ends.is_alive()
                ends.cancel()
        except OSError as error:
            raise StoryStoppedError(f"{field} cannot be run: {error.strerror or error}") from None
        if len(text) > _MOST_BYTES:
            raise StoryStoppedError(f"{field} prints more than {_MOST_BYTES >> 20} MiB: let it print less")
        if not in_time:
            raise StoryStoppedError(f"{field} did not end within {_COMMAND_SECONDS} s")
        if code:
            raise StoryStoppedError(f"{field} ended with exit code {code}")
        return [line for line in text.decode("utf-8", "replace").splitlines() if line.strip()]


class NewRows:
    """The rows that a table gets from now on, where its key counts up; else all of them."""

    def __init__(self, engine: "sa.Engine", of: "sa.Table") -> None:
        import sqlalchemy as sa

        self._engine = engine
        self._table = of
        keys = list(of.primary_key.columns)
        self._key = keys[0] if len(keys) == 1 and isinstance(keys[0].type, sa.Integer) else None
        self._last: int | None = None
        if self._key is not None:
            with engine.connect() as connection:
                self._last = connection.execute(sa.select(sa.func.max(self._key))).scalar_one() or 0

    def count(self) -> int:
        """How many there are."""
        import sqlalchemy as sa

        with self._engine.connect() as connection:
            asked = sa.select(sa.func.count()).select_from(self._table)
            return int(connection.execute(asked.where(*self._new())).scalar_one())

    def newest(self) -> list[tuple[Any, ...]]:
        """The newest of them, 1,000 at most."""
        asked = self._table.select().where(*self._new()).limit(_MOST_ROWS)
        if self._key is not None:
            asked = asked.order_by(self._key.desc())
        with self._engine.connect() as connection:
            return [tuple(each) for each in connection.execute(asked)]

    def _new(self) -> "tuple[sa.ColumnElement[bool], ...]":
        return () if self._key is None else (self._key > self._last,)
