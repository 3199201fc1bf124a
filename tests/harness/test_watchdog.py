"""The watchdog: a process that stands still ends with its own exit code, and one that ends in time is left alone."""

import subprocess
import sys

import pytest

_CODE = """
import sys, time
from harness.watchdog import watchdog
with watchdog(float(sys.argv[1]), lambda: print("given up", flush=True)):
    while sys.argv[2] == "stands still":
        pass
print("ended", flush=True)
"""


@pytest.mark.parametrize(
    ("seconds", "what", "code", "said"),
    [("0.1", "stands still", 3, "given up\n"), ("60", "ends", 0, "ended\n")],
)
def test_only_what_does_not_end_in_its_time_is_ended(seconds: str, what: str, code: int, said: str) -> None:
    command = [sys.executable, "-c", _CODE, seconds, what]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, said, "")
