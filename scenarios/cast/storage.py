"""Read access to tuvens-api's database, if the deployment gives it. Only then SQLAlchemy is imported."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast

if TYPE_CHECKING:
    import sqlalchemy as sa

SESSIONS = "crossAppSession"


@contextmanager
def database(cast: Cast) -> "Iterator[sa.Engine]":
    """An engine for tuvens-api's database. Raises StoryStoppedError if it cannot be reached."""
    import sqlalchemy as sa

    engine = None
    try:
        engine = sa.create_engine(cast.stage.target("tuvens-api").database, poolclass=sa.NullPool)
        with engine.connect():
            pass
        yield engine
    except (sa.exc.SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoryStoppedError(f"tuvens-api's database: {type(error).__name__}: {str(error)[:200]}") from None
    finally:
        if engine is not None:
            engine.dispose()


def table(engine: "sa.Engine", name: str) -> "sa.Table":
    """A table, its columns read from the database. Raises StoryStoppedError if there is none."""
    import sqlalchemy as sa

    try:
        return sa.Table(name, sa.MetaData(), autoload_with=engine)
    except sa.exc.NoSuchTableError:
        raise StoryStoppedError(f"tuvens-api's database has no table {name}") from None


def session_row(engine: "sa.Engine", token: str) -> dict[str, Any] | None:
    """The row of a session token, stored in clear or as its SHA-256 hash; None if there is none."""
    sessions = table(engine, SESSIONS)
    forms = [token, hashlib.sha256(token.encode()).hexdigest()]
    with engine.connect() as connection:
        row = connection.execute(sessions.select().where(sessions.c.sessionToken.in_(forms))).mappings().first()
    return dict(row) if row is not None else None


def session_schema(engine: "sa.Engine") -> dict[str, Any]:
    """Columns, indexes and keys of the table of sessions; whether there is one."""
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    if SESSIONS not in inspector.get_table_names():
        return {"exists": False}
    indexes = inspector.get_indexes(SESSIONS)
    uniques = inspector.get_unique_constraints(SESSIONS)
    return {
        "exists": True,
        "columns": [each["name"] for each in inspector.get_columns(SESSIONS)],
        "indexed": [each["column_names"] for each in indexes],
        "unique": [each["column_names"] for each in [*uniques, *(i for i in indexes if i.get("unique"))]],
        "foreign_keys": [each["constrained_columns"] for each in inspector.get_foreign_keys(SESSIONS)],
    }


def rows(engine: "sa.Engine", of: "sa.Table") -> list[tuple[Any, ...]]:
    """All rows of a table."""
    with engine.connect() as connection:
        return [tuple(each) for each in connection.execute(of.select())]


def count(engine: "sa.Engine", of: "sa.Table") -> int:
    """How many rows a table has."""
    import sqlalchemy as sa

    with engine.connect() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(of)).scalar_one())
