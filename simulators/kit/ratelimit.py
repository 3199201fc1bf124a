"""Rate limits in fixed windows of the simulator's clock, one window for each key."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from openapi import Document
from simulators.kit.clock import Clock

UNLIMITED = 1_000_000_000
"""What X-RateLimit-Limit says where a limit was lifted."""


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `limit` requests (None: any number) in `window` seconds for one key; `key` names what is counted."""

    limit: int | None
    window: int
    key: str


def rules_of(document: Document) -> dict[str, Rule]:
    """The rate limits that a document states, by operationId."""
    return {
        operation.id: Rule(operation.rate_limit.limit, operation.rate_limit.window, operation.rate_limit.key)
        for operation in document.operations.values()
        if operation.rate_limit is not None
    }


class Grant(NamedTuple):
    """Where a caller stands: `reset` is the Unix second in which the window ends."""

    admitted: bool
    limit: int
    remaining: int
    reset: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The three X-RateLimit headers."""
        return [
            (b"x-ratelimit-limit", b"%d" % self.limit),
            (b"x-ratelimit-remaining", b"%d" % self.remaining),
            (b"x-ratelimit-reset", b"%d" % self.reset),
        ]


class RateLimits:
    """Counters by operation and key. A window begins with its first counted request."""

    def __init__(self, clock: Clock, rules: Mapping[str, Rule]) -> None:
        self._clock = clock
        self._contract = dict(rules)
        self.rules = dict(rules)
        self._windows: dict[tuple[str, str], list[float]] = {}

    def take(self, operation: str, key: str) -> Grant:
        """Count one request and say whether it is admitted; one past the limit is not counted."""
        rule = self.rules[operation]
        now = self._clock.now()
        window = self._windows.get((operation, key))
        # A clock that was set back must not leave a window that seems to last for hours.
        if window is None or not window[0] <= now < window[0] + rule.window:
            if len(self._windows) > 50_000:
                self._forget(now)
            window = self._windows[(operation, key)] = [now, 0]
        limit = UNLIMITED if rule.limit is None else rule.limit
        admitted = window[1] < limit
        if admitted:
            window[1] += 1
        return self._grant(admitted, limit, window, rule.window)

    def peek(self, operation: str, key: str | None = None) -> Grant:
        """Where a key stands without counting; None stands for a caller of whom nothing is known."""
        rule = self.rules[operation]
        now = self._clock.now()
        limit = UNLIMITED if rule.limit is None else rule.limit
        window = None if key is None else self._windows.get((operation, key))
        if window is None or not window[0] <= now < window[0] + rule.window:
            window = [now, 0]
        return self._grant(True, limit, window, rule.window)

    def configure(self, limits: Mapping[str, int | None]) -> None:
        """Set limits by operationId (None lifts one) and clear all counters. Raises ValueError naming what is wrong."""
        for name, limit in limits.items():
            if name not in self.rules:
                raise ValueError(f"{name}: no such rate limit; there are {', '.join(sorted(self.rules))}")
            if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
                raise ValueError(f"{name}: a limit is a whole number from 1, or null for none")
        for name, limit in limits.items():
            rule = self.rules[name]
            self.rules[name] = Rule(limit, rule.window, rule.key)
        self._windows.clear()

    def clear(self) -> None:
        """Forget what was counted; the limits stay."""
        self._windows.clear()

    def table(self) -> dict[str, int | None]:
        """The limits in force by operationId."""
        return {name: rule.limit for name, rule in sorted(self.rules.items())}

    def _grant(self, admitted: bool, limit: int, window: list[float], length: int) -> Grant:
        return Grant(admitted, limit, max(0, limit - int(window[1])), math.ceil(window[0] + length))

    def _forget(self, now: float) -> None:
        for (operation, key), window in list(self._windows.items()):
            if now >= window[0] + self.rules[operation].window:
                del self._windows[(operation, key)]
