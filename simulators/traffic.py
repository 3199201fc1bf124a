"""The traffic of running simulators in the terminal of `crossapp up`."""

import contextlib
import os
import queue
import shutil
import sys
import threading
from collections.abc import Sequence

from harness.inspector.feed import Feed
from harness.inspector.traffic_lines import TrafficLines, shown, shows_colours
from simulators.kit.inspecting import JournalSource
from simulators.kit.simulator import Simulator

_MOST = 50
_WAITING = 1_000
_SOON = 0.5


class StandardOutput:
    """Prints from a thread of its own: a terminal that is stopped, or a pipe that nobody reads, stops no simulator.

    What finds no room is dropped. `columns` and `colour` are those of the terminal; without one, None and False.
    """

    def __init__(self) -> None:
        self.colour = shows_colours()
        self._terminal = sys.stdout.isatty()
        self._queue: queue.Queue[str | None] = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._print, daemon=True)
        self._thread.start()

    @property
    def columns(self) -> int | None:
        """The width of the terminal, which its user may change."""
        return shutil.get_terminal_size().columns if self._terminal else None

    def print(self, text: str) -> None:
        """Print soon."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(text)

    def close(self) -> None:
        """Print what waits, for at most half a second."""
        try:
            self._queue.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(_SOON)

    def _print(self) -> None:
        # Not through sys.stdout: a thread that is stuck in it would break the end of the process.
        number = sys.stdout.fileno()
        while (text := self._queue.get()) is not None:
            rest = text.encode("utf-8" if _takes_arrows() else "ascii", "replace")
            try:
                while rest:
                    rest = rest[os.write(number, rest) :]
            except OSError:  # the reader is gone
                return


def _takes_arrows() -> bool:
    try:
        "→…".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


async def print_traffic(simulators: Sequence[Simulator], output: StandardOutput) -> None:
    """Print a line for each exchange and each message of an event stream until cancelled."""
    sources = [JournalSource(each) for each in simulators]
    lines = TrafficLines([each.app for each in sources])
    async for event in Feed(lambda: sources).events(most=_MOST):
        made = lines.read(event.name, event.value)
        if made:
            output.print(shown(made, output.columns, colour=output.colour))
