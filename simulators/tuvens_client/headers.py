"""Security headers of tuvens-client, and the content security policy of its pages."""

from collections.abc import Sequence

from simulators.kit.messages import Header, Request

_COMMON: tuple[Header, ...] = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class ClientHeaders:
    """The headers of pages and of the server route. `policy`: the content security policy of the pages."""

    def __init__(self, policy: str) -> None:
        self._policy = policy

    def headers(self, request: Request) -> Sequence[Header]:
        """The headers of every response: nobody frames a page, and nothing is cached."""
        operation = request.operation
        if operation is not None and operation.base == "api":
            return _COMMON
        return [*_COMMON, (b"referrer-policy", b"strict-origin-when-cross-origin"), *self.protection()]

    def protection(self) -> Sequence[Header]:
        """What keeps foreign scripts and frames out of a page."""
        return [(b"x-frame-options", b"DENY"), (b"content-security-policy", self._policy.encode())]

    def preflight(self, request: Request) -> Sequence[Header]:
        """None: tuvens-client admits no other origin."""
        return ()


def policy(*, frames: str, connects: str) -> str:
    """The content security policy of the pages: own scripts and styles, tuvens-api's events, hi.events' embeds.

    frames, connects: the origins that the pages frame and call.
    """
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        f"connect-src 'self' {connects}; frame-src {frames}; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )
