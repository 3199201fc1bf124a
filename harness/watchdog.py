"""Ends a process whose run does not end by itself, also where its event loop stands still."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.exit_codes import ExitCode


@contextmanager
def watchdog(seconds: float, give_up: Callable[[], None]) -> Iterator[None]:
    """A block that may take so many seconds. After them a thread calls `give_up` and ends the process with
    HARNESS_FAULT. Only a call into C that never lets other threads run keeps it from that."""
    over = threading.Event()

    def watch() -> None:
        if not over.wait(seconds):
            try:
                give_up()
            finally:
                os._exit(ExitCode.HARNESS_FAULT)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
    try:
        yield
    finally:
        over.set()
