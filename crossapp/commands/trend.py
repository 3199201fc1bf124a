"""`crossapp trend`: how the runs of an environment went over time."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.errors import reported
from crossapp.commands.keep import RUNS
from crossapp.commands.output import printing
from crossapp.commands.report import write
from crossapp.kept_runs import KeptRunsError, kept
from harness.render.text import in_encoding, one_line
from harness.render.trend import trend_lines, trend_of, trend_page
from harness.report import ReportError

_MOST = 40


def trend(
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Where they were measured.")],
    runs: Annotated[Path, typer.Option("--runs", metavar="FILE", help="The file of kept runs (SQLite).")] = RUNS,
    every: Annotated[bool, typer.Option("--all", help="Also claims and budgets that never changed.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained HTML page (-: to standard output)."),
    ] = None,
) -> None:
    """Show the last 40 kept runs of an environment, oldest first, and each claim and budget that changed, a column for
    each run: + held, X violated, w waived, ? undecided, . not tested."""
    with reported(KeptRunsError, ReportError):
        found = trend_of(environment, [(each.sha, each.report) for each in kept(runs, environment)[:_MOST][::-1]])
    if html is not None:
        write(html, trend_page(found))
        return
    with printing():
        for line in trend_lines(found, every=every):
            typer.echo(in_encoding(one_line(line), sys.stdout.encoding))
