"""What an operation no longer gets costs its own answers: a story goes on with the others, but not for ever."""

import asyncio

import pytest

import openapi
from contracts.recording import recorder_for
from harness.deployment_file import build_deployment
from harness.history import Context, History, Outcome
from harness.story import Phase, Story
from harness.traffic_limits import OperationGoneError
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from tests.harness.hostile import HOSTILE, Behind, answering, serving

PATH = openapi.find("listUserAccounts").path


def deployment_at(url: str) -> dict[str, object]:
    return {
        "targets": {"tuvens-api": {"url": url, "rate_limits": dict.fromkeys(openapi.load("tuvens-api").operations, 0)}},
        "credentials": {"shared_secret": "a-secret-that-nobody-may-see"},
        "users": [{"role": "organiser", "account_id": 123, "jwt": "a-jwt-that-nobody-may-see"}],
    }


async def asked(cast: Cast, times: int) -> list[int | None]:
    """The statuses of so many questions to either route, in turn."""
    found = []
    for number in range(times):
        found.append((await cast.validates(f"validate {number}", "a-token-that-nobody-minted")).status)
        found.append((await cast.lists_accounts(f"accounts {number}", "a-token-that-nobody-minted")).status)
    return found


@pytest.mark.parametrize("times", [10, 100])
def test_a_story_goes_on_with_other_operations(times: int) -> None:
    history = History(Context("d", openapi.EDITION, {}, frozenset(), {}))

    async def main() -> list[int | None]:
        async with (
            serving(answering(b"{}", "404 Not Found")) as honest,
            serving(HOSTILE["2 MB"], behind=Behind(honest, PATH)) as url,
        ):
            value = deployment_at(url)
            deployment = build_deployment(value, apps=("tuvens-api",), editions=(openapi.EDITION,))
            recorder = recorder_for(deployment, history)
            stage = Stage(deployment, recorder)
            story = Story("a_story", "It asks.", lambda _: asyncio.sleep(0), Phase.SIDE_BY_SIDE)
            try:
                return await asked(Cast(stage, story), times)
            finally:
                await stage.close()

    if times == 100:
        with pytest.raises(OperationGoneError, match="more than is kept of an operation"):
            asyncio.run(main())
        return
    statuses = asyncio.run(main())
    assert statuses[::2] == [404] * times
    assert statuses[-1] is None
    last = history.one(f"a_story/accounts {times - 1}")
    assert last.outcome is Outcome.REFUSED
    assert "nothing more is sent there" in last.error
