"""`crossapp verify`: verify a deployment."""

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contracts.uncovered import RUN_LOAD
from crossapp.commands.awaiting import await_applications
from crossapp.commands.cleanup import undo_earlier
from crossapp.commands.errors import need, reported, seconds_of
from crossapp.commands.output import (
    HISTORY_FILE,
    make_folder,
    printing,
    remove_report,
    save_history,
    save_report,
    show_report,
    stderr,
)
from crossapp.deployments import deployed, journal_of
from crossapp.embedded import EmbeddedError
from crossapp.evidence import keep_evidence, make_evidence_folder
from crossapp.plan import Plan, plan_lines, plan_of
from crossapp.run import Settings, StoppedRunError, perform, report_of, selected, stories_for, unanswered
from crossapp.unresponsive import unresponsive_lines
from harness.deployment import DeploymentError
from harness.drive import ENDS
from harness.exit_codes import ExitCode
from harness.merge import merge
from harness.render.saved import open_report
from harness.render.text import in_encoding
from harness.report import Report
from harness.stopping import run as run_stoppable


def verify(
    deployment: Annotated[
        Path | None,
        typer.Option(
            "--deployment",
            "-d",
            metavar="FILE",
            help="Deployment file (TOML or JSON). Default: the embedded simulators.",
        ),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select",
            "-s",
            metavar="PATTERN",
            help="Verify only this: requirement id, part of one, pattern with * or claim id. Repeatable.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="PATTERN",
            help="Leave this out: requirement id or pattern with *, such as 'fuzzing.*'. Repeatable.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help="Folder for the report files (default: crossapp-report)."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Write only the report, as JSON lines, to standard output.")
    ] = False,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME",
            help="Inject this fault into the simulators; crossapp prove --list shows all. Repeatable.",
        ),
    ] = None,
    patience: Annotated[
        str,
        typer.Option("--patience", metavar="TIME", help="Longest wait for one expiry or retry, such as 16m or 90s."),
    ] = "0",
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Print each story as it starts and ends, and each blocked requirement."),
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no progress, and only the summary of the report.")
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer requests where only their number is large (rate limits, timing).")
    ] = False,
    examples: Annotated[
        int, typer.Option("--examples", metavar="N", min=1, help="Random cases that fuzzing sends to each operation.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Seed of the random choices.")] = 0,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what would be sent, the waits and the duration; send nothing.")
    ] = False,
    with_load: Annotated[
        bool,
        typer.Option("--with-load", help="Run crossapp load afterwards, and write one report of both runs."),
    ] = False,
    wait: Annotated[
        str,
        typer.Option("--wait", metavar="TIME", help="Longest wait for applications that are just starting."),
    ] = "0",
    go_on: Annotated[
        bool, typer.Option("--go-on", help="Verify the other applications even if one of them does not respond.")
    ] = False,
) -> None:
    """Verify a deployment: run the stories, check every requirement, decide every claim of the status page."""
    errors = stderr()
    whole = report or (None if json else Path("crossapp-report"))
    if with_load and json:
        raise typer.BadParameter("--json cannot be combined with --with-load: crossapp report merges two runs")
    if with_load and fault:
        raise typer.BadParameter("--fault cannot be combined with --with-load: crossapp load would run without it")
    if with_load:
        need("load")
    settings = Settings(
        select=tuple(select or ()),
        without=tuple(without or ()),
        patience=seconds_of("--patience", patience),
        seed=seed,
        quick=quick,
        examples=examples,
        go_on=go_on,
        command=("crossapp", *sys.argv[1:]),
    )
    with reported(DeploymentError, EmbeddedError):
        if not selected(settings):
            chosen = ", ".join((*settings.select, *(f"--without {each}" for each in settings.without)))
            raise typer.BadParameter(f"no requirement matches {chosen}; see crossapp requirements")
        with deployed(deployment, faults=fault or ()) as target, ExitStack() as stack:
            if plan:
                if target.is_production:
                    errors.print("Rehearsing with simulators; nothing is sent to the deployment.", markup=False)
                _show_plan(plan_of(target, settings), json=json)
                return
            folder = whole / "verify" if with_load and whole is not None else whole
            make_folder(folder)
            if folder is not None and whole is not None:
                for each in {folder, whole}:
                    remove_report(each)
                settings = replace(settings, evidence=make_evidence_folder(folder))
            await_applications(target, wait)
            journal = journal_of(deployment, target)
            if journal is not None:
                stack.callback(journal.close)
                if journal.changed:
                    undo_earlier(target, journal, errors)
            progress = _silence if quiet else _progress(settings, errors, verbose=verbose)
            record = folder / HISTORY_FILE if folder is not None else None
            try:
                work = perform(
                    target, settings, progress, record=record, overdue=partial(_overdue, folder), journal=journal
                )
                run, stopped = run_stoppable(work), False
            except StoppedRunError as error:
                run, stopped = error.run, True
            if folder is not None:
                save_history(run.lines, folder)
            found = report_of(run, settings)
    if folder is not None and settings.evidence is not None:
        keep_evidence(folder, found)
    saved = folder is not None and save_report(found, folder)
    silent = {} if go_on or stopped else unanswered(run.history)
    if json or not silent:
        show_report(found, json=json, verbose=verbose, quiet=quiet)
    for line in unresponsive_lines(silent, target.targets) if silent else ():
        errors.print(line, markup=False)
    if with_load and whole is not None and not silent and not stopped:
        raise typer.Exit(_with_load(found, deployment, whole, errors))
    if saved and folder is not None:
        errors.print(f"Report: {folder / 'report.html'}", markup=False)
        if not (stopped or silent) and any(each.would_settle == RUN_LOAD for each in found.claims):
            errors.print(
                f"To merge it with a run of crossapp load: crossapp report {folder} LOAD --html all.html", markup=False
            )
    if stopped:
        raise KeyboardInterrupt
    raise typer.Exit(found.footer.exit_code)


def _with_load(verified: Report, deployment: Path | None, folder: Path, errors: Console) -> int:
    """Put the deployment under load and save one report of both runs; its exit code. If that fails, the report is that
    of the verification."""
    # Imported here: Locust takes long to import.
    from crossapp.commands.load import load

    found = verified
    try:
        load(deployment=deployment, report=folder / "load")
    except typer.Exit as ended:
        code = ended.exit_code
    if code not in (ExitCode.USAGE, ExitCode.HARNESS_FAULT):
        found = merge([verified, open_report(folder / "load")], datetime.now(UTC))
        code = found.footer.exit_code
    if save_report(found, folder):
        errors.print(f"Report of both: {folder / 'report.html'}", markup=False)
    return code


def _overdue(folder: Path | None, why: str) -> None:
    # Not by a console: what stands still may hold its lock.
    told = f"; crossapp report {folder} shows what was decided" if folder is not None else ""
    os.write(2, f"\ncrossapp verify: {why}{told}\n".encode())


def _silence(_story: str, _state: str) -> None:
    """No progress is printed."""


def _show_plan(plan: Plan, *, json: bool) -> None:
    with printing():
        for line in [dumps(plan.to_json())] if json else plan_lines(plan):
            typer.echo(in_encoding(line, sys.stdout.encoding))


def _progress(settings: Settings, console: Console, *, verbose: bool) -> Callable[[str, str], None]:
    """A callback that prints progress: on a terminal one line that changes; elsewhere the start, each tenth of the
    stories, crashes and long waits. `verbose`: a line for each story that starts or ends, with the time."""
    total = len(stories_for(settings))
    done = 0
    begun: set[str] = set()
    shown = False
    since = time.monotonic()
    width = max(shutil.get_terminal_size().columns - 1, 20)

    def tell(story: str, state: str) -> None:
        nonlocal done, shown
        over = state in ENDS
        done += over
        if verbose:
            console.print(f"{time.monotonic() - since:7.1f} s  {story.replace('_', ' ')} {state}", markup=False)
            return
        if state == "started":
            begun.add(story)
            return
        told = f" {state}" if not over else "" if state == "finished" else f": {state}"
        line = f"[{done:>3}/{total}] {story.replace('_', ' ')}{told}"
        if console.is_terminal:
            known = not over or story in begun
            end = "" if done < total or not over else "\n" if known else "\r"
            console.file.write("\r" + (line if known else "")[:width].ljust(width) + end)
            console.file.flush()
        elif not over or state == "crashed":
            console.print(line, markup=False)
        elif done * 10 // total > (done - 1) * 10 // total and (story in begun or shown):
            # Where nothing responds no story begins: a count of them would read as if they had been run.
            shown = True
            console.print(f"{done} of {total} stories done", markup=False)

    if not console.is_terminal and not verbose:
        console.print(f"{total} stories", markup=False)
    return tell
