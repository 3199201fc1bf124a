"""`crossapp judge`: judge a saved history again, without a network."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from crossapp.commands.errors import reported
from crossapp.commands.load import judged as judged_load
from crossapp.commands.output import make_folder, save_report, show_report, stderr
from crossapp.deployments import described
from crossapp.har_history import deployment_told_by, history_of
from crossapp.run import Settings, of_any_traffic, report_of, selected
from crossapp.saved_run import CUT_OFF, read_saved, saved_run, settings_of
from harness.deployment import DeploymentError
from harness.har_reader import looks_like_har, read_har
from harness.history import History
from harness.saved_history import HistoryError
from load.judge.to_history import of_load
from load.plan.budgets import STANDARD, BudgetError, read_budgets


def judge(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A saved history (history.jsonl), or a HAR file of traffic.")
    ],
    deployment: Annotated[
        Path | None,
        typer.Option("--deployment", "-d", metavar="FILE", help="With a HAR file: the deployment file with the URLs."),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", "-s", metavar="PATTERN", help="As in verify (default: as in the run). Repeatable."),
    ] = None,
    budgets: Annotated[
        Path,
        typer.Option(
            "--budgets", metavar="FILE", show_default=False, help="Budgets file (TOML) for the history of a load run."
        ),
    ] = STANDARD,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="FOLDER", help="Folder for the report files.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Write the report, as JSON lines, to standard output.")] = False,
) -> None:
    """Check a saved history, or traffic that was recorded elsewhere, against the requirements of this version.

    Nothing is sent.
    """
    errors = stderr()
    asked = Settings(tuple(select or ()))
    if not selected(asked):
        raise typer.BadParameter(f"no requirement matches {', '.join(asked.select)}; see crossapp requirements")
    make_folder(report)
    with (
        reported(HistoryError, ValueError, OverflowError, OSError, at=f"{file}: "),
        reported(DeploymentError, BudgetError),
    ):
        history = _read(file, deployment, errors)
        settings = asked if select else settings_of(history)
        _note_missing_stories(history, settings, errors)
        run = saved_run(history)
        found = judged_load(run, settings, read_budgets(budgets)) if of_load(history) else report_of(run, settings)
    if report is not None:
        save_report(found, report)
    show_report(found, json=json)
    raise typer.Exit(found.footer.exit_code)


def _read(file: Path, deployment: Path | None, errors: Console) -> History:
    """The history of a file. Raises OSError, HistoryError, HarError and DeploymentError."""
    if not looks_like_har(file):
        if deployment is not None:
            raise typer.BadParameter("--deployment is for HAR files: a saved history contains its deployment")
        history, cut_off = read_saved(file)
        if cut_off:
            errors.print(f"{file}: {CUT_OFF}", markup=False)
        return history
    har = read_har(file)
    known = described(deployment) if deployment is not None else deployment_told_by(har, described(None))
    history, elsewhere = history_of(har, known)
    unknown = sum(not each.operation for each in history.exchanges())
    told = f"{len(history.entries)} requests to {known.name}, {unknown} of them to undocumented operations"
    left_out = f"{elsewhere} to other hosts, {har.cached} from a cache"
    if har.skipped:
        left_out += f", {len(har.skipped)} that cannot be read ({har.skipped[0]})"
    errors.print(f"{told}; left out: {left_out}", markup=False)
    return history


def _note_missing_stories(history: History, settings: Settings, errors: Console) -> None:
    """Say what a record without stories leaves out. Raises BadParameter if that is everything."""
    if history.stories or of_load(history):
        return
    chosen = selected(settings)
    readers = len(of_any_traffic(chosen))
    if not readers:
        raise typer.BadParameter(
            "the selected requirements need stories, and this record has none: run crossapp verify"
        )
    errors.print(
        f"This record has no stories: {readers} of {len(chosen)} requirements apply to any traffic and are checked; "
        "the others need crossapp verify.",
        markup=False,
    )
