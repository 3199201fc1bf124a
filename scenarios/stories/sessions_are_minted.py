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
    """Users ask for as many session tokens as their limits allow; all that the run has seen are compared."""
    users = [cast.organiser, *(each for each in cast.deployment.users if each.role != "organiser")]
    limit = cast.stage.rate_limits.requests_a_minute("generateSession")
    each_may = _SAMPLE if limit is None else max(limit // 2, 1)
    minted = cast.stage.sessions.minted
    for user in users:
        for _ in range(min(each_may, _SAMPLE - len(minted))):
            await cast.stage.sessions.mint(user, cast.step("sample"))
    exchanges = [each.exchange for each in minted]
    cast.observe("sample statistics", {**sample_statistics([each.token for each in minted]), "exchanges": exchanges})
