"""The clock of one simulator: real time plus an offset, with scheduled jobs and fast-forward."""

import asyncio
import contextlib
import contextvars
import heapq
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import Any, TypeVar

T = TypeVar("T")
Job = Callable[[], Awaitable[None]]

_log = logging.getLogger(__name__)
_POLL = 0.02


class Timer:
    """A scheduled job, once at `when` (Unix seconds) or every `period` seconds."""

    __slots__ = ("cancelled", "job", "period", "when")

    def __init__(self, when: float, job: Job, period: float | None = None) -> None:
        self.when = when
        self.job = job
        self.period = period
        self.cancelled = False

    def cancel(self) -> None:
        """Do not fire again. A job that is running goes on."""
        self.cancelled = True


class Clock:
    """Unix seconds as one simulator sees them. All methods belong to the event loop's thread.

    Jobs fire when real time reaches them, and in due order during `advance`.

    running: False stops the clock; only `set` and `advance` move it.
    patience: real seconds for which `advance` waits for a job that itself waits for this clock (see `within`).
    """

    def __init__(self, now: float | None = None, *, running: bool = True, patience: float = 1.0) -> None:
        self._base = time.time() if now is None else now
        self._mark = time.monotonic()
        self._running = running
        self._standing: float | None = None if running else self._base
        self._patience = patience
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._handle: asyncio.TimerHandle | None = None
        self._in_flight: set[asyncio.Task[None]] = set()
        self._parked: set[asyncio.Task[Any]] = set()
        self._advancing = asyncio.Lock()
        self._date = (-1, "")
        self.keep()

    def keep(self) -> None:
        """Remember the present state for `restore`."""
        self._kept = (self.now(), time.time(), self._running)

    def restore(self) -> None:
        """Back to what was kept: as far ahead of real time as then, or standing where it stood."""
        now, real, running = self._kept
        self.set(now + (time.time() - real if running else 0.0), running=running)

    def now(self) -> float:
        """Unix seconds."""
        if self._standing is not None:
            return self._standing
        return self._base + (time.monotonic() - self._mark)

    def date(self) -> str:
        """The time as the value of a Date header."""
        second = int(self.now())
        if self._date[0] != second:
            self._date = (second, formatdate(second, usegmt=True))
        return self._date[1]

    @property
    def running(self) -> bool:
        """Whether the clock moves by itself."""
        return self._running

    def set(self, now: float, *, running: bool | None = None) -> None:
        """Set the time to `now` (Unix seconds), forwards or backwards; `running` also starts or stops the clock.

        Jobs that become due fire soon after, once each; use `advance` to wait for them. After a jump back a repeated
        job is due within its period again; others keep their time.
        """
        if running is not None:
            self._running = running
        for _, _, timer in self._timers:
            if timer.period is not None:
                timer.when = min(timer.when, now + timer.period)
        self._timers = [(timer.when, number, timer) for _, number, timer in self._timers]
        heapq.heapify(self._timers)
        self._place(now)

    def call_at(self, when: float, job: Job) -> Timer:
        """Run `job` when the clock reaches `when` (Unix seconds); at once if that is past."""
        return self._schedule(Timer(when, job))

    def call_later(self, seconds: float, job: Job) -> Timer:
        """Run `job` in `seconds` of this clock."""
        return self._schedule(Timer(self.now() + seconds, job))

    def every(self, period: float, job: Job) -> Timer:
        """Run `job` every `period` seconds, first after one period. Periods skipped by a jump are not repeated."""
        return self._schedule(Timer(self.now() + period, job, period))

    async def within(self, seconds: float, work: Awaitable[T]) -> T:
        """The result of `work`. Cancels it and raises TimeoutError after `seconds` of this clock.

        `advance` gives work inside a job `patience` real seconds before it moves the clock to the time-out.
        """
        loop = asyncio.get_running_loop()
        me = asyncio.current_task()
        task: asyncio.Future[T] = asyncio.ensure_future(work)
        over: asyncio.Future[None] = loop.create_future()

        async def wake() -> None:
            if me is not None:
                self._parked.discard(me)
            if not over.done():
                over.set_result(None)

        timer = self.call_later(seconds, wake)
        if me is not None:
            self._parked.add(me)
        try:
            waited: set[asyncio.Future[Any]] = {task, over}
            await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise TimeoutError(f"not finished within {seconds:g} s")
        finally:
            timer.cancel()
            if me is not None:
                self._parked.discard(me)
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await task

    async def advance(self, seconds: float) -> int:
        """Move the clock forward and run every job that falls due, in due order; returns how many, when all have ended.

        While a job runs the clock stands at its due time; jobs that it schedules within the span run too. Raises
        ValueError for a negative span and RuntimeError if called from a job.
        """
        if seconds < 0:
            raise ValueError("the clock advances by zero or more seconds; use set to go back")
        if asyncio.current_task() in self._in_flight:
            raise RuntimeError("a job must not advance the clock that runs it; schedule a job instead")
        async with self._advancing:
            start = self.now()
            target = start + seconds
            self._standing = start
            fired = 0
            try:
                await self._settle()
                while (timer := self._due(target)) is not None:
                    self._standing = max(self._standing, timer.when)
                    self._launch(timer)
                    fired += 1
                    await self._settle()
            finally:
                self._place(target)
            return fired

    def close(self) -> None:
        """Remove all jobs and cancel those that run."""
        self._timers.clear()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        for task in list(self._in_flight):
            task.cancel()

    def start(self) -> None:
        """Set the timer for jobs that were scheduled before the event loop ran; `restore` goes back to this state."""
        self.keep()
        self._arm()

    def _place(self, now: float) -> None:
        self._base = now
        self._mark = time.monotonic()
        self._standing = None if self._running else now
        self._arm()

    def _schedule(self, timer: Timer) -> Timer:
        heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        self._arm()
        return timer

    def _arm(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        if self._advancing.locked() or not self._timers:
            return
        delay = self._timers[0][0] - self.now()
        if delay <= 0 or self._running:
            self._handle = loop.call_later(max(0.0, delay), self._wake)

    def _wake(self) -> None:
        self._handle = None
        if self._advancing.locked():
            return
        while (timer := self._due(self.now())) is not None:
            self._launch(timer)
        self._arm()

    def _due(self, until: float) -> Timer | None:
        while self._timers and self._timers[0][0] <= until:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                return timer
        return None

    def _launch(self, timer: Timer) -> None:
        if timer.period is not None:
            timer.when += timer.period
            if timer.when <= self.now():
                timer.when = self.now() + timer.period
            heapq.heappush(self._timers, (timer.when, next(self._numbers), timer))
        # A context of its own, so that the job does not run in that of the request that scheduled it.
        task = asyncio.get_running_loop().create_task(self._run(timer), context=contextvars.Context())
        self._in_flight.add(task)
        task.add_done_callback(self._in_flight.discard)

    async def _run(self, timer: Timer) -> None:
        try:
            await timer.job()
        except Exception:
            _log.exception("a scheduled job failed")

    async def _settle(self) -> None:
        """Wait until all running jobs have ended, or those left have waited for the clock longer than `patience`."""
        given_up: float | None = None
        while self._in_flight:
            if self._in_flight <= self._parked:
                given_up = given_up or time.monotonic() + self._patience
                if time.monotonic() >= given_up:
                    return
            else:
                given_up = None
            await asyncio.wait(set(self._in_flight), timeout=_POLL)
        await asyncio.sleep(0)
