"""Durations on the command line."""

import re

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """`16m`, `90s`, `1h` or `90` in seconds. Raises ValueError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no time such as 16m, 90s or 1h")
    return float(match[1]) * _UNITS[match[2]]
