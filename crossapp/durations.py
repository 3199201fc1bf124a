"""Durations on the command line."""

import re

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`16m`, `90s`, `1h` or `0` in seconds. Raises ValueError, also for another number without a unit."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 16m, 90s or 1h")
    if not match[2] and float(match[1]):
        raise ValueError(f"{text!r} has no unit: write {match[1]}s, {match[1]}m or {match[1]}h")
    return float(match[1]) * _UNITS[match[2]]
