"""Errors that need not be the application's own: reverse proxies and routers answer, too."""

import re
from urllib.parse import urlsplit

from harness.history import Exchange

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
    odd_header = any(len(value) > _LONG_HEADER or not value.isascii() for _, value in exchange.request_headers)
    odd_path = _ODD_PATH.search(urlsplit(exchange.url).path) is not None
    return exchange.status in (400, 404) and (odd_header or odd_path)
