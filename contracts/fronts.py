"""What stands before an application, a router or a proxy, and answers by itself."""

import re
from urllib.parse import urlsplit

from harness.history import Exchange

_STATUSES = frozenset({405, 413, 414, 431, 502, 503, 504})
_PROBE = "every_route_is_probed"
# nginx, for one, takes no header line above 8 KiB.
_LONG_HEADER = 8_000
_ODD_PATH = re.compile(r"%2f|%5c|%00|%2e", re.IGNORECASE)


def may_be_of_a_front(exchange: Exchange) -> bool:
    """Whether an error need not be the application's own.

    It has a status that fronts give; it is a 404 for a route that was only probed; or a 400 or 404 for what fronts
    refuse by themselves: a header that is very long or not ASCII, a path with encoded slashes, dots or NUL.
    """
    if exchange.status in _STATUSES:
        return True
    if exchange.status == 404 and exchange.step.partition("/")[0] == _PROBE:
        return True
    return exchange.status in (400, 404) and _is_refused_by_fronts(exchange)


def _is_refused_by_fronts(exchange: Exchange) -> bool:
    odd_header = any(len(value) > _LONG_HEADER or not value.isascii() for _, value in exchange.request_headers)
    return odd_header or _ODD_PATH.search(urlsplit(exchange.url).path) is not None
