"""The command line as a process: SIGTERM ends it, also where a script started it in the background."""

import signal
import subprocess
import sys

import pytest

_WAITS = """
import signal, sys, time
from crossapp import cli
if sys.argv[1] == "background":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
def app(**_):
    print("ready", flush=True)
    time.sleep(60)
cli.app = app
cli.main()
"""


@pytest.mark.parametrize("started", ["foreground", "background"])
def test_sigterm_stops_a_command_that_may_ignore_ctrl_c(started: str) -> None:
    with subprocess.Popen([sys.executable, "-c", _WAITS, started], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=30) == 130
