"""Column types that behave alike in SQLite and PostgreSQL."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from simulators.kit.messages import json_text


class UtcTime(TypeDecorator[float]):
    """Unix seconds in Python, a timestamp with microseconds in the database (PostgreSQL: with time zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[float | None], object]:
        """Unix seconds to an aware time in UTC, or to its text for SQLite."""
        return _sqlite_time if dialect.name == "sqlite" else _utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:
        """A stored time to Unix seconds."""
        return _unix_of_text if dialect.name == "sqlite" else _unix


def _utc(value: float | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _unix(value: datetime | None) -> float | None:
    return None if value is None else value.timestamp()


# Every request formats times; this takes a third of the time of the standard library.
@lru_cache(maxsize=16)
def _second(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%d %H:%M:%S")


# A row has the same time in several columns.
@lru_cache(maxsize=16)
def _sqlite_time(value: float | None) -> str | None:
    if value is None:
        return None
    second, micros = divmod(round(value * 1_000_000), 1_000_000)
    return f"{_second(second)}.{micros:06d}"


def _unix_of_text(value: str | None) -> float | None:
    return None if value is None else datetime.fromisoformat(f"{value}+00:00").timestamp()


class JsonText(TypeDecorator[Any]):
    """Any JSON value as text: in a JSON column, SQLite would round a bare number."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """None is NULL."""
        return lambda value: None if value is None else json_text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], Any]:
        """NULL is None."""
        return lambda value: None if value is None else json.loads(value)
