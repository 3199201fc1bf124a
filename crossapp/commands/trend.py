"""`crossapp trend`: how the runs of an environment went over time."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.errors import reported
from crossapp.commands.keep import RUNS
from crossapp.commands.output import printing
from crossapp.kept_runs import KeptRun, KeptRunsError, kept
from harness.render.text import in_encoding, one_line
from harness.render.words import count
from harness.report import ReportError
from harness.verdict import VerdictName

_SIGNS = {
    VerdictName.HELD: "+",
    VerdictName.VIOLATED: "X",
    VerdictName.WAIVED: "w",
    VerdictName.NOT_TESTED: ".",
    VerdictName.NOT_APPLICABLE: ".",
}
_MOST = 40


def trend(
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Where they were measured.")],
    runs: Annotated[Path, typer.Option("--runs", metavar="FILE", help="The file of kept runs (SQLite).")] = RUNS,
    every: Annotated[bool, typer.Option("--all", help="Also claims and budgets that never changed.")] = False,
) -> None:
    """Show the kept runs of an environment, oldest first, and each claim and budget that changed, a column for each
    run: + held, X violated, w waived, ? undecided, . not tested."""
    with reported(KeptRunsError, ReportError):
        found = kept(runs, environment)[:_MOST][::-1]
    with printing():
        for line in _lines(environment, found, every=every):
            typer.echo(in_encoding(one_line(line), sys.stdout.encoding))


def _lines(environment: str, runs: list[KeptRun], *, every: bool) -> list[str]:
    if not runs:
        return [f"{environment}: no run is kept"]
    lines = [f"{environment}: {count(len(runs), 'run')}, the oldest first"]
    for number, each in enumerate(runs, 1):
        held = each.report.footer.claims.get(VerdictName.HELD, 0)
        total = len(each.report.claims)
        when = f"{each.started:%Y-%m-%d %H:%M}"
        lines.append(f"  {number:>2}  {when}  {each.sha[:12]:<12}  {held} of {total} claims held")
    rows = _rows(runs)
    shown = {name: signs for name, signs in rows.items() if every or len(set(signs) - {" "}) > 1}
    width = max(map(len, shown), default=0)
    lines += [f"  {name:<{width}}  {signs}" for name, signs in shown.items()]
    if len(shown) < len(rows):
        lines.append(f"  {len(rows) - len(shown)} claims and budgets never changed; --all shows them")
    return lines


def _rows(runs: list[KeptRun]) -> dict[str, str]:
    """A sign for each run, by claim and budget."""
    names: dict[str, None] = {}
    columns: list[dict[str, str]] = []
    for each in runs:
        column = {claim.claim: _SIGNS.get(claim.verdict, "?") for claim in each.report.claims}
        budgets = {line.requirement for line in each.report.load.budgets} if each.report.load is not None else set()
        column |= {
            finding.requirement: _SIGNS.get(finding.verdict, "?")
            for finding in each.report.findings
            if finding.requirement in budgets
        }
        columns.append(column)
        names |= dict.fromkeys(column)
    return {name: "".join(column.get(name, " ") for column in columns) for name in names}
