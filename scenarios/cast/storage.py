"""Read access to tuvens-api's database, if the deployment gives it."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast

SESSIONS = "crossAppSession"


@contextmanager
def database(cast: Cast) -> Iterator[sa.Engine]:
    """An engine for tuvens-api's database. Raises StoryStoppedError if it cannot be reached."""
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


def table(engine: sa.Engine, name: str) -> sa.Table:
    """A table, its columns read from the database. Raises StoryStoppedError if there is none."""
    try:
        return sa.Table(name, sa.MetaData(), autoload_with=engine)
    except sa.exc.NoSuchTableError:
        raise StoryStoppedError(f"tuvens-api's database has no table {name}") from None


def session_row(engine: sa.Engine, token: str) -> dict[str, Any] | None:
    """The row of a session token, stored in clear or as its SHA-256 hash; None if there is none."""
    sessions = table(engine, SESSIONS)
    forms = [token, hashlib.sha256(token.encode()).hexdigest()]
    with engine.connect() as connection:
        row = connection.execute(sa.select(sessions).where(sessions.c.sessionToken.in_(forms))).mappings().first()
    return dict(row) if row is not None else None
