"""What load faults do to requests: delay them, refuse them, and how many of them."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from simulators.kit.faults import Change, Fault
from simulators.kit.load_faults import delayed, failing, pooled
from simulators.kit.simulator import Simulator
from tests.simulators.kit.double import simulator


class Here:
    """A simulator with one load fault armed."""

    def __init__(self, change: Callable[[Simulator], Change]) -> None:
        self.simulator = simulator({"late": Fault("late", "tuvens-api", "Late.", change)}, ["late"])

    @property
    def fired(self) -> int:
        return self.simulator.faults.fired("late")

    def ask(self, path: str = "/api/events/11", *, at_once: int = 1) -> list[int]:
        """The statuses of so many requests at one moment."""

        async def all_of_them() -> list[int]:
            transport = httpx.ASGITransport(self.simulator.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x", trust_env=False) as client:
                found = await asyncio.gather(*(client.get(path) for _ in range(at_once)))
                return [each.status_code for each in found]

        return asyncio.run(all_of_them())


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        found.append(seconds)
        await real(0)

    # Of this module alone: servers that other tests keep running in threads sleep, too.
    monkeypatch.setattr("simulators.kit.load_faults.asyncio", SimpleNamespace(sleep=sleep))
    return found


def test_only_the_operations_that_are_named_wait(waited: list[float]) -> None:
    here = Here(lambda found: delayed(found, "getEvent", seconds=0.02))
    here.ask()
    here.ask("/api/cross-app/user-accounts?session_token=x")
    assert (waited, here.fired) == ([0.02], 1)


def test_one_in_so_many_is_delayed_or_refused(waited: list[float]) -> None:
    here = Here(lambda found: delayed(found, seconds=0.5, every=3))
    for _ in range(7):
        here.ask()
    assert (waited, here.fired) == ([0.5, 0.5], 2)
    here = Here(lambda found: failing(found, "getEvent", every=2, status=500, code="INTERNAL_ERROR"))
    assert [*here.ask(), *here.ask(), *here.ask()] == [200, 500, 200]
    assert here.fired == 1


def test_time_in_the_database_is_reported_as_such(waited: list[float]) -> None:
    here = Here(lambda found: delayed(found, seconds=0.02, in_database=True))
    here.ask()
    (exchange,) = here.simulator.journal.exchanges()
    timing: Any = dict(exchange.response_headers)["server-timing"]
    assert timing.startswith("db;dur=20.000")


def test_requests_beyond_the_pool_are_refused(waited: list[float]) -> None:
    here = Here(lambda found: pooled(found, "getEvent", size=3, seconds=0.01, status=503, code="UNAVAILABLE"))
    assert sorted(here.ask(at_once=5)) == [200, 200, 200, 503, 503]
    assert here.ask() == [200]
    assert here.fired == 2
