"""CORS of tuvens-api: exactly the origins of the deployment, with credentials."""

from collections.abc import Collection, Sequence

from simulators.kit.messages import Header, Request

_VARY: Header = (b"vary", b"Origin")
_CREDENTIALS: Header = (b"access-control-allow-credentials", b"true")
_EXPOSED: Header = (
    b"access-control-expose-headers",
    b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After",
)
_ALLOWED: Header = (
    b"access-control-allow-headers",
    b"Authorization, Content-Type, X-Session-Token, X-Shared-Secret",
)


class Cors:
    """The CORS headers of every response."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def headers(self, request: Request) -> Sequence[Header]:
        """The headers of a response."""
        allowed = self.allowed_origin(request.header("origin"))
        if allowed is None:
            return (_VARY,)
        admitted = (b"access-control-allow-origin", allowed.encode("latin-1"))
        if request.method == "OPTIONS":
            return (_VARY, admitted, _CREDENTIALS)
        return (_VARY, admitted, _CREDENTIALS, _EXPOSED)

    def preflight(self, request: Request) -> Sequence[Header]:
        """What an admitted origin may send."""
        if request.header("access-control-request-method") is None:
            return ()
        if self.allowed_origin(request.header("origin")) is None:
            return ()
        methods = (b"access-control-allow-methods", self.methods().encode())
        return (methods, _ALLOWED, (b"access-control-max-age", b"600"))

    def allowed_origin(self, origin: str | None) -> str | None:
        """The origin that the response admits; None admits none."""
        return origin if origin in self._origins else None

    def methods(self) -> str:
        """The methods that pages may use."""
        return "GET, POST, PATCH"
