"""The own server of tuvens-client generates sessions for its pages."""

from contracts.client_session.wire import wrap_generate_session
from harness.deployment import User
from harness.redact import jwt_claims
from scenarios.cast.cast import Cast
from scenarios.catalogue import story
from scenarios.stories.sessions_are_refused import expired_jwt, signed_by_another

_ILL_FORMED = {"missing": b"{}", "text": b'{"account_id":"abc"}', "zero": b'{"account_id":0}'}


@story(needs=("target:tuvens-client",), operations=("wrapGenerateSession", "generateSession"))
async def sessions_are_wrapped(cast: Cast) -> None:
    """Pages of tuvens-client ask their own server for sessions: for the organiser, for nobody, with a bad JWT, for
    wrong accounts; hi.events looks at the session that came of it."""
    organiser = cast.organiser
    first = cast.token_of(await cast.wraps_session("first", organiser))
    await _tells_whose(cast, organiser, first)
    other = next((each for each in cast.deployment.users if _shares_account(each, organiser)), None)
    if other is not None:
        # What a server kept of the first one would be served to the second.
        await _tells_whose(cast, other, cast.token_of(await cast.wraps_session("second", other)))
    # After a session was generated: what a server kept of it would show.
    await cast.wraps_session("no JWT", organiser, jwt=None)
    await cast.wraps_session("invalid JWT/nonsense", organiser, jwt="nonsense")
    if jwt_claims(organiser.jwt) is not None:
        forged = signed_by_another(organiser.jwt)
        cast.stage.recorder.redactor.register("jwt", forged)
        await cast.wraps_session("invalid JWT/other key", organiser, jwt=forged)
    expired = expired_jwt(cast)
    if expired is not None:
        await cast.wraps_session("expired JWT", organiser, jwt=expired)
    # Each of these counts against a user's ten a minute, so the users take turns.
    users = cast.deployment.users[:6]
    for number, (name, body) in enumerate(_ILL_FORMED.items()):
        call = wrap_generate_session(None, 0).with_body(body)
        await cast.wraps_session(f"ill-formed account/{name}", users[number % len(users)], body=call.body)
    if cast.can("role:outsider"):
        await cast.wraps_session("foreign account", organiser, account_id=cast.user("outsider").account_id)


async def _tells_whose(cast: Cast, user: User, token: str | None) -> None:
    """Hi.Events asks whose session it is; the step ends with the user's place among the deployment's."""
    if token is not None and cast.can("target:tuvens-api"):
        await cast.validates(f"whose session/{cast.deployment.users.index(user)}", token)


def _shares_account(user: User, organiser: User) -> bool:
    return user.jwt != organiser.jwt and user.account_id == organiser.account_id
