"""Where an answer sends a browser, read as a browser reads it."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urljoin, urlsplit

from harness.history import Exchange

_STRIPPED = re.compile(r"[\x00-\x20]+")
_REFRESH = re.compile(
    r"""<meta[^>]+http-equiv\s*=\s*["']?refresh["']?[^>]*content\s*=\s*["'][^"'>]*url\s*=\s*([^"'>\s]+)""",
    re.IGNORECASE,
)


def leads_to(exchange: Exchange) -> str | None:
    """The absolute URL to which an answer sends a browser (Location, Refresh, or such a meta tag); None for none."""
    target = None
    if exchange.status is not None and 300 <= exchange.status < 400:
        target = exchange.header("Location")
    refresh = exchange.header("Refresh") or ""
    if target is None and "url=" in refresh.lower():
        target = refresh[refresh.lower().index("url=") + 4 :].strip("'\" ")
    if target is None:
        match = _REFRESH.search(exchange.response_body.decode("utf-8", "replace"))
        target = match[1] if match is not None else None
    return None if target is None else absolute(target, exchange.url)


def absolute(target: str, page: str) -> str:
    """A URL reference as a browser resolves it: control characters dropped, backslashes taken for slashes."""
    head, mark, query = _STRIPPED.sub("", target).partition("?")
    try:
        return urljoin(page, head.replace("\\", "/") + mark + query)
    except ValueError:
        return target


def host_of(url: str) -> str:
    """The host that a URL leads to, in lower case; empty where there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def said(url: str) -> Mapping[str, str]:
    """The query of a return URL: what the page says on the way back."""
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}
