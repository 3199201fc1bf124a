"""Counts the work of an action: the same on every machine."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")


class Counted(list[T]):
    """A list that counts how often one of its elements is looked at."""

    looked = 0

    def __getitem__(self, place: Any) -> Any:
        self.looked += 1
        return super().__getitem__(place)

    def __iter__(self) -> Iterator[T]:
        for each in super().__iter__():
            self.looked += 1
            yield each


def steps(action: Callable[[], object]) -> int:
    """How many bytecode instructions an action executes; what C code does in one call counts as one."""
    count = 0

    def trace(frame: FrameType, event: str, value: Any) -> Any:
        nonlocal count
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count
