"""Rate limits: fixed windows of the simulator's clock, one for each operation and key."""

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
    """At most `limit` requests (None: any number) in `window` seconds for one key. `key`: the kind of key."""

    limit: int | None
    window: int
    key: str


def rules_of(document: Document) -> dict[str, Rule]:
    """The rate limits of a document, by operationId."""
    return {
        operation.id: Rule(operation.rate_limit.limit, operation.rate_limit.window, operation.rate_limit.key)
        for operation in document.operations.values()
        if operation.rate_limit is not None
    }


class Grant(NamedTuple):
    """The state of a caller's limit. `reset`: the Unix second in which the window ends."""

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
    """Counters by operation and key. A window starts with its first counted request."""

    def __init__(self, clock: Clock, rules: Mapping[str, Rule]) -> None:
        self._clock = clock
        self.rules = dict(rules)
        self._windows: dict[tuple[str, str], list[float]] = {}

    def take(self, operation: str, key: str) -> Grant:
        """Count a request if it is admitted, and say so."""
        rule = self.rules[operation]
        now = self._clock.now()
        window = self._windows.get((operation, key))
        # The lower bound: after the clock was set back, a window would seem to last for hours.
        if window is None or not window[0] <= now < window[0] + rule.window:
            if len(self._windows) > 50_000:
                self._forget(now)
            window = self._windows[(operation, key)] = [now, 0]
        limit = UNLIMITED if rule.limit is None else rule.limit
        admitted = window[1] < limit
        if admitted:
            window[1] += 1
        return self._grant(admitted, limit, window, rule.window)

    def peek(self, operation: str) -> Grant:
        """The state of the limit for a caller who was not counted."""
        rule = self.rules[operation]
        limit = UNLIMITED if rule.limit is None else rule.limit
        return self._grant(True, limit, [self._clock.now(), 0], rule.window)

    def configure(self, limits: Mapping[str, int | None]) -> None:
        """Set limits by operationId (None for no limit) and clear all counters. Raises ValueError."""
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
        """Clear all counters. The limits stay."""
        self._windows.clear()

    def table(self) -> dict[str, int | None]:
        """The limits by operationId."""
        return {name: rule.limit for name, rule in sorted(self.rules.items())}

    def _grant(self, admitted: bool, limit: int, window: list[float], length: int) -> Grant:
        return Grant(admitted, limit, max(0, limit - int(window[1])), math.ceil(window[0] + length))

    def _forget(self, now: float) -> None:
        for (operation, key), window in list(self._windows.items()):
            if now >= window[0] + self.rules[operation].window:
                del self._windows[(operation, key)]
