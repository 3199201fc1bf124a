"""`crossapp report`: render a saved run again."""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from crossapp.command_name import command_name
from crossapp.commands.errors import reported
from crossapp.commands.output import HISTORY_FILE, printing, show_report, stderr
from harness.exit_codes import ExitCode
from harness.merge import merge
from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import brief_markdown, to_markdown
from harness.render.saved import REPORT_NAME, open_report, parse_report
from harness.report import Report, ReportError

STANDARD = Path("-")
_ADDRESS = re.compile(r"https?://[^\s<>]+")


def report(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="A saved report (JSON lines), a directory with report.jsonl in it (of a killed run: history.jsonl), "
            "or - for standard input. Several runs of one deployment are merged.",
            metavar="RUN",
        ),
    ],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write one self-contained HTML page (-: to standard output)."),
    ] = None,
    markdown: Annotated[
        Path | None,
        typer.Option("--markdown", metavar="FILE", help="Write Markdown, short enough for a pull request comment."),
    ] = None,
    brief: Annotated[
        bool, typer.Option("--brief", help="With --markdown: about 15 lines, for a pull request or a step summary.")
    ] = False,
    link: Annotated[
        str,
        typer.Option("--link", metavar="URL", help="With --brief: link to this address of the whole report."),
    ] = "",
    junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write JUnit XML.")] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Also print the id of each blocked requirement.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only the summary.")] = False,
) -> None:
    """Render a saved run again: on the terminal, or into files.

    Several runs (verify, load, pytest, one with more patience) become one report: each claim has its newest decided
    verdict, with the run that it comes from and its age. The exit code is that of the run or of the merged report; 64
    for a file that cannot be read or written.
    """
    if brief and markdown is None:
        raise typer.BadParameter("--brief shortens --markdown FILE: give both")
    if link and not brief:
        raise typer.BadParameter("--link needs --markdown FILE --brief")
    if link and not _ADDRESS.fullmatch(link):
        raise typer.BadParameter(f"--link {link!r} is not an http or https address")
    saved = merged([load(each) for each in files])
    wanted = {"html": html, "markdown": markdown, "junit": junit}
    for kind, path in wanted.items():
        if path is not None:
            write(path, brief_markdown(saved, link) if kind == "markdown" and brief else _rendered(kind, saved))
    if not any(wanted.values()):
        show_report(saved, json=False, verbose=verbose, quiet=quiet)
    raise typer.Exit(saved.footer.exit_code)


def load(file: Path) -> Report:
    """A saved report; if a run was ended before it wrote one, what its history says. Exits with 64 and a line on
    standard error if it cannot be read."""
    if file.is_dir() and not (file / REPORT_NAME).exists():
        if not (file / HISTORY_FILE).exists():
            # Imported here, as below: rendering a report needs neither load tests nor a catalogue.
            from load.run import LOCUST_LOG

            killed = (file / LOCUST_LOG).exists()
            why = (
                "its load run was ended before it wrote them: run crossapp load again" if killed else "it is of no run"
            )
            raise refused(f"{file} has no {REPORT_NAME} and no {HISTORY_FILE}: {why}")
        return _judged(file / HISTORY_FILE)
    try:
        return parse_report(sys.stdin.buffer.read()) if file == STANDARD else open_report(file)
    except ReportError as error:
        raise refused(str(error)) from None


def _judged(file: Path) -> Report:
    """The report of a history without one."""
    from crossapp.commands.load import judged
    from crossapp.run import report_of
    from crossapp.saved_run import CUT_OFF, read_saved, saved_run, settings_of
    from load.judge.to_history import of_load
    from load.plan.budgets import read_budgets

    with reported(ValueError, OSError, at=f"{file}: "):
        history, cut_off = read_saved(file)
        of_requests = of_load(history)
        command = ("crossapp", "load" if of_requests else "verify")
        run, settings = saved_run(history), replace(settings_of(history), command=command)
        found = judged(run, settings, read_budgets(), file.parent) if of_requests else report_of(run, settings)
    told = ", by the budgets of the contract page" if of_requests else ""
    told += f"; {CUT_OFF}" if cut_off else ""
    stderr().print(f"{file.parent} has no report: this is what its {file.name} says{told}", markup=False)
    return found


def merged(reports: Sequence[Report]) -> Report:
    """One report of several. Exits with 64 and a line on standard error if they are not of one deployment."""
    if len(reports) == 1:
        return reports[0]
    try:
        return merge(reports, datetime.now(UTC))
    except ReportError as error:
        raise refused(str(error)) from None


def write(path: Path, text: str) -> None:
    """Write a rendering, to standard output for `-`. Exits with 64 and a line on standard error if that fails."""
    if path == STANDARD:
        with printing():
            typer.echo(text, nl=False)
        return
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise refused(f"{path}: cannot be written: {error.strerror or error}") from None


def refused(text: str) -> typer.Exit:
    """Print an error; returns the exit to raise."""
    typer.echo(f"{command_name()}: {text}", err=True)
    return typer.Exit(ExitCode.USAGE)


def _rendered(kind: str, saved: Report) -> str:
    return {"html": to_html, "markdown": to_markdown, "junit": to_junit}[kind](saved)
