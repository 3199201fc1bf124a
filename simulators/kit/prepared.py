"""SQL statements that are compiled once and run on the driver, for the hot path."""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from sqlalchemy import ClauseElement, Dialect, Select, Table
from sqlalchemy.sql import visitors
from sqlalchemy.sql.dml import UpdateBase


class Prepared:
    """A compiled SQLAlchemy statement. Values are converted as by SQLAlchemy; rows are tuples.

    names: the statement's parameters, in the order in which values are given. Raises ValueError if the statement has
    others.
    """

    __slots__ = ("_by_name", "_from_driver", "_names", "_places", "_tables", "_to_driver", "sql")

    def __init__(self, statement: ClauseElement, names: Sequence[str], dialect: Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        if set(names) != set(compiled.binds):
            raise ValueError(f"the statement's parameters are {sorted(compiled.binds)}, not {sorted(names)}")
        self.sql: str = compiled.string
        self._names = tuple(names)
        # For drivers with positional parameters: the index of the value for each; empty if the order is that of names.
        self._by_name = compiled.positiontup is None
        places = [self._names.index(each) for each in compiled.positiontup or ()]
        self._places = [] if places == list(range(len(self._names))) else places
        types = [compiled.binds[name].type.dialect_impl(dialect) for name in names]
        self._to_driver = _converters([each.bind_processor(dialect) for each in types])
        columns = statement.selected_columns if isinstance(statement, Select) else ()
        self._from_driver = _converters(
            [each.type.dialect_impl(dialect).result_processor(dialect, None) for each in columns]
        )
        self._tables = _tables(statement)

    def parameters(self, values: Sequence[Any]) -> Any:
        """The values for the driver."""
        if self._to_driver:
            values = list(values)
            for index, convert in self._to_driver:
                values[index] = convert(values[index])
        if self._by_name:
            return dict(zip(self._names, values, strict=True))
        return [values[place] for place in self._places] if self._places else values

    def row(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """A row of the driver, converted to Python's types."""
        if not self._from_driver:
            return found
        values = list(found)
        for index, convert in self._from_driver:
            values[index] = convert(values[index])
        return tuple(values)

    def shares_a_table(self, others: Collection["Prepared"]) -> bool:
        """Whether one of the other statements may use a table that this one uses."""
        mine = self._tables
        return any(mine is None or each._tables is None or not mine.isdisjoint(each._tables) for each in others)


def _converters(each: Sequence[Callable[[Any], Any] | None]) -> list[tuple[int, Callable[[Any], Any]]]:
    return [(index, convert) for index, convert in enumerate(each) if convert is not None]


def _tables(statement: ClauseElement) -> frozenset[str] | None:
    """The tables that a statement uses; None for plain SQL, which may use any."""
    if isinstance(statement, UpdateBase):
        return frozenset({str(statement.table)})
    if isinstance(statement, Select):
        return frozenset(str(each) for each in visitors.iterate(statement) if isinstance(each, Table))
    return None
