"""Where an answer redirects a browser to, resolved as a browser does."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urljoin, urlsplit

from harness.history import Exchange

_STRIPPED = re.compile(r"[\x00-\x20]+")
_REFRESH = re.compile(
    r"""<meta[^>]+http-equiv\s*=\s*["']?refresh["']?[^>]*content\s*=\s*["'][^"'>]*url\s*=\s*([^"'>\s]+)""",
    re.IGNORECASE,
)


def redirect_of(exchange: Exchange) -> str | None:
    """The absolute URL that an answer redirects to (Location, Refresh, or a meta tag); None if it does not redirect."""
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
    """A URL reference as a browser resolves it: without control characters, with slashes for backslashes."""
    head, mark, query = _STRIPPED.sub("", target).partition("?")
    try:
        return urljoin(page, head.replace("\\", "/") + mark + query)
    except ValueError:
        return target


def host_of(url: str) -> str:
    """The host of a URL, in lower case; empty if there is none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def query_of(url: str) -> Mapping[str, str]:
    """The parameters in the query of a URL; empty if the URL is not valid."""
    try:
        return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
    except ValueError:
        return {}
