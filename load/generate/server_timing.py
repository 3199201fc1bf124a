"""The Server-Timing header (W3C): durations that a server announces."""

import math
import re

_METRIC = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*((?:;[^,]*)?)")
_DURATION = re.compile(r';\s*dur\s*=\s*"?([0-9]+(?:\.[0-9]+)?)"?', re.IGNORECASE)


def durations(header: str | None) -> dict[str, float]:
    """Durations in milliseconds by metric name in lower case; metrics without one are left out."""
    found = {}
    for part in (header or "").split(","):
        metric = _METRIC.match(part)
        duration = _DURATION.search(metric[2]) if metric else None
        if metric and duration:
            found[metric[1].lower()] = float(duration[1])
    return found


def server_and_database(header: str | None) -> tuple[float, float]:
    """The metrics `total` and `db` in milliseconds, nan if they are not announced."""
    found = durations(header)
    return found.get("total", math.nan), found.get("db", math.nan)
