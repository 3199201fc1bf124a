"""Stop signals of long-running commands: SIGINT, SIGTERM, closed standard input."""

import asyncio
import os
import signal
import threading
from collections.abc import Coroutine
from types import FrameType
from typing import Any, TypeVar

from harness.loop import loop_factory

_Result = TypeVar("_Result")


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """As asyncio.run, which SIGTERM stops as Ctrl-C does, also where Ctrl-C is ignored: all that is under way is
    cancelled. Raises KeyboardInterrupt then. Call it from the main thread."""
    stopped = False
    results: list[_Result] = []

    async def stoppable() -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(_number: int, _frame: FrameType | None) -> None:
            nonlocal stopped
            if stopped:  # Something that blocks the loop did not end at the first.
                raise KeyboardInterrupt
            stopped = True
            loop.call_soon_threadsafe(task.cancel)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            # Not as the task's result: asyncio.Runner forms the text of its signal handler, the result's included.
            results.append(await work)
        finally:
            signal.signal(signal.SIGTERM, before)

    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(stoppable())
    except asyncio.CancelledError:
        if not stopped:
            raise
    else:
        if not stopped:
            return results[0]
    raise KeyboardInterrupt


def stop_event(*, with_stdin: bool = False) -> asyncio.Event:
    """An event that is set at SIGINT (Ctrl-C) or SIGTERM, and with `with_stdin` also when standard input is closed, as
    it is when the parent process dies. It replaces the signals' other handlers. Call it from the main thread, in a
    running event loop."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, over.set)
    if with_stdin:
        threading.Thread(target=_until_stdin_ends, args=(loop, over), daemon=True).start()
    return over


def _until_stdin_ends(loop: asyncio.AbstractEventLoop, over: asyncio.Event) -> None:
    try:
        while os.read(0, 65536):
            pass
    except OSError:
        pass
    loop.call_soon_threadsafe(over.set)
