"""Whom generate-session refuses, and what it refuses."""

import base64
import json
import secrets
from collections.abc import Callable
from itertools import cycle

import jwt as pyjwt

from contracts.session_token import wire
from harness.redact import jwt_claims
from harness.story import StoryStoppedError
from scenarios.cast.cast import CLIENT, Cast
from scenarios.cast.stage import user_key
from scenarios.catalogue import story

ILL_FORMED_ACCOUNTS = {
    "null": None,
    "text": "abc",
    "digits as text": "123",
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "true": True,
    "list": [123],
    "object": {"id": 123},
}
ILL_FORMED_BODIES = {
    "no body": b"",
    "empty object": b"{}",
    "not JSON": b'{"account_id": ',
    "a list": b"[123]",
    "a number": b"123",
}


@story(operations=("generateSession",))
async def sessions_are_refused_without_a_valid_jwt(cast: Cast) -> None:
    """Strangers ask for a session: without a JWT, with a damaged one, with one that nobody signed."""
    user = cast.organiser
    await cast.generates_session("no JWT", user, jwt=None)
    call = wire.generate_session(None, user.account_id)
    for name, value in (("basic", "Basic dXNlcjpwYXNzd29yZA=="), ("empty bearer", "Bearer")):
        await cast.send(f"no JWT, {name}", CLIENT, call.with_header("Authorization", value), key=None)
    for name, text in (
        ("one word", "nonsense"),
        ("two parts", "a.b"),
        ("four parts", "a.b.c.d"),
        ("bytes", "\u00e9.\u00e9.x"),
    ):
        await cast.generates_session(f"malformed JWT/{name}", user, jwt=text)
    body = wire.generate_session(None, user.account_id).with_body(b'{"account_id": "x"}')
    await cast.send("no JWT and ill-formed", CLIENT, body, key=None)
    if jwt_claims(user.jwt) is not None:
        for name, forge in _FORGERIES.items():
            forged = forge(user.jwt)
            cast.stage.recorder.redactor.register("jwt", forged)
            await cast.generates_session(name, user, jwt=forged)
    expired = expired_jwt(cast)
    if expired is not None:
        await cast.generates_session("expired JWT", user, jwt=expired)


@story(operations=("generateSession",))
async def sessions_are_refused_for_wrong_accounts(cast: Cast) -> None:
    """The organiser asks for sessions for accounts of others, and for what is no account at all."""
    # Where no session can be had at all, no refusal says anything.
    await cast.session()
    # Each of these counts against a user's ten a minute, so the users take turns.
    users = cycle(cast.deployment.users[:6])
    for name, account_id in ILL_FORMED_ACCOUNTS.items():
        await cast.generates_session(f"ill-formed account/{name}", next(users), account_id=account_id)
    for name, body in ILL_FORMED_BODIES.items():
        user = next(users)
        call = wire.generate_session(user.jwt, 0).with_body(body)
        await cast.send(f"ill-formed body/{name}", CLIENT, call, key=user_key(user))
    if cast.can("role:outsider"):
        await cast.generates_session("foreign account", cast.organiser, account_id=cast.user("outsider").account_id)


def _with_payload(token: str, **changes: object) -> str:
    """The same header and signature over other claims."""
    head, _, signature = token.split(".")
    claims = {**_claims(token), **changes}
    return f"{head}.{_encoded(claims)}.{signature}"


def _encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _claims(token: str) -> dict[str, object]:
    claims = jwt_claims(token)
    if claims is None:
        raise StoryStoppedError("the user's JWT has no claims that can be read, so none can be forged from it")
    return claims


def signed_by_another(token: str) -> str:
    """The claims of a JWT under a key that nobody knows."""
    return pyjwt.encode(_claims(token), secrets.token_urlsafe(48), algorithm="HS256")


def _unsigned(token: str, algorithm: str) -> str:
    return f"{_encoded({'alg': algorithm, 'typ': 'JWT'})}.{token.split('.')[1]}."


def _other_character(token: str) -> str:
    # Not the last character: in base64url some of its bits mean nothing.
    at = len(token) - 10
    return token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]


def _cut(token: str) -> str:
    """With half of its signature, which is base64url all the same: what is malformed is another matter."""
    rest, _, signature = token.rpartition(".")
    return f"{rest}.{signature[: len(signature) // 8 * 4]}"


_FORGERIES: dict[str, Callable[[str], str]] = {
    "wrongly signed JWT/other key": signed_by_another,
    "wrongly signed JWT/changed signature": _other_character,
    "wrongly signed JWT/cut signature": _cut,
    "wrongly signed JWT/changed claims": lambda token: _with_payload(token, admin=True),
    "wrongly signed JWT/later expiry": lambda token: _with_payload(token, exp=4_102_444_800),
    "unsigned JWT/none": lambda token: _unsigned(token, "none"),
    "unsigned JWT/None": lambda token: _unsigned(token, "None"),
    "unsigned JWT/no signature": lambda token: token.rpartition(".")[0] + ".",
}


def expired_jwt(cast: Cast) -> str | None:
    """A JWT of the organiser that has expired: given, or made; None where there is none."""
    user = cast.organiser
    if user.expired_jwt:
        return user.expired_jwt
    claims = jwt_claims(user.jwt)
    if not cast.deployment.jwt_secret or claims is None:
        return None
    now = int(cast.now())
    # Ten minutes: more than clocks may differ.
    expired = pyjwt.encode(
        {**claims, "iat": now - 7_200, "exp": now - 600}, cast.deployment.jwt_secret, algorithm="HS256"
    )
    cast.stage.recorder.redactor.register("jwt", expired)
    return expired
