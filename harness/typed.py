"""Reads JSON values into dataclasses, as their annotations say, with pydantic."""

import gc
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")


def typed(kind: type[T], value: Mapping[str, Any], *, exact: bool = False) -> T:
    """The value as an instance of a dataclass; unknown fields are left out, or refused if it must be `exact`. Raises
    ValueError, whose text names the first field that does not fit."""
    from pydantic import ValidationError

    from harness.file_tables import in_words

    if exact and (unknown := value.keys() - _names(kind)):  # type: ignore[arg-type]  # a class is hashable
        raise ValueError(f"{min(unknown)}: unknown field")
    try:
        read: T = _adapter(kind).validate_python(value)  # type: ignore[arg-type]  # a class is hashable
    except ValidationError as failed:
        raise ValueError(in_words(failed, {})) from None
    return read


def read_lines(lines: Iterable[str], read: Callable[[Any], T], what: str, error: type[ValueError]) -> list[T]:
    """The values of JSON lines, each as `read` makes it. Raises `error`, which names the first line that is not one of
    `what`, and why."""
    found = []
    with _without_collection():
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    found.append(read(json.loads(line)))
                except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as failed:
                    why = "nested too deeply" if isinstance(failed, RecursionError) else failed
                    raise error(f"line {number}: not a line of {what} ({why})") from None
    return found


@contextmanager
def _without_collection() -> Iterator[None]:
    """Without the garbage collector, which takes a third of the time of a long file, and finds nothing in it."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(each.name for each in fields(kind))


@cache
def _adapter(kind: Any) -> "TypeAdapter[Any]":
    # Imported here: pydantic takes 0.2 s to import, and most commands read nothing.
    from pydantic import TypeAdapter

    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    return adapter
