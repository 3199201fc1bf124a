"""The progress of a load run on a console."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.text import Text

from load.plan.progress import LoadProgress

_EVERY = 15.0
"""Seconds between two lines on the state of a run where there is no terminal, as in a CI log."""


@contextmanager
def shown(console: Console) -> Iterator[LoadProgress]:
    """Print the progress inside the block: on a terminal the state is one line that changes."""
    if console.is_terminal:
        with Live(console=console, transient=True, refresh_per_second=2) as live:
            yield LoadProgress(
                lambda text: console.print(text, markup=False), lambda text: live.update(Text(text, overflow="fold"))
            )
        return
    last = ("", 0.0)

    def show(text: str) -> None:
        nonlocal last
        phase, now = text.partition(":")[0], time.monotonic()
        if phase != last[0] or now - last[1] >= _EVERY:
            last = (phase, now)
            console.print(text, markup=False)

    yield LoadProgress(lambda text: console.print(text, markup=False), show)
