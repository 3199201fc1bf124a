"""tuvens-client's own server generates sessions for its pages."""

from itertools import cycle

from contracts.client_session.wire import wrap_generate_session
from harness.deployment import User
from harness.effects import Effect
from scenarios.cast.bad_jwts import OTHER_KEY, expired_jwt, forged_jwts
from scenarios.cast.cast import Cast
from scenarios.catalogue import story

_ILL_FORMED = {"missing": b"{}", "text": b'{"account_id":"abc"}', "zero": b'{"account_id":0}'}


@story(
    does={Effect.READ, Effect.MINT},
    also={Effect.MALFORMED, Effect.FORGE},
    needs=("target:tuvens-client",),
    operations=("wrapGenerateSession", "generateSession"),
)
async def sessions_are_wrapped(cast: Cast) -> None:
    """Pages of tuvens-client ask their own server for sessions: for the organiser, for nobody, with a bad JWT, for
    wrong accounts; hi.events looks at the session that came of it."""
    organiser = cast.organiser
    first = cast.token_of(await cast.wraps_session("first", organiser))
    await _tells_whose(cast, organiser, first)
    other = next((each for each in cast.deployment.users if _shares_account(each, organiser)), None)
    if other is not None:
        # A server that caches sessions would hand the first one to the second user.
        await _tells_whose(cast, other, cast.token_of(await cast.wraps_session("second", other)))
    if not cast.can(Effect.FORGE):
        return
    # After the first session: a server that caches it would hand it out.
    await cast.wraps_session("no JWT", organiser, jwt=None)
    await cast.wraps_session("invalid JWT/nonsense", organiser, jwt="nonsense")
    forged = forged_jwts(cast, organiser.jwt).get(OTHER_KEY)
    if forged is not None:
        await cast.wraps_session("invalid JWT/other key", organiser, jwt=forged)
    expired = expired_jwt(cast)
    if expired is not None:
        await cast.wraps_session("expired JWT", organiser, jwt=expired)
    for user, (name, body) in zip(cycle(cast.others), _ILL_FORMED.items(), strict=False):
        call = wrap_generate_session(None, 0).with_body(body)
        await cast.wraps_session(f"ill-formed account/{name}", user, body=call.body)
    if cast.can("role:outsider"):
        await cast.wraps_session("foreign account", organiser, account_id=cast.user("outsider").account_id)


async def _tells_whose(cast: Cast, user: User, token: str | None) -> None:
    """Hi.Events asks whose session it is; the step ends with the user's index in the deployment."""
    if token is not None and cast.can("target:tuvens-api"):
        await cast.validates(f"whose session/{cast.deployment.users.index(user)}", token)


def _shares_account(user: User, organiser: User) -> bool:
    return user.jwt != organiser.jwt and user.account_id == organiser.account_id
