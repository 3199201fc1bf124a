"""Two records of one exchange, the caller's and the callee's, found to be one."""

from collections import defaultdict, deque
from typing import NamedTuple

from harness.inspector.row import ExchangeRow

_MOST = 50_000
_OLD = 120.0
_EARLIER = 0.005
"""Seconds by which a callee may seem to begin before its caller: both read the same clock, one after the other."""


class _Key(NamedTuple):
    direction: str
    caller: str
    callee: str
    method: str
    target: str
    twin: int


class Pairing:
    """Pairs records as they come, in any order.

    A caller's record and a callee's are one exchange where they say the same request and the callee took it up while
    the caller waited. Of several the earliest is taken: requests that are alike to the byte are not told apart.
    """

    def __init__(self) -> None:
        self._single: dict[_Key, deque[ExchangeRow]] = defaultdict(deque)
        self._count = 0

    def match(self, row: ExchangeRow) -> ExchangeRow | None:
        """The earlier record of the same exchange, which is then not given again; None where there is none yet."""
        waiting = self._single.get(_key(row, "in" if row.direction == "out" else "out"))
        for other in waiting or ():
            out, into = (row, other) if row.direction == "out" else (other, row)
            if out.begun - _EARLIER <= into.begun <= out.begun + out.seconds:
                assert waiting is not None, "it was iterated over"
                waiting.remove(other)
                self._count -= 1
                return other
        self._single[_key(row, row.direction)].append(row)
        self._count += 1
        if self._count > _MOST:
            self._forget(row.begun + row.seconds - _OLD)
        return None

    def _forget(self, before: float) -> None:
        """Drop what has waited too long: the other side keeps no record, or is not here."""
        kept = {key: deque(each for each in rows if each.begun >= before) for key, rows in self._single.items()}
        self._single = defaultdict(deque, {key: rows for key, rows in kept.items() if rows})
        self._count = sum(map(len, self._single.values()))
        if self._count > _MOST:
            self._single.clear()
            self._count = 0


def _key(row: ExchangeRow, direction: str) -> _Key:
    return _Key(direction, row.caller, row.callee, row.method, row.target, row.twin)
