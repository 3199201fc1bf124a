"""Every fault shows in a tour, is counted, and is gone once disarmed; and what no tour can show."""

import asyncio
from collections.abc import Callable

import pytest

from contracts.session_token.wire import validate_session
from contracts.webhook.wire import event_status_changed, sign
from harness.http import Answer
from simulators.tuvens_api.faults import FAULTS
from tests.simulators import touring
from tests.simulators.tuvens_api.tour import ApiTour
from tests.simulators.tuvens_api.world import World

TIMING_LEAKS: dict[str, Callable[[World, str], Answer]] = {
    "secret-leaks-by-timing": lambda world, secret: world.validate("x", secret=secret),
    "signature-leaks-by-timing": lambda world, signature: world.send(event_status_changed(b"{}", signature)),
}
AGAIN = {*list(FAULTS)[::10], *(name for name, fault in FAULTS.items() if fault.at_start)}


@pytest.fixture(scope="module")
def honest() -> list[str]:
    return asyncio.run(touring.see_honest(ApiTour))


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_shows_in_a_tour_is_counted_and_ends(name: str, honest: list[str]) -> None:
    unseen, again = name in TIMING_LEAKS, name in AGAIN
    asyncio.run(touring.check(ApiTour, FAULTS[name], honest, unseen=unseen, again=again))


def test_two_honest_tours_are_equal(honest: list[str]) -> None:
    assert asyncio.run(touring.see_honest(ApiTour)) == honest


@pytest.mark.parametrize("name", TIMING_LEAKS)
def test_a_timing_leak_takes_longer_the_longer_the_common_beginning(sqlite: World, name: str) -> None:
    sqlite.api.faults.arm(name)
    right = sqlite.secret if name == "secret-leaks-by-timing" else sign(sqlite.secret, b"{}")

    def fastest(given: str) -> float:
        timings = [TIMING_LEAKS[name](sqlite, given).header("server-timing") or "" for _ in range(5)]
        return min(float(timing.rpartition("=")[2]) for timing in timings)

    assert fastest(right[:-1]) > fastest("x" + right[1:]) + 2


def test_a_hanging_api_answers_nothing_until_the_caller_leaves(sqlite: World) -> None:
    sqlite.api.faults.arm("tuvens-api-hangs")

    async def ask() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await sqlite._send(validate_session(sqlite.secret, "x"), ())

    sqlite.runner.run(ask())
    (exchange,) = sqlite.control("GET", "/journal")["exchanges"]
    assert exchange["status"] is None
    assert "before an answer" in exchange["error"]
    assert exchange["faults"] == ["tuvens-api-hangs"]


def test_a_trouble_of_three_times_ends_by_itself(sqlite: World) -> None:
    sqlite.control("PUT", "/faults/webhook-answers-503", {"times": 3})
    assert [sqlite.deliver().status for _ in range(4)] == [503, 503, 503, 200]
