"""Recognises responses that a proxy, a gateway or a redirect gave in the application's place."""

from urllib.parse import urlsplit

from harness.history import Exchange

GATEWAY_ERRORS = frozenset({502, 503, 504, *range(520, 531)})
"""Bad Gateway, Service Unavailable, Gateway Timeout (RFC 9110, 15.6), and the 52x of a well-known CDN."""
_LIMITS = {413: "the size of bodies", 414: "the length of URLs", 431: "the size of headers"}
_FIREWALL = frozenset({403, 406})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def media_type(exchange: Exchange) -> str:
    """The media type of the response, in lower case and without parameters; empty if there is none."""
    return (exchange.header("content-type") or "").partition(";")[0].strip().lower()


def is_json(exchange: Exchange) -> bool:
    """Whether the response says that it is JSON (application/json or a type that ends in +json)."""
    kind = media_type(exchange)
    return kind == "application/json" or kind.endswith("+json")


def front_of(exchange: Exchange) -> str:
    """What responded in place of the application, as a sentence with a remedy; empty if it may be the application.

    A front is recognised by a redirect to the same path at another address, and by an error of a gateway that is not
    JSON. An application that responds so itself cannot be told from a front: no rule is decided by such a response.
    """
    location = exchange.header("location") or ""
    if exchange.status in _REDIRECTS and location:
        here, there = urlsplit(exchange.url), urlsplit(location)
        if there.netloc and (here.scheme, here.netloc) != (there.scheme, there.netloc) and here.path == there.path:
            new = f"{there.scheme or here.scheme}://{there.netloc}"
            return (
                f"a redirect ({exchange.status}) to {new} responded, not {exchange.callee}: use that address as its "
                f"url in the deployment file"
            )
    if exchange.status in GATEWAY_ERRORS and not is_json(exchange):
        return (
            f"a gateway responded ({_described(exchange)}), not {exchange.callee}: check that it runs and that the "
            f"gateway reaches it; if the gateway limits the rate of requests, set safety.requests_a_second"
        )
    return ""


def refusal_of_front(exchange: Exchange) -> str:
    """What may have refused a request before the application saw it, as a sentence with a remedy; empty if it was the
    application.

    Recognised are the limits of HTTP servers and proxies (413, 414, 431: RFC 9110 and RFC 6585) and the page of a
    firewall (403, 406) where JSON was asked for, if they are not JSON. A rule that wants such a status may hold by it;
    no rule is broken by it.
    """
    if is_json(exchange):
        return ""
    if exchange.status in _LIMITS:
        return (
            f"a proxy or the HTTP server responded ({_described(exchange)}), and {exchange.callee} did not see the "
            f"request: increase its limit for {_LIMITS[exchange.status]}"
        )
    asked = next((value for name, value in exchange.request_headers if name.lower() == "accept"), "")
    if exchange.status in _FIREWALL and media_type(exchange) == "text/html" and "json" in asked:
        return (
            f"a firewall or gateway responded ({_described(exchange)}), as far as can be told, and {exchange.callee} "
            f"did not see the request: let requests of crossapp pass"
        )
    return ""


def _described(exchange: Exchange) -> str:
    server = exchange.header("server")
    kind = media_type(exchange) or "no media type"
    return f"{exchange.status}, {kind}{f', server: {server[:40]}' if server else ''}"
