"""Access control of a control plane: the holder of its token, from this machine unless it is served to others, and no
page of another origin.

Any page in a developer's browser can send requests to this machine, also by DNS rebinding. It does not have the token,
which is not a cookie; requests that carry another Origin or Sec-Fetch-Site are refused as well.
"""

import hmac
import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection
from typing import Any

from starlette.responses import JSONResponse

_HOST = re.compile(r"(localhost|[0-9.]+|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
_SAME = ("same-origin", "none")


class TokenGuard:
    """ASGI middleware that admits only requests with the token, and only from this machine unless `anywhere`.

    Paths below one of `open_` (such as `/inspector/`, relative to the mount point) need no token: they must be public.
    """

    def __init__(
        self, app: Callable[..., Awaitable[None]], token: str, open_: Collection[str] = (), *, anywhere: bool = False
    ) -> None:
        self._app = app
        self._token = token.encode()
        self._open = tuple(open_)
        self._anywhere = anywhere

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or refuse it with 401, 403 or 421."""
        if scope["type"] == "http":
            refused = self._refusal(scope)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Any) -> JSONResponse | None:
        client = scope.get("client")
        if not self._anywhere and (client is None or not _loopback(client[0])):
            return JSONResponse({"detail": "the control plane serves only this machine"}, 403)
        host, origin, site = (_header(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        unguarded = path.startswith(self._open) if self._open else False
        by_browser = unguarded or origin is not None or site is not None
        if by_browser and not self._anywhere and not _is_here(host or ""):
            return JSONResponse(
                {"detail": "this Host is not the control plane; call it by 127.0.0.1 or localhost and its port"}, 421
            )
        if origin is not None and origin != f"{scope.get('scheme', 'http')}://{host}":
            return JSONResponse({"detail": "a page of another origin may not use the control plane"}, 403)
        if unguarded:
            return None
        if site is not None and site not in _SAME:
            return JSONResponse({"detail": "a page of another site may not use the control plane"}, 403)
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) == 1 and hmac.compare_digest(given[0], b"Bearer " + self._token):
            return None
        return JSONResponse(
            {"detail": "Authorization: Bearer <control token> is missing or wrong"},
            401,
            {"WWW-Authenticate": "Bearer"},
        )


def _header(scope: Any, name: bytes) -> str | None:
    """A header; a repeated one with all its values joined, so that it equals no valid value."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(values) if values else None


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine by localhost or a loopback address."""
    match = _HOST.fullmatch(host)
    return match is not None and (match[1] == "localhost" or _loopback(match[1].strip("[]")))


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
