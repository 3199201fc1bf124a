"""User JWTs: HS256 and nothing else, expiry by the simulator's clock."""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jwt

from simulators.kit.faults import FaultRuntime
from simulators.seed import SeedUser

LIFETIME = 86_400
_PROBLEMS = (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError)
_UNCHECKED: Any = {"verify_signature": False}
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
    """The JWT is not accepted; the text says why and repeats nothing of it. `malformed`: it is none at all."""

    def __init__(self, message: str, *, malformed: bool = False) -> None:
        super().__init__(message)
        self.malformed = malformed


def mint_jwt(secret: str, user: SeedUser, now: float, lifetime: float = LIFETIME) -> str:
    """A JWT for a seeded user, valid from `now` (Unix seconds) for `lifetime` seconds."""
    claims = {"sub": user.sub, "email": user.email, "iat": int(now), "exp": int(now + lifetime)}
    return jwt.encode(claims, secret, algorithm="HS256")


def read_jwt(token: str, secret: str, now: float, faults: FaultRuntime) -> str:
    """The subject of a JWT that is in force at `now`. Raises JwtRefused."""
    claims = _signed_claims(token, secret, faults)
    expires = _number(claims.get("exp"))
    if expires is None:
        raise JwtRefused("the JWT has no expiry")
    if now >= expires and not faults.on("jwt-expiry-ignored"):
        raise JwtRefused("the JWT has expired")
    starts = claims.get("nbf")
    if starts is not None and (_number(starts) is None or now < float(starts)):
        raise JwtRefused("the JWT is not yet in force")
    subject = claims.get("sub")
    if not isinstance(subject, str):
        raise JwtRefused("the JWT names no user")
    return subject


@lru_cache(maxsize=1024)
def _verified(token: str, secret: str) -> Mapping[str, Any]:
    """The claims under a right signature, which stays right: a user's next request asks for the same."""
    return jwt.decode(token, secret, algorithms=["HS256"], options=_SIGNATURE_ONLY)


def _signed_claims(token: str, secret: str, faults: FaultRuntime) -> Mapping[str, Any]:
    try:
        return _verified(token, secret)
    except _PROBLEMS:
        pass
    try:
        if _is_unsigned(token) and faults.on("jwt-alg-none-accepted"):
            return jwt.decode(token, options=_UNCHECKED)
        if faults.armed("jwt-signature-not-checked"):
            claims = jwt.decode(token, options=_UNCHECKED)
            if faults.on("jwt-signature-not-checked"):
                return claims
    except _PROBLEMS:
        pass
    raise JwtRefused("the JWT is malformed or wrongly signed", malformed=not _has_claims(token))


def _has_claims(token: str) -> bool:
    try:
        jwt.decode(token, options=_UNCHECKED)
    except _PROBLEMS:
        return False
    return True


def _is_unsigned(token: str) -> bool:
    try:
        return str(jwt.get_unverified_header(token).get("alg")).lower() == "none"
    except _PROBLEMS:
        return False


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
