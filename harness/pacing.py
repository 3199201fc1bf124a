"""Rate limiting of our own requests: known limits are kept, a 429 is waited for."""

import asyncio
import math
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from harness.http import Headers

_LONGEST_WINDOW = 100_000.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """At most `requests` in a window of `seconds`."""

    requests: int
    seconds: float = 60.0


class Pacer:
    """A sliding-window rate limiter for each (operation, key).

    A window that slides over the sending times is at least as strict as a server's fixed window. `waiting` is told for
    which operation a turn is waited, and for how many seconds.
    """

    def __init__(
        self,
        allowances: dict[str, Allowance],
        monotonic: Callable[[], float] = time.monotonic,
        *,
        waiting: Callable[[str, float], None] = lambda operation, seconds: None,
    ) -> None:
        self._allowances = allowances
        self._waiting = waiting
        self._monotonic = monotonic
        self._sent: dict[tuple[str, str], deque[float]] = defaultdict(deque)
        self._locks: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    def count(self, operation: str, key: str) -> None:
        """Count a request that was sent without waiting."""
        if operation in self._allowances:
            self._sent[operation, key].append(self._monotonic())

    def give_back(self, operation: str, key: str) -> None:
        """Take back a turn of a request that never arrived."""
        if self._sent[operation, key]:
            self._sent[operation, key].pop()

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
                self._waiting(operation, sent[0] + allowance.seconds - now)
                await asyncio.sleep(sent[0] + allowance.seconds - now)

    async def together(self, requests: Mapping[tuple[str, str], int]) -> None:
        """Wait until so many more requests of each (operation, key) are within the allowances, and count all at once: a
        turn that is held while another one is waited for would be used in a later window of the server."""
        while True:
            now = self._monotonic()
            wait, operation = max((self._wait(*each, count, now), each[0]) for each, count in requests.items())
            if wait <= 0:
                break
            self._waiting(operation, wait)
            await asyncio.sleep(wait)
        for each, count in requests.items():
            for _ in range(count):
                self.count(*each)

    def free(self, operation: str, key: str) -> float:
        """How many requests are within the allowance now."""
        allowance = self._allowances.get(operation)
        if allowance is None:
            return math.inf
        since = self._monotonic() - allowance.seconds
        return allowance.requests - sum(each > since for each in self._sent[operation, key])

    def _wait(self, operation: str, key: str, count: int, now: float) -> float:
        """Seconds until so many more requests are within the allowance, or all that it allows."""
        allowance = self._allowances.get(operation)
        if allowance is None:
            return 0.0
        sent = self._sent[operation, key]
        too_many = len(sent) + min(count, allowance.requests) - allowance.requests
        return sent[too_many - 1] + allowance.seconds - now if too_many > 0 else 0.0


def pause_after_429(headers: Headers, now: float, longest: float = 65.0) -> float:
    """Seconds to wait after a 429, by Retry-After or X-RateLimit-Reset, else 60; at most `longest`.

    X-RateLimit-Reset is a time in Unix seconds; where it is a small number, it can only be the seconds that are left. A
    throttler with several limits writes the name of the limit behind the names of the headers (Retry-After-short).
    `now` is the server's time (Unix seconds), which these times are by.
    """
    for name in ("retry-after", "x-ratelimit-reset"):
        named = [value for key, value in headers if key.lower() == name or key.lower().startswith(f"{name}-")]
        given = [float(value) for value in named if re.fullmatch(r"\s*[0-9]{1,15}\s*", value)]
        dates = [date.timestamp() for date in map(_http_date, named) if date is not None]
        if dates:
            return min(max(max(dates) - now, 0.0) + 0.5, longest)
        if given:
            is_time = name == "x-ratelimit-reset" and max(given) > _LONGEST_WINDOW
            return min(max(max(given) - (now if is_time else 0.0), 0.0) + 0.5, longest)
    return min(60.0, longest)


def _http_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
