"""JWTs that tuvens-api must refuse: forged ones and an expired one."""

import base64
import json
import secrets
from collections.abc import Callable, Mapping

import jwt as pyjwt

from harness.redact import jwt_claims
from scenarios.cast.cast import Cast


def forged_jwts(cast: Cast, token: str) -> Mapping[str, str]:
    """Forgeries of a JWT, by what is wrong with each; empty if the token is not a JWT with JSON claims."""
    if jwt_claims(token) is None:
        return {}
    return {name: cast.hide("jwt", forge(token)) for name, forge in _FORGERIES.items()}


def expired_jwt(cast: Cast) -> str | None:
    """A JWT of the organiser that has expired by tuvens-api's clock: the deployment's, or made with its signing key;
    None without either."""
    user = cast.organiser
    if user.expired_jwt and not _is_in_force(user.expired_jwt, cast.now_at("tuvens-api")):
        return user.expired_jwt
    claims = jwt_claims(user.jwt)
    if not cast.deployment.jwt_secret or claims is None:
        return None
    now = int(cast.now_at("tuvens-api"))
    # Ten minutes: more than the clocks of several instances may differ.
    claims = {**claims, "iat": now - 7_200, "exp": now - 600}
    return cast.hide("jwt", pyjwt.encode(claims, cast.deployment.jwt_secret, algorithm="HS256"))


def _is_in_force(token: str, now: float) -> bool:
    ends = (jwt_claims(token) or {}).get("exp")
    return isinstance(ends, int | float) and ends > now


def _claims(token: str) -> dict[str, object]:
    claims = jwt_claims(token)
    assert claims is not None  # checked before anything is forged
    return claims


def _signed_with_another_key(token: str) -> str:
    return pyjwt.encode(_claims(token), secrets.token_urlsafe(48), algorithm="HS256")


def _with_claims(token: str, **changes: object) -> str:
    """The same header and signature, with other claims."""
    head, _, signature = token.split(".")
    return f"{head}.{_encoded({**_claims(token), **changes})}.{signature}"


def _unsigned(token: str, algorithm: str) -> str:
    return f"{_encoded({'alg': algorithm, 'typ': 'JWT'})}.{token.split('.')[1]}."


def _with_another_character(token: str) -> str:
    # Not the last character: in base64url some of its bits mean nothing.
    at = len(token) - 10
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def _with_half_a_signature(token: str) -> str:
    """Still valid base64url: a malformed JWT is another case."""
    rest, _, signature = token.rpartition(".")
    return f"{rest}.{signature[: len(signature) // 8 * 4]}"


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


OTHER_KEY = "wrongly signed JWT/other key"
_FORGERIES: dict[str, Callable[[str], str]] = {
    OTHER_KEY: _signed_with_another_key,
    "wrongly signed JWT/changed signature": _with_another_character,
    "wrongly signed JWT/cut signature": _with_half_a_signature,
    "wrongly signed JWT/changed claims": lambda token: _with_claims(token, admin=True),
    "wrongly signed JWT/later expiry": lambda token: _with_claims(token, exp=4_102_444_800),
    "unsigned JWT/none": lambda token: _unsigned(token, "none"),
    "unsigned JWT/None": lambda token: _unsigned(token, "None"),
    "unsigned JWT/no signature": lambda token: token.rpartition(".")[0] + ".",
}
