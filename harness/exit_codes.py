"""Exit codes, the same for every command."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command."""

    OK = 0  # all judged, no MUST violated
    VIOLATED = 1  # a MUST is violated, or a declared deviation is out of date
    UNDECIDED = 2  # something could not be judged
    HARNESS_FAULT = 3  # the harness or the run is at fault
    NOTHING_JUDGED = 4  # nothing was judged
    USAGE = 64  # bad arguments or a bad deployment file
