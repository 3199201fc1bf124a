"""Keeping within rate limits, by a clock that is moved: no test waits."""

import asyncio
import math
from collections.abc import Sequence

import pytest

from harness.pacing import Allowance, Pacer, pause_after_429
from tests.harness.simulated import SimulatedLoop


def turns(wanted: Sequence[tuple[str, str]], allowances: dict[str, Allowance], pause: float = 0.0) -> list[float]:
    """At what times turns come that are wanted one after the other, each `pause` after the last."""
    loop = SimulatedLoop()
    start = loop.now

    async def run() -> list[float]:
        pacer = Pacer(allowances, loop.time)
        times = []
        for operation, key in wanted:
            await pacer.turn(operation, key)
            times.append(round(loop.now - start, 3))
            await asyncio.sleep(pause)
        return times

    return loop.run(run())


TEN = {"mint": Allowance(10)}


def test_ten_a_minute_are_ten_at_once_and_the_next_when_the_first_is_a_minute_old() -> None:
    assert turns([("mint", "a")] * 21, TEN) == [0.0] * 10 + [60.0] * 10 + [120.0]


def test_turns_that_are_spread_are_waited_for_no_longer_than_needed() -> None:
    assert turns([("mint", "a")] * 11, TEN, pause=5.0) == [*(5.0 * n for n in range(10)), 60.0]
    assert turns([("mint", "a")] * 30, TEN, pause=6.0) == [6.0 * n for n in range(30)]


def test_requests_sent_without_a_turn_are_waited_for_by_the_next() -> None:
    loop = SimulatedLoop()
    start = loop.now

    async def run() -> float:
        pacer = Pacer(TEN, loop.time)
        for _ in range(11):
            pacer.count("mint", "a")
            pacer.count("not limited", "a")
        await pacer.turn("not limited", "a")
        await pacer.turn("mint", "b")
        assert loop.now == start
        await pacer.turn("mint", "a")
        return loop.now - start

    assert round(loop.run(run()), 3) == 60.0


def test_turns_that_are_taken_together_hold_none_while_another_is_waited_for() -> None:
    loop = SimulatedLoop()
    start = loop.now

    async def run() -> list[float]:
        pacer = Pacer({"mint": Allowance(1), "sign in": Allowance(3)}, loop.time)
        await pacer.turn("mint", "a")
        both = asyncio.create_task(pacer.together({("mint", "a"): 1, ("sign in", "b"): 2, ("not limited", "c"): 1}))
        await asyncio.sleep(1)
        for _ in range(3):
            await pacer.turn("sign in", "b")
        times = [loop.now - start]
        await both
        times.append(loop.now - start)
        await pacer.turn("sign in", "b")
        await pacer.turn("sign in", "b")
        return [*times, loop.now - start]

    assert [round(each, 3) for each in loop.run(run())] == [1.0, 61.0, 121.0]


def test_what_is_free_now_is_what_the_window_has_left() -> None:
    loop = SimulatedLoop()

    async def run() -> list[float]:
        pacer = Pacer(TEN, loop.time)
        free = [pacer.free("mint", "a"), pacer.free("not limited", "a")]
        for _ in range(3):
            await pacer.turn("mint", "a")
            await asyncio.sleep(30.0)
            free.append(pacer.free("mint", "a"))
        return free

    assert loop.run(run()) == [10, math.inf, 9, 9, 9]


def test_a_turn_of_a_request_that_never_arrived_is_given_back() -> None:
    loop = SimulatedLoop()
    start = loop.now

    async def run() -> float:
        pacer = Pacer(TEN, loop.time)
        for _ in range(30):
            await pacer.turn("mint", "a")
            pacer.give_back("mint", "a")
        pacer.give_back("mint", "nobody")
        return loop.now - start

    assert loop.run(run()) == 0.0


def test_no_window_of_a_minute_ever_holds_more_than_the_allowance() -> None:
    times = turns([("mint", "a")] * 95, TEN, pause=1.7)
    for at in times:
        assert sum(at <= each < at + 60 for each in times) <= 10


def test_each_key_and_each_operation_has_its_own_turns() -> None:
    wanted = [("mint", "a")] * 10 + [("mint", "b")] * 10 + [("ask", "a")] * 10
    assert turns(wanted, {**TEN, "ask": Allowance(10)}) == [0.0] * 30


def test_what_has_no_limit_never_waits() -> None:
    assert turns([("read", "a")] * 1_000, TEN) == [0.0] * 1_000


def test_other_windows_than_a_minute_are_kept() -> None:
    assert turns([("x", "a")] * 3, {"x": Allowance(1, 2.5)}) == [0.0, 2.5, 5.0]


def test_those_who_wait_side_by_side_get_their_turns_in_the_order_in_which_they_came() -> None:
    loop = SimulatedLoop()
    served: list[tuple[int, float]] = []

    async def one(pacer: Pacer, number: int) -> None:
        await pacer.turn("mint", "a")
        served.append((number, loop.now - 1_000.0))

    async def run() -> None:
        pacer = Pacer({"mint": Allowance(2)}, loop.time)
        await asyncio.gather(*(one(pacer, number) for number in range(5)))

    loop.run(run())
    assert served == [(0, 0.0), (1, 0.0), (2, 60.0), (3, 60.0), (4, 120.0)]


def test_who_gives_up_waiting_takes_nobodys_turn() -> None:
    loop = SimulatedLoop()

    async def run() -> float:
        pacer = Pacer({"mint": Allowance(1)}, loop.time)
        await pacer.turn("mint", "a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(10):
                await pacer.turn("mint", "a")
        await pacer.turn("mint", "a")
        return loop.now - 1_000.0

    assert loop.run(run()) == 60.0


def test_a_wait_for_a_turn_is_told_before_it_begins() -> None:
    loop = SimulatedLoop()
    told: list[tuple[str, float]] = []

    async def run() -> None:
        pacer = Pacer({"mint": Allowance(1)}, loop.time, waiting=lambda *waits: told.append(waits))
        await pacer.turn("mint", "a")
        await asyncio.sleep(20)
        await pacer.turn("mint", "a")

    loop.run(run())
    assert told == [("mint", 40.0)]


NOW = 1_753_453_800.0


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ((), 60.0),
        ((("Retry-After", "7"),), 7.5),
        ((("retry-after", " 7 "),), 7.5),
        ((("Retry-After", "0"),), 0.5),
        ((("Retry-After", "3600"),), 65.0),
        ((("Retry-After", "9" * 15),), 65.0),
        ((("Retry-After", "9" * 400),), 60.0),
        ((("Retry-After", "7"), ("X-RateLimit-Reset", str(int(NOW) + 30))), 7.5),
        ((("X-RateLimit-Reset", str(int(NOW) + 30)),), 30.5),
        ((("X-RateLimit-Reset", str(int(NOW) - 30)),), 0.5),
        ((("X-RateLimit-Reset", "30"),), 30.5),
        ((("Retry-After-short", "7"), ("Retry-After-long", "30")), 30.5),
        ((("Retry-After", "Fri, 25 Jul 2025 14:30:20 GMT"), ("X-RateLimit-Reset", str(int(NOW) + 12))), 20.5),
        ((("Retry-After", "Fri, 25 Jul 2025 14:29:00 GMT"),), 0.5),
        *(
            ((("Retry-After", odd),), 60.0)
            for odd in ("", "soon", "-1", "1.5", "\u00b2", "\u0663", "1e3", "0x10", "inf")
        ),
    ],
)
def test_a_429_is_waited_for_as_it_says_and_never_longer_than_about_a_minute(
    headers: tuple[tuple[str, str], ...], pause: float
) -> None:
    assert pause_after_429(headers, NOW) == pause


def test_the_longest_pause_bounds_what_is_said_and_what_is_not() -> None:
    assert pause_after_429((("Retry-After", "30"),), NOW, longest=2.0) == 2.0
    assert pause_after_429((), NOW, longest=2.0) == 2.0
