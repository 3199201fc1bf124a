"""`crossapp keep`: keep a run for `crossapp gate` and `crossapp trend`."""

from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.errors import reported
from crossapp.commands.output import stderr
from crossapp.commands.report import load
from crossapp.kept_runs import KeptRunsError
from crossapp.kept_runs import keep as keep_run

RUNS = Path("crossapp-runs.sqlite")


def named(commit: str) -> str:
    """A commit, as an option names it. A variable that is not set would name them all."""
    if not commit.strip():
        raise typer.BadParameter("it is empty: give the commit, such as $(git rev-parse HEAD)")
    return commit.strip()


def keep(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A saved report, or a folder with report.jsonl in it.")],
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Where it was measured.")],
    commit: Annotated[
        str, typer.Option("--commit", metavar="SHA", callback=named, help="The commit that was deployed there.")
    ],
    runs: Annotated[Path, typer.Option("--runs", metavar="FILE", help="The file of kept runs (SQLite).")] = RUNS,
) -> None:
    """Keep a run by environment, commit and date, in one SQLite file."""
    report = load(run)
    with reported(KeptRunsError):
        keep_run(runs, environment, commit, report)
    stderr().print(f"Kept in {runs}: {environment}, {commit}, {report.header.started}", markup=False)
