"""Finds the two rows of one exchange: the caller's and the callee's."""

from collections import defaultdict, deque
from typing import NamedTuple

from harness.inspector.row import ExchangeRow

_MOST = 50_000
_OLD = 120.0
_EARLIER = 0.005
"""Seconds by which a callee's row may begin before its caller's: both read the same clock at different moments."""


class _Key(NamedTuple):
    direction: str
    caller: str
    callee: str
    method: str
    target: str
    twin: int


class Pairing:
    """Pairs rows in any order of arrival.

    A caller's row and a callee's belong together if they have the same request and the callee began while the caller
    waited. If several fit, the earliest is taken: identical requests cannot be told apart.
    """

    def __init__(self) -> None:
        self._single: dict[_Key, deque[ExchangeRow]] = defaultdict(deque)
        self._count = 0

    def match(self, row: ExchangeRow) -> ExchangeRow | None:
        """The earlier row of the same exchange, which is then used up; None if there is none yet."""
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
        """Drop rows that have waited too long for the other side, or all if that is less than half of them: dropping
        looks at every row, so it must not be needed again at once."""
        kept = {key: deque(each for each in rows if each.begun >= before) for key, rows in self._single.items()}
        self._single = defaultdict(deque, {key: rows for key, rows in kept.items() if rows})
        self._count = sum(map(len, self._single.values()))
        if self._count > _MOST // 2:
            self._single.clear()
            self._count = 0


def _key(row: ExchangeRow, direction: str) -> _Key:
    return _Key(direction, row.caller, row.callee, row.method, row.target, row.twin)
