"""Limits on the traffic of a run, and when nothing more is sent to a target."""

import sys
from collections import defaultdict
from dataclasses import dataclass


class TargetGoneError(Exception):
    """Nothing more is sent to a target in this run, because it stopped answering or the record is full; the text names
    the target."""


class OperationGoneError(TargetGoneError):
    """Nothing more is sent to one operation of a target; the others go on."""


@dataclass(frozen=True, slots=True)
class TrafficLimits:
    """Limits of one exchange and of a run.

    Of one exchange: `seconds` in all, `connect_seconds` to connect, `answer_bytes` after decompression.
    Of a run: `strikes`, the number of time-outs in a row after which nothing more is sent to an operation, and to a
    target that has not answered anything yet; `kept_bytes` and `kept_entries`, all that is kept of it in memory;
    `operation_bytes`, what one operation's answers may be larger than usual, in all, so that one of them cannot use up
    the record of the others.
    """

    seconds: float = 15.0
    connect_seconds: float = 5.0
    answer_bytes: int = 2 * 1024 * 1024
    strikes: int = 3
    kept_bytes: int = 64 * 1024 * 1024
    kept_entries: int = sys.maxsize
    operation_bytes: int = 8 * 1024 * 1024


class Strikes:
    """Counts time-outs by target and operation."""

    def __init__(self, limits: TrafficLimits) -> None:
        self._limits = limits
        self._in_a_row: dict[tuple[str, str], int] = defaultdict(int)
        self._time_outs: dict[str, int] = defaultdict(int)
        self._throttled: dict[tuple[str, str], int] = defaultdict(int)
        self._answered: set[str] = set()

    def count(self, callee: str, operation: str, *, answered: bool, timed_out: bool, throttled: bool = False) -> None:
        """Count the end of one exchange; `throttled`: it was answered with 429."""
        if answered:
            self._in_a_row[callee, operation] = 0
            self._answered.add(callee)
            if not throttled:
                self._throttled[callee, operation] = 0
        elif timed_out:
            self._in_a_row[callee, operation] += 1
            self._time_outs[callee] += 1

    def still_throttled(self, callee: str, operation: str) -> None:
        """Count a 429 after the wait that the 429 before it asked for."""
        self._throttled[callee, operation] += 1

    def check(self, callee: str, operation: str) -> None:
        """Raises TargetGoneError if nothing more is to be sent there, and its subclass for one operation."""
        most, seconds = self._limits.strikes, self._limits.seconds
        if callee not in self._answered and self._time_outs[callee] >= most:
            raise TargetGoneError(
                f"{callee} answered nothing at all, {most} times within {seconds:g} s: nothing more is sent there"
            )
        if self._in_a_row[callee, operation] >= most:
            raise OperationGoneError(
                f"{callee} did not answer {operation} {most} times in a row within {seconds:g} s: "
                "nothing more is sent there"
            )
        # Callers side by side may have to wait for one another, but one of them gets through.
        if self._throttled[callee, operation] >= 2 * most:
            raise OperationGoneError(
                f"{callee} answered {operation} with 429 {2 * most} times in a row after the wait that it asked for: "
                "nothing more is sent there"
            )
