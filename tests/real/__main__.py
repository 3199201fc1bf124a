"""`python -m tests.real --real tuvens-api`: serve some of the applications, to verify or try them by hand."""

import argparse
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.real.applications import present
from tests.real.deployments import Setting, deployment


def main() -> None:
    """Serve until Ctrl-C; prints the path of the deployment file."""
    parser = argparse.ArgumentParser(prog="python -m tests.real", description=__doc__)
    parser.add_argument("--real", action="append", choices=present(), help="an application (default: all). Repeatable")
    parser.add_argument("--flavour", choices=("idiomatic", "default"), default="idiomatic")
    parser.add_argument("--limits", choices=("contract", "raised"), default="raised")
    parser.add_argument("--session-expiry", type=int, default=900, help="life of a session token in seconds")
    asked = parser.parse_args()
    setting = Setting(asked.flavour, asked.limits, asked.session_expiry)
    with (
        tempfile.TemporaryDirectory(prefix="crossapp-real-") as folder,
        deployment(asked.real or present(), Path(folder), setting) as file,
    ):
        sys.stdout.write(f"{file}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        main()
