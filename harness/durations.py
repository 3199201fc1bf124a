"""Durations on the command line, in tests and in faults."""

import re

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = r"(\d+(?:\.\d+)?)(ms|[smh])"


def seconds(text: str) -> float:
    """`16m`, `90s`, `15m1s`, `1h`, `300ms` or `0` in seconds. Raises ValueError, also for another number without a
    unit."""
    text = text.strip()
    if re.fullmatch(rf"(?:{_PART})+", text):
        return sum(float(number) * _UNITS[unit] for number, unit in re.findall(_PART, text))
    if not re.fullmatch(r"\d+(?:\.\d+)?", text):
        raise ValueError(f"{text!r} is not a duration such as 16m, 90s or 1h")
    if float(text):
        raise ValueError(f"{text!r} has no unit: write {text}s, {text}m or {text}h")
    return 0.0
