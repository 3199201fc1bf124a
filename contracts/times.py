"""Times as the contract has them: ISO 8601, in UTC, written with `Z` or `+00:00`."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

_ISO = re.compile(r"(\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|\+00:00)", re.ASCII)


def iso_millis(unix: float) -> str:
    """Unix seconds as `2025-07-25T15:45:00.000Z`, rounded to the millisecond."""
    millis = round(unix * 1000)
    return f"{_second(millis // 1000)}.{millis % 1000:03d}Z"


@lru_cache(maxsize=64)
def _second(unix: int) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat()[:19]


def parse_iso(text: str) -> float:
    """Unix seconds of an ISO time with whole seconds or up to nine decimals. Raises ValueError otherwise."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"not an ISO 8601 time in UTC, with Z or +00:00: {text[:40]!r}")
    whole = datetime.fromisoformat(f"{match[1]}+00:00").timestamp()
    return whole + float(f"0.{match[2] or 0}")


def iso_or_none(value: object) -> float | None:
    """Unix seconds of an ISO time; None for everything else."""
    try:
        return parse_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)  # many answers of a run have the same second
def parse_http_date(text: str | None) -> float | None:
    """Unix seconds of a Date header; None if it is absent or no date."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError):
        return None
