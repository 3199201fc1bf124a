"""The user's JWT, which tuvens-client passes on and does not check itself."""

import re
from urllib.parse import unquote

from simulators.kit.messages import Request

COOKIE = "jwt"
_SENDABLE = re.compile(r"[!-~]+")


class PassThrough:
    """Admits everybody: tuvens-api checks the JWT that the server route passes on."""

    def check(self, request: Request) -> None:
        """Refuse nothing."""


def user_jwt(request: Request) -> str | None:
    """The JWT of the Authorization header, else of the cookie `jwt`; None without one that a header could carry on."""
    given = (request.header("authorization") or "").strip()
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        found = token.strip()
    else:
        found = cookie(request.header("cookie") or "", COOKIE)
    return found if _SENDABLE.fullmatch(found) else None


def cookie(header: str, name: str) -> str:
    """The value of a cookie, empty where there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return unquote(value.strip('"'))
    return ""
