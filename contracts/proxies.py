"""Errors that need not be of the route: reverse proxies, routers and the parsers of bodies answer, too."""

import re
from urllib.parse import urlsplit

from harness.history import Exchange
from harness.http import WireError, header, read_json

_STATUSES = frozenset({405, 413, 414, 431, 502, 503, 504})
_PROBE = "every_route_is_probed"
# nginx refuses header lines above 8 KiB.
_LONG_HEADER = 8_000
_ODD_PATH = re.compile(r"%2f|%5c|%00|%2e", re.IGNORECASE)


def may_come_from_a_proxy(exchange: Exchange) -> bool:
    """Whether a proxy or router may have answered with this error.

    That is so for statuses that proxies give, for a 404 to the probe of a route, and for a 400 or 404 to requests that
    proxies refuse: with a header that is very long or not ASCII, or a path with encoded slashes, dots or NUL.
    """
    if exchange.status in _STATUSES:
        return True
    if exchange.status == 404 and exchange.step.partition("/")[0] == _PROBE:
        return True
    if exchange.status not in (400, 404):
        return False
    odd_header = any(len(value) > _LONG_HEADER or not value.isascii() for _, value in exchange.request_headers)
    odd_path = _ODD_PATH.search(urlsplit(exchange.url).path) is not None
    return odd_header or odd_path


def may_come_from_a_parser(exchange: Exchange) -> bool:
    """Whether the parser of bodies may have answered with this error, before the route saw the request.

    That is so for 413 and 415, and for a 400 to a body that is no JSON object or list, or of another media type.
    """
    if exchange.status in (413, 415):
        return True
    return exchange.status == 400 and not _is_parsed(exchange)


def _is_parsed(exchange: Exchange) -> bool:
    media_type = (header(exchange.request_headers, "Content-Type") or "").partition(";")[0].strip().lower()
    if not exchange.request_body:
        return True
    try:
        value = read_json(exchange.request_body)
    except WireError:
        return False
    return media_type == "application/json" and isinstance(value, dict | list)
