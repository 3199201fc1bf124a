"""The version of crossapp, the edition of the contract, and the commit of a checkout."""

import subprocess
from importlib.metadata import version
from pathlib import Path

from openapi import EDITION


def version_line() -> str:
    """`crossapp 0.9.0, edition 2025-07, commit 0123456789ab`; without a commit where there is no checkout."""
    at = commit()
    return f"crossapp {version('crossapp')}, edition {EDITION}" + (f", commit {at}" if at else "")


def commit() -> str:
    """The commit of this checkout; empty if crossapp is installed without one."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
