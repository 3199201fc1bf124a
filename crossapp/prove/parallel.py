"""Work in processes of its own, which end with the process that began them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], jobs: int
) -> Iterator[tuple[Item, Result | None]]:
    """Do `work`, a function of a module, on each item, `jobs` at a time. Items and results in the order in which they
    are done; None where the process died."""
    waiting = list(items)
    pending: dict[Future[Result], Item] = {}
    pool, broken = _pool(min(jobs, len(items))), False
    try:
        while waiting or pending:
            if broken and not pending:
                pool.shutdown()
                pool, broken = _pool(min(jobs, len(waiting))), False
            while waiting and len(pending) < jobs and not broken:
                try:
                    pending[pool.submit(work, waiting[0])] = waiting[0]
                except BrokenProcessPool:
                    broken = True
                else:
                    waiting.pop(0)
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for each in done:
                # A process that died takes all that were beside it along.
                died = isinstance(each.exception(), BrokenProcessPool)
                broken = broken or died
                yield pending.pop(each), None if died else each.result()
    finally:
        pool.shutdown(wait=not pending, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


def _pool(size: int) -> ProcessPoolExecutor:
    # Spawned: this process may have threads and an event loop, which a fork would copy half.
    return ProcessPoolExecutor(size, mp_context=multiprocessing.get_context("spawn"), initializer=_begin)


def _begin() -> None:
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed stops nobody; its simulators end with this process."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
