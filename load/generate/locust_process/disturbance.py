"""How long the generator waited for a processor, which looks like a slow answer of the target.

Read from Linux's /proc (Documentation/scheduler/sched-stats.rst, Documentation/filesystems/proc.rst); 0 elsewhere.
"""

import os
from pathlib import Path

_WAITS, _STAT = "/proc/thread-self/schedstat", Path("/proc/stat")
_STOLEN = 7
_TICK_FIELDS = 8  # user, nice, system, idle, iowait, irq, softirq, steal; guests' time is part of user's


class RunQueue:
    """The waits of the thread that creates it, which must be the one that sends. A reading takes a microsecond."""

    def __init__(self) -> None:
        try:
            self._file = os.open(_WAITS, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._file = -1

    def waited(self) -> float:
        """Milliseconds that the thread was runnable without a processor, since it began."""
        if self._file < 0:
            return 0.0
        return int(os.pread(self._file, 64, 0).split()[1]) / 1e6


def stolen() -> tuple[int, int]:
    """The processor ticks that the hypervisor gave to other guests, and all ticks, since the machine started."""
    try:
        fields = _STAT.read_text("ascii").partition("\n")[0].split()[1:]
    except OSError:
        return 0, 0
    ticks = [int(each) for each in fields[:_TICK_FIELDS]]
    return (ticks[_STOLEN] if len(ticks) > _STOLEN else 0), sum(ticks)
