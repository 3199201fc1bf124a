"""generate-session refuses bad JWTs and wrong accounts."""

from itertools import cycle

from contracts.session_token import wire
from harness.effects import Effect
from scenarios.cast.bad_jwts import expired_jwt, forged_jwts
from scenarios.cast.cast import CLIENT, Cast
from scenarios.cast.sessions import user_key
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


@story(does={Effect.MINT, Effect.MALFORMED, Effect.FORGE}, operations=("generateSession",))
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
    for name, forged in forged_jwts(cast, user.jwt).items():
        await cast.generates_session(name, user, jwt=forged)
    expired = expired_jwt(cast)
    if expired is not None:
        await cast.generates_session("expired JWT", user, jwt=expired)


@story(does={Effect.MINT, Effect.MALFORMED, Effect.FORGE}, operations=("generateSession",))
async def sessions_are_refused_for_wrong_accounts(cast: Cast) -> None:
    """The organiser asks for sessions for accounts of other people, and for ids that no account has."""
    # If no session can be minted at all, a refusal proves nothing.
    await cast.session()
    users = cycle(cast.others)
    for name, account_id in ILL_FORMED_ACCOUNTS.items():
        await cast.generates_session(f"ill-formed account/{name}", next(users), account_id=account_id)
    for name, body in ILL_FORMED_BODIES.items():
        user = next(users)
        call = wire.generate_session(user.jwt, 0).with_body(body)
        await cast.send(f"ill-formed body/{name}", CLIENT, call, key=user_key(user))
    if cast.can("role:outsider"):
        await cast.generates_session("foreign account", cast.organiser, account_id=cast.user("outsider").account_id)
