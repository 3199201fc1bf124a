"""Who may use a control plane: the holder of its token, from this machine, and no page of another origin.

A page that a developer has open elsewhere can send requests to this machine, also under a name of its own that leads
here (DNS rebinding). It never has the token, which is no cookie and travels with no request by itself; beside that,
what says that it comes from a page of another origin is refused.
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
    """Lets only the holder of the token through, and only from this machine.

    What lies below one of the `open_` paths (as `/inspector/`, relative to where the guard is mounted) needs no token:
    it must hold nothing that not everybody may read.
    """

    def __init__(self, app: Callable[..., Awaitable[None]], token: str, open_: Collection[str] = ()) -> None:
        self._app = app
        self._token = token.encode()
        self._open = tuple(open_)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request, or refuse it: 401, 403 or 421."""
        if scope["type"] == "http":
            refused = self._refusal(scope)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Any) -> JSONResponse | None:
        client = scope.get("client")
        if client is None or not _loopback(client[0]):
            return JSONResponse({"detail": "the control plane serves only this machine"}, 403)
        host, origin, site = (_header(scope, name) for name in (b"host", b"origin", b"sec-fetch-site"))
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        unguarded = path.startswith(self._open) if self._open else False
        if (unguarded or origin is not None or site is not None) and not _is_here(host or ""):
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
    """A header; of one that is there twice all values, which then equal nothing."""
    values = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return ", ".join(values) if values else None


def _is_here(host: str) -> bool:
    """Whether a Host header names this machine, by a name that leads nowhere else."""
    match = _HOST.fullmatch(host)
    return match is not None and (match[1] == "localhost" or _loopback(match[1].strip("[]")))


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
