"""How long others kept this process from a processor: a generator that waits for one takes slow answers for granted.

Linux alone tells it, in /proc (Documentation/scheduler/sched-stats.rst, Documentation/filesystems/proc.rst); elsewhere
nothing is known to have been waited for.
"""

import os
from pathlib import Path

_WAITS, _STAT = "/proc/thread-self/schedstat", Path("/proc/stat")
_STOLEN = 7
_TICKS_OF_GUESTS = 8  # user, nice, system, idle, iowait, irq, softirq, steal: guests' time is in user's


class RunQueue:
    """The waits of the thread that made it, which must be the one that sends. Reading takes a microsecond."""

    def __init__(self) -> None:
        try:
            self._file = os.open(_WAITS, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def waited(self) -> float:
        """Milliseconds that the thread was ready to run and had no processor, since it began."""
        if self._file < 0:
            return 0.0
        return int(os.pread(self._file, 64, 0).split()[1]) / 1e6


def stolen() -> tuple[int, int]:
    """Of this machine's processors, the ticks that its hypervisor gave to others, and all ticks, since it started."""
    try:
        fields = _STAT.read_text("ascii").partition("\n")[0].split()[1:]
    except OSError:
        return 0, 0
    ticks = [int(each) for each in fields[:_TICKS_OF_GUESTS]]
    return (ticks[_STOLEN] if len(ticks) > _STOLEN else 0), sum(ticks)
