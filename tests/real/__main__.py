"""`python -m tests.real --real tuvens-api`: serve some of the applications, to verify or try them by hand."""

import argparse
import json
import os
import signal
import sys
import tempfile
from contextlib import suppress
from dataclasses import replace
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
    parser.add_argument(
        "--as-launch-command",
        action="store_true",
        help="what `launch` of a deployment file names: obey the documented variables, print the deployment, stop when "
        "standard input ends",
    )
    asked = parser.parse_args()
    setting = Setting(asked.flavour, asked.limits, asked.session_expiry)
    if asked.as_launch_command:
        secret, expiry = os.environ["HI_EVENTS_SHARED_SECRET"], os.environ["CROSS_APP_SESSION_EXPIRY"]
        setting = replace(setting, shared_secret=secret, session_expiry=int(expiry))
    with (
        tempfile.TemporaryDirectory(prefix="crossapp-real-") as folder,
        deployment(asked.real or present(), Path(folder), setting) as file,
    ):
        shown = json.dumps(json.loads(file.read_text("utf-8"))) if asked.as_launch_command else str(file)
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()
        if asked.as_launch_command:
            sys.stdin.read()
        else:
            signal.pause()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        main()
