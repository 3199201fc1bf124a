"""Times as the contract writes them: ISO 8601, UTC, always with Z."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_ISO = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", re.ASCII)


def iso_millis(unix: float) -> str:
    """Unix seconds as `2025-07-25T15:45:00.000Z`, rounded to the millisecond."""
    millis = round(unix * 1000)
    return f"{datetime.fromtimestamp(millis // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{millis % 1000:03d}Z"


def parse_iso(text: str) -> float:
    """Unix seconds of an ISO time with whole seconds or up to nine decimals. Raises ValueError otherwise."""
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"not an ISO 8601 time in UTC with Z: {text[:40]!r}")
    whole = datetime.strptime(match[1], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp()
    return whole + float(f"0.{match[2] or 0}")


def parse_http_date(text: str | None) -> float | None:
    """Unix seconds of a Date header; None for one that is absent or no date, whatever it is."""
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except (ValueError, OverflowError):
        return None
