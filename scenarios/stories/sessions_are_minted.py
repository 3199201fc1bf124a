"""Session tokens are minted, and sampled for their randomness."""

from contracts.session_token.randomness import sample_statistics
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.catalogue import story

_SAMPLE = 48


@story(does={Effect.MINT}, operations=("generateSession",))
async def sessions_are_minted(cast: Cast) -> None:
    """The organiser asks for a session for an account, twice."""
    user = cast.organiser
    await cast.generates_session("first", user)
    await cast.generates_session("second", user)


@story(does={Effect.MINT, Effect.LOAD}, phase=Phase.ALONE, operations=("generateSession",))
async def tokens_are_sampled(cast: Cast) -> None:
    """Users ask for as many session tokens as their limits allow without a wait; all that the run has seen are
    compared."""
    sessions, minted = cast.stage.sessions, cast.stage.sessions.minted
    limit = cast.stage.rate_limits.requests_a_minute("generateSession")
    each_may = _SAMPLE if limit is None else max(limit // 2, 1)
    for user in cast.deployment.users:
        for _ in range(int(min(each_may, sessions.free_turns(user), _SAMPLE - len(minted)))):
            await sessions.mint(user, cast.step("sample"))
    exchanges = [each.exchange for each in minted]
    cast.observe("sample statistics", {**sample_statistics([each.token for each in minted]), "exchanges": exchanges})
