"""Who may use the signing proxy: no page of another site, and where a token is required, nobody without it.

Any page in a browser can send requests to this machine, and so can any of its users; the proxy would give both real
credentials.
"""

import hmac
import json
from collections.abc import Collection, Iterator
from typing import Any
from urllib.parse import urlsplit

from scenarios.tools.loopback import App

TOKEN_HEADER = "x-crossapp-token"
"""The header that carries the token; it is not forwarded."""

_OURS = ("same-origin", "none")


def origins_of(ports: Collection[int]) -> frozenset[str]:
    """The origins of pages that are served on these ports of this machine."""
    return frozenset(f"http://{host}:{port}" for host in ("127.0.0.1", "localhost") for port in ports)


def guarded(app: App, origins: Collection[str], token: str) -> App:
    """An ASGI application that refuses what a page of another site sends (403), and with a `token` whatever does not
    carry it (401). `origins` are those whose pages may send requests."""

    async def guard(scope: Any, receive: Any, send: Any) -> None:
        if _is_foreign(scope, origins):
            await _refuse(
                send, 403, "a page of another site may not use the proxy", "Open the proxied pages themselves."
            )
        elif token and not any(_equal(each, token) for each in _values(scope, TOKEN_HEADER)):
            await _refuse(
                send,
                401,
                f"the header {TOKEN_HEADER} is missing or wrong",
                "Send the token that crossapp proxy printed at its start.",
            )
        else:
            await app(_without_token(scope), receive, send)

    return guard


def _is_foreign(scope: Any, origins: Collection[str]) -> bool:
    """Whether the headers that a browser sets, and no page can change, name a page of another site."""
    named = list(_values(scope, "origin"))
    if any(each not in origins for each in named):
        return True
    sites = [each for each in _values(scope, "sec-fetch-site") if each not in _OURS]
    if not sites or named:
        return any(each == "cross-site" for each in sites)
    # A link from the pages of one proxied application to another one.
    return sites != ["same-site"] or not any(_origin(each) in origins for each in _values(scope, "referer"))


def _equal(given: str, token: str) -> bool:
    return hmac.compare_digest(given.encode("latin-1"), token.encode())


def _values(scope: Any, name: str) -> Iterator[str]:
    return (value.decode("latin-1") for key, value in scope["headers"] if key == name.encode())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _without_token(scope: Any) -> Any:
    kept = [
        each for each in zip(scope["sent.names"], scope["headers"], strict=True) if each[1][0] != TOKEN_HEADER.encode()
    ]
    return {**scope, "sent.names": [name for name, _ in kept], "headers": [header for _, header in kept]}


async def _refuse(send: Any, status: int, error: str, remedy: str) -> None:
    body = json.dumps({"error": error, "remedy": remedy}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-crossapp-proxy", b"not forwarded"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
