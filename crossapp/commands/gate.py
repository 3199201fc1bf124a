"""`crossapp gate`: may this commit be deployed?"""

import json as json_module
import sys
import textwrap
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from contracts.catalogue import catalogue
from crossapp.commands.errors import reported, seconds_of
from crossapp.commands.keep import RUNS, named
from crossapp.commands.output import printing
from crossapp.gating import conditions, exit_code_of
from crossapp.kept_runs import KeptRunsError, kept
from harness.exit_codes import ExitCode
from harness.render.text import in_encoding, prose
from harness.report import ReportError
from harness.requirement import MUST

_WIDTH = 80


def gate(
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Where it was measured.")],
    commit: Annotated[
        str, typer.Option("--commit", metavar="SHA", callback=named, help="The commit, or its beginning.")
    ],
    runs: Annotated[Path, typer.Option("--runs", metavar="FILE", help="The file of kept runs (SQLite).")] = RUNS,
    oldest: Annotated[
        str, typer.Option("--oldest", metavar="TIME", help="Greatest age of the evidence, such as 24h.")
    ] = "24h",
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")] = False,
) -> None:
    """Say whether a commit may be deployed, by the newest run of it that was kept for an environment, and why.

    No evidence, old, partial or undecided evidence and simulated applications mean no. Exit code: 0: yes; 1: no, since
    a MUST is violated or a declared deviation is out of date; 2: no, since evidence is missing; 64: the file cannot be
    used.
    """
    allowed = timedelta(seconds=seconds_of("--oldest", oldest))
    must = {each.id for each in catalogue() if each.level == MUST}
    with reported(KeptRunsError, ReportError):
        found = list(conditions(kept(runs, environment, commit), must, now=datetime.now(UTC), oldest=allowed))
    code = exit_code_of(found)
    lines = [f"{environment} at {commit}: {'yes' if code is ExitCode.OK else 'NO'}"]
    for each in found:
        text = f"{'ok' if each.met else 'NO':<3}{each.name}: {prose(each.text)}"
        lines += textwrap.wrap(text, _WIDTH - 2, initial_indent="  ", subsequent_indent="     ", break_on_hyphens=False)
    with printing():
        if json:
            value = {"type": "gate", "environment": environment, "commit": commit, "exit_code": int(code)}
            typer.echo(json_module.dumps({**value, "conditions": [asdict(each) for each in found]}))
        else:
            for line in lines:
                typer.echo(in_encoding(line, sys.stdout.encoding))
    raise typer.Exit(code)
