"""How far the clocks of the applications are from ours, by the Date headers of their answers."""

import statistics
from collections import defaultdict, deque

from contracts.times import parse_http_date
from harness.http import Answer

# A Date header has whole seconds and is a moment old.
_LEAST = 1.5
# Further from most others, a Date is none of the server: a cache may have kept the answer.
_ODD = 2.0
_ANSWERS = 99


class ServerClocks:
    """The clocks of the applications, as far as their answers tell."""

    def __init__(self) -> None:
        # By application: how far ahead of ours the Date of each of the last answers was when it came. The true
        # distance is more by up to a second and by the time that the answer took.
        self._ahead: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=_ANSWERS))

    def note(self, app: str, answer: Answer | None, now: float, *, took: float) -> None:
        """Compare the Date header of an application's answer with the time, in Unix seconds, at which it came. `took`:
        seconds since the request; a slow server that writes the Date first is not behind."""
        date = parse_http_date(answer.header("date")) if answer is not None else None
        if date is not None:
            ahead = date - now
            self._ahead[app].append(ahead if ahead >= 0 else min(ahead + took, 0.0))

    def knows(self, app: str) -> bool:
        """Whether an answer of the application had a Date."""
        return bool(self._ahead[app])

    def offset(self, app: str) -> float:
        """Seconds by which an application's clock is ahead of ours (negative: behind), by its Date headers, and rather
        too few than too many; 0 where it differs by less than they can tell, or nothing is known."""
        seen = self._ahead[app]
        if not seen:
            return 0.0
        middle = statistics.median(seen)
        found = max(each for each in seen if each - middle <= _ODD)
        return found if abs(found) >= _LEAST else 0.0
