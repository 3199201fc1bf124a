"""The own server of tuvens-client generates sessions for its pages."""

from contracts.client_session.wire import wrap_generate_session
from harness.redact import jwt_claims
from scenarios.cast import Cast
from scenarios.catalogue import story
from scenarios.sessions_are_refused import expired_jwt, signed_by_another

_ILL_FORMED = {"missing": b"{}", "text": b'{"account_id":"abc"}', "zero": b'{"account_id":0}'}


@story(needs=("target:tuvens-client",), operations=("wrapGenerateSession", "generateSession"))
async def sessions_are_wrapped(cast: Cast) -> None:
    """Pages of tuvens-client ask their own server for sessions: for the organiser, for nobody, with a bad JWT, for
    wrong accounts; hi.events looks at the session that came of it."""
    organiser = cast.organiser
    first = await cast.wraps_session("first", organiser)
    token = cast.token_of(first)
    if token is not None and cast.can("target:tuvens-api"):
        await cast.validates("whose session", token)
    # After a session was generated: what a server kept of it would show.
    await cast.wraps_session("no JWT", organiser, jwt=None)
    await cast.wraps_session("invalid JWT/nonsense", organiser, jwt="nonsense")
    if jwt_claims(organiser.jwt) is not None:
        forged = signed_by_another(organiser.jwt)
        cast.stage.recorder.book.learn("jwt", forged)
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
