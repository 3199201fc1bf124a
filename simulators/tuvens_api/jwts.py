"""User JWTs: HS256 and nothing else, expiry by the simulator's clock."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt

from simulators.seed import SeedUser

LIFETIME = 86_400
PROBLEMS = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)
"""What PyJWT raises for a token that it cannot read."""

UNCHECKED: Any = {"verify_signature": False}
_SIGNATURE_ONLY: Any = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}


class JwtRefused(Exception):  # noqa: N818  # an answer, not a failure
    """The JWT is not accepted; the text says why and repeats nothing of it."""


def mint_jwt(secret: str, user: SeedUser, now: float, lifetime: float = LIFETIME) -> str:
    """A JWT for a seeded user, valid from `now` (Unix seconds) for `lifetime` seconds."""
    claims = {"sub": user.sub, "email": user.email, "iat": int(now), "exp": int(now + lifetime)}
    return jwt.encode(claims, secret, algorithm="HS256")


class JwtReader:
    """Reads the JWTs that are signed with one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def subject(self, token: str, now: float) -> str:
        """The subject of a JWT that is in force at `now` (Unix seconds). Raises JwtRefused."""
        claims = self.claims(token)
        expires = _number(claims.get("exp"))
        if expires is None:
            raise JwtRefused("the JWT has no expiry")
        if self.is_expired(expires, now):
            raise JwtRefused("the JWT has expired")
        starts = claims.get("nbf")
        if starts is not None and (_number(starts) is None or now < float(starts)):
            raise JwtRefused("the JWT is not yet in force")
        subject = claims.get("sub")
        if not isinstance(subject, str):
            raise JwtRefused("the JWT names no user")
        return subject

    def claims(self, token: str) -> Mapping[str, Any]:
        """The claims of a rightly signed JWT. Raises JwtRefused."""
        try:
            return _verified(token, self._secret)
        except PROBLEMS:
            raise JwtRefused("the JWT is malformed or wrongly signed") from None

    def is_expired(self, expires: float, now: float) -> bool:
        """Whether a JWT with this expiry is over."""
        return now >= expires


@lru_cache(maxsize=1024)
def _verified(token: str, secret: str) -> Mapping[str, Any]:
    """The claims under a right signature, which stays right: a user's next request sends the same token."""
    return jwt.decode(token, secret, algorithms=["HS256"], options=_SIGNATURE_ONLY)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
