"""Rate limiting of our own requests: known limits are kept, a 429 is waited for."""

import asyncio
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass

from harness.http import Headers, header


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `requests` in a window of `seconds`."""

    requests: int
    seconds: float = 60.0


class Pacer:
    """A sliding-window rate limiter for each (operation, key).

    A window that slides over the sending times is at least as strict as a server's fixed window.
    """

    def __init__(self, allowances: dict[str, Allowance], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._allowances = allowances
        self._monotonic = monotonic
        self._sent: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._locks: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def count(self, operation: str, key: str) -> None:
        """Count a request that was sent without waiting."""
        if operation in self._allowances:
            self._sent[operation, key].append(self._monotonic())

    async def turn(self, operation: str, key: str) -> None:
        """Wait until one more request is within the allowance, and count it."""
        allowance = self._allowances.get(operation)
        if allowance is None:
            return
        sent = self._sent[operation, key]
        async with self._locks[operation, key]:
            while True:
                now = self._monotonic()
                while sent and sent[0] <= now - allowance.seconds:
                    sent.popleft()
                if len(sent) < allowance.requests:
                    sent.append(now)
                    return
                await asyncio.sleep(sent[0] + allowance.seconds - now)


def pause_after_429(headers: Headers, now: float, longest: float = 65.0) -> float:
    """Seconds to wait after a 429, by Retry-After or X-RateLimit-Reset (Unix seconds), else 60; at most `longest`."""
    for name, origin in (("retry-after", 0.0), ("x-ratelimit-reset", now)):
        text = header(headers, name)
        if text is not None and re.fullmatch(r"\s*[0-9]{1,15}\s*", text):
            return min(max(float(text) - origin, 0.0) + 0.5, longest)
    return min(60.0, longest)
