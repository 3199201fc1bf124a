"""Using up a rate limit: until a 429, no longer than its minute, and not at all where it is too high."""

import asyncio
from types import SimpleNamespace
from typing import Any

from scenarios.cast.exhausting import until_limited
from tests.harness.simulated import SimulatedLoop


class _World:
    """A deployment that answers each request after `seconds`, and lets `passes` of them through (None: all)."""

    def __init__(self, *, seconds: float = 0.01, passes: int | None = None, up_to: int = 1_000) -> None:
        self.asked = 0
        self.said: list[str] = []
        self.observed: dict[str, Any] = {}
        self._seconds, self._passes = seconds, passes
        self._cast: Any = SimpleNamespace(
            deployment=SimpleNamespace(safety=SimpleNamespace(exhaust_up_to=up_to)),
            observe=lambda step, values: self.observed.update({step: values}),
            says=self.said.append,
        )

    async def _ask(self, step: str) -> Any:
        assert step == "op/asked"
        self.asked += 1
        limited = self._passes is not None and self.asked > self._passes
        await asyncio.sleep(self._seconds)
        return SimpleNamespace(status=429 if limited else 200)

    def uses_up(self, limit: int) -> "_World":
        SimulatedLoop().run(until_limited(self._cast, "op", limit, self._ask))
        return self


def test_it_asks_until_the_limit_and_no_further() -> None:
    world = _World(passes=100).uses_up(100)
    assert 101 <= world.asked <= 108
    assert world.observed == {"op/limit": {"limit": 100, "not tried": ""}}
    assert world.said == []


def test_where_no_limit_is_kept_it_ends_past_twice_the_limit() -> None:
    assert _World().uses_up(100).asked == 210


def test_a_limit_that_is_too_high_is_not_tried_and_the_record_says_why() -> None:
    world = _World(up_to=1_000).uses_up(10_000)
    assert world.asked == 0
    reason = "10000 requests a minute are more than safety.exhaust_up_to = 1000"
    assert world.observed == {"op/limit": {"limit": 10_000, "not tried": reason}}
    assert world.said == [f"does not use up op: {reason}"]


def test_a_high_limit_is_tried_where_the_deployment_file_allows_it() -> None:
    world = _World(up_to=10_000, passes=10_000, seconds=0.001).uses_up(10_000)
    assert 10_001 <= world.asked <= 10_008
    assert world.said[0] == "uses up op: 10000 requests a minute, 20010 requests at most"


def test_answers_that_are_too_slow_for_the_minute_end_it_early() -> None:
    world = _World(seconds=1.0).uses_up(1_000)
    assert world.asked == 11 * 8
    assert world.said[-1] == "gives op up: 88 requests took 11 s, too slow to reach 1000 a minute"


def test_progress_is_told_while_it_takes_long() -> None:
    world = _World(seconds=0.4).uses_up(1_000)
    assert len(world.said) > 5
    assert world.said[1] == "uses up op: 104 of 2010 requests at most"
