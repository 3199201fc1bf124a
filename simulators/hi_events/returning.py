"""The way back from the page to tuvens-client: which return URLs are allowed, and what is said on them."""

from collections.abc import Collection, Sequence
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from simulators.kit.origins import origin_of

CURRENT = ("status", "event_id", "hi_events_event_id", "account_id", "error_code", "error_message")
OLDER = ("success", "tuvens_event_id", "message")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def is_allowed(url: str, origins: Collection[str]) -> bool:
    """Whether a return URL is of one of the allowed origins, compared whole."""
    origin = origin_of(url)
    return origin is not None and origin in {origin_of(each) for each in origins}


def with_answer(url: str, answer: Sequence[tuple[str, str]]) -> str:
    """The return URL with the answer in its query; what the URL itself says under these names is dropped."""
    parts = urlsplit(url)
    reserved = {*CURRENT, *OLDER}
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in reserved]
    query = urlencode([*kept, *answer], quote_via=quote)
    path = quote(parts.path or "/", safe=_ASCII)
    return urlunsplit((parts.scheme, parts.netloc, path, query, quote(parts.fragment, safe=_ASCII)))


def success(event_id: str, hi_events_event_id: int, account_id: int) -> list[tuple[str, str]]:
    """What is said after an event was made, in both spellings."""
    return [
        ("status", "success"),
        ("event_id", event_id),
        ("hi_events_event_id", str(hi_events_event_id)),
        ("account_id", str(account_id)),
        ("success", "true"),
        ("tuvens_event_id", event_id),
        ("message", "Ticketing was set up."),
    ]


def failure(code: str, message: str, event_id: str | None) -> list[tuple[str, str]]:
    """What is said after a failure, in both spellings."""
    event = [] if event_id is None else [("event_id", event_id), ("tuvens_event_id", event_id)]
    return [
        ("status", "error"),
        ("error_code", code),
        ("error_message", message),
        ("success", "false"),
        ("message", message),
        *event,
    ]


def cancelled(event_id: str | None) -> list[tuple[str, str]]:
    """What is said when a person leaves the page without setting up ticketing."""
    event = [] if event_id is None else [("event_id", event_id), ("tuvens_event_id", event_id)]
    return [("status", "cancelled"), ("success", "false"), ("message", "Ticketing was not set up."), *event]
