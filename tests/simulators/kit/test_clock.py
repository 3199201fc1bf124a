"""The simulated clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from simulators.kit.clock import Clock


def _noting(clock: Clock, seen: list[tuple[str, float]], name: str) -> Callable[[], Awaitable[None]]:
    async def job() -> None:
        seen.append((name, clock.now()))

    return job


def test_a_running_clock_follows_real_time_from_where_it_was_set() -> None:
    clock = Clock()
    assert abs(clock.now() - time.time()) < 1
    clock.set(1000)
    assert 1000 <= clock.now() < 1001
    assert clock.date() == "Thu, 01 Jan 1970 00:16:40 GMT"


def test_a_standing_clock_moves_only_when_it_is_told() -> None:
    clock = Clock(1000, running=False)
    assert (clock.now(), clock.running) == (1000, False)
    asyncio.run(clock.advance(5))
    assert clock.now() == 1005
    clock.set(7, running=True)
    assert clock.now() >= 7
    assert clock.running


def test_advancing_runs_jobs_in_due_order_each_at_its_time() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        seen: list[tuple[str, float]] = []
        clock.call_at(30, _noting(clock, seen, "third"))
        clock.call_later(10, _noting(clock, seen, "first"))
        clock.call_at(20, _noting(clock, seen, "second"))
        clock.call_at(31, _noting(clock, seen, "not yet"))
        cancelled = clock.call_at(15, _noting(clock, seen, "cancelled"))
        cancelled.cancel()
        assert await clock.advance(30) == 3
        assert seen == [("first", 10), ("second", 20), ("third", 30)]
        assert clock.now() == 30

    asyncio.run(run())


def test_jobs_scheduled_by_jobs_run_within_the_same_span() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        seen: list[float] = []

        async def retry() -> None:
            seen.append(clock.now())
            if len(seen) < 4:
                clock.call_later(2 ** len(seen), retry)

        clock.call_later(1, retry)
        await clock.advance(100)
        assert seen == [1, 3, 7, 15]

    asyncio.run(run())


def test_a_repeated_job_runs_each_period_until_it_is_cancelled() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        seen: list[tuple[str, float]] = []
        timer = clock.every(10, _noting(clock, seen, "beat"))
        assert await clock.advance(35) == 3
        timer.cancel()
        assert await clock.advance(35) == 0
        assert [at for _, at in seen] == [10, 20, 30]

    asyncio.run(run())


def test_after_a_jump_back_a_repeated_job_is_due_within_its_period() -> None:
    async def run() -> None:
        clock = Clock(5000, running=False)
        seen: list[tuple[str, float]] = []
        clock.every(10, _noting(clock, seen, "beat"))
        clock.set(0)
        await clock.advance(10)
        assert seen == [("beat", 10)]

    asyncio.run(run())


def test_a_jump_forward_does_not_make_up_for_missed_periods() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        seen: list[tuple[str, float]] = []
        clock.every(10, _noting(clock, seen, "beat"))
        clock.set(100_000)
        for _ in range(5):
            await asyncio.sleep(0.001)
        assert seen == [("beat", 100_000)]

    asyncio.run(run())


def test_jobs_fire_by_themselves_when_real_time_reaches_them() -> None:
    async def run() -> None:
        clock = Clock()
        fired = asyncio.Event()

        async def job() -> None:
            fired.set()

        clock.call_later(0.01, job)
        await asyncio.wait_for(fired.wait(), 5)

    asyncio.run(run())


def test_jobs_scheduled_before_the_loop_ran_fire_after_start() -> None:
    clock = Clock()
    fired = asyncio.Event()

    async def job() -> None:
        fired.set()

    clock.call_later(0, job)

    async def run() -> None:
        clock.start()
        await asyncio.wait_for(fired.wait(), 5)

    asyncio.run(run())


def test_advancing_waits_for_slow_jobs_and_survives_failing_ones(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        done: list[float] = []

        async def slow() -> None:
            await asyncio.sleep(0.03)
            done.append(clock.now())

        async def failing() -> None:
            raise RuntimeError("on purpose")

        clock.call_at(1, failing)
        clock.call_at(2, slow)
        assert await clock.advance(10) == 2
        assert done == [2]

    asyncio.run(run())
    assert "a scheduled job failed" in caplog.text


def test_work_that_outlasts_its_time_by_this_clock_is_cancelled() -> None:
    async def run() -> None:
        clock = Clock(0, running=False, patience=0.01)
        outcomes: list[str] = []

        async def deliver() -> None:
            try:
                await clock.within(30, asyncio.Event().wait())
            except TimeoutError:
                outcomes.append(f"timed out at {clock.now():g}")

        clock.call_at(5, deliver)
        await clock.advance(34)
        assert outcomes == []
        await clock.advance(1)
        assert outcomes == ["timed out at 35"]

    asyncio.run(run())


def test_work_in_time_gives_its_result_and_leaves_no_timer() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)

        async def work() -> int:
            return 42

        assert await clock.within(30, work()) == 42
        assert await clock.advance(100) == 0

    asyncio.run(run())


def test_two_advances_at_once_run_one_after_the_other() -> None:
    async def run() -> None:
        clock = Clock(0, running=False)
        await asyncio.gather(clock.advance(10), clock.advance(10))
        assert clock.now() == 20

    asyncio.run(run())


def test_a_job_may_not_advance_its_clock(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        clock = Clock(0, running=False)

        async def job() -> None:
            await clock.advance(1)

        clock.call_at(1, job)
        await clock.advance(1)

    asyncio.run(run())
    assert "must not advance" in caplog.text


def test_the_clock_does_not_advance_backwards() -> None:
    with pytest.raises(ValueError, match="zero or more"):
        asyncio.run(Clock().advance(-1))
