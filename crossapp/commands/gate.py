"""`crossapp gate`: may this commit be deployed?"""

import json as json_module
import sys
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from contracts.catalogue import catalogue
from crossapp.commands.errors import reported, seconds_of
from crossapp.commands.keep import RUNS, named
from crossapp.commands.output import printing
from crossapp.commands.report import STANDARD, write
from crossapp.gating import conditions, exit_code_of
from crossapp.kept_runs import KeptRunsError, kept
from harness.render.gate import GateAnswer, gate_badge, gate_lines, gate_markdown
from harness.render.text import in_encoding
from harness.report import ReportError
from harness.requirement import MUST


def gate(
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Where it was measured.")],
    commit: Annotated[
        str, typer.Option("--commit", metavar="SHA", callback=named, help="The commit, or its beginning.")
    ],
    runs: Annotated[Path, typer.Option("--runs", metavar="FILE", help="The file of kept runs (SQLite).")] = RUNS,
    oldest: Annotated[
        str, typer.Option("--oldest", metavar="TIME", help="Greatest age of the evidence, such as 24h.")
    ] = "24h",
    markdown: Annotated[
        Path | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown (-: to standard output).")
    ] = None,
    badge: Annotated[
        Path | None,
        typer.Option("--badge", metavar="FILE", help="Write a badge: FILE.svg, or FILE.json for shields.io."),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")] = False,
) -> None:
    """Say whether a commit may be deployed, by the newest run of it that was kept for an environment, and why.

    No evidence, old, partial or undecided evidence and simulated applications mean no. Exit code: 0: yes; 1: no, since
    a MUST is violated or a declared deviation is out of date; 2: no, since evidence is missing; 64: the file cannot be
    used.
    """
    if badge is not None and badge.suffix not in (".svg", ".json"):
        raise typer.BadParameter(f"--badge {str(badge)!r}: name a file that ends with .svg or .json")
    allowed = timedelta(seconds=seconds_of("--oldest", oldest))
    must = {each.id for each in catalogue() if each.level == MUST}
    with reported(KeptRunsError, ReportError):
        found = list(conditions(kept(runs, environment, commit), must, now=datetime.now(UTC), oldest=allowed))
    answer = GateAnswer(environment, commit, exit_code_of(found), found)
    if badge is not None:
        write(badge, gate_badge(answer, badge))
    if markdown is not None:
        write(markdown, gate_markdown(answer))
    if json:
        value = {"type": "gate", "environment": environment, "commit": commit, "exit_code": int(answer.exit_code)}
        _print(json_module.dumps({**value, "conditions": [asdict(each) for each in found]}))
    elif markdown != STANDARD:
        _print(*(in_encoding(line, sys.stdout.encoding) for line in gate_lines(answer)))
    raise typer.Exit(answer.exit_code)


def _print(*lines: str) -> None:
    with printing():
        for line in lines:
            typer.echo(line)
