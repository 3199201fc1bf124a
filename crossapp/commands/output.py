"""What commands print and write. A full disk or a closed output is said in one line, and changes no exit code."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import typer
from rich.console import Console

from crossapp.command_name import command_name
from harness.render.html import to_html
from harness.render.junit import to_junit
from harness.render.markdown import to_markdown
from harness.render.terminal import print_report
from harness.report import Report
from harness.saving import write_whole

_REPORT_FILES = ("report.jsonl", "report.html", "report.md", "junit.xml")
HISTORY_FILE = "history.jsonl"


class LossyConsole(Console):
    """A console that prints nothing more once its reader is gone; rich would exit with 1, which means that a MUST is
    violated."""

    def on_broken_pipe(self) -> None:
        """Go quiet."""
        self.quiet = True
        _discard(self.file)


def stderr() -> Console:
    """A console on standard error."""
    return LossyConsole(stderr=True, highlight=False, soft_wrap=True)


def make_folder(folder: Path | None) -> None:
    """Create the report's folder, before a run. Raises BadParameter if it cannot be written."""
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise typer.BadParameter(f"--report: {folder} cannot be made ({error.strerror})") from None
    if not os.access(folder, os.W_OK):
        raise typer.BadParameter(f"--report: {folder} cannot be written")


@contextmanager
def printing() -> Iterator[None]:
    """Print to standard output inside the block. A reader that is gone, such as `head`, is left alone; what else goes
    wrong is said on standard error."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        _discard(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            stderr().print(f"{command_name()}: standard output cannot be written ({error.strerror})", markup=False)


def show_report(found: Report, *, json: bool, verbose: bool = False, quiet: bool = False) -> None:
    """Print a report: as JSON lines in UTF-8 whatever the locale, or for people: with the ids of what is blocked
    (`verbose`), or its summary alone (`quiet`)."""
    with printing():
        if json:
            sys.stdout.buffer.write("".join(line + "\n" for line in found.lines()).encode("utf-8"))
        else:
            print_report(found, LossyConsole(highlight=False), verbose=verbose, quiet=quiet)


def remove_report(folder: Path) -> None:
    """Remove the report and the history of an earlier run, before the first request of a new one: if that is stopped,
    no old report lies beside its files. Raises BadParameter if that fails."""
    for name in (*_REPORT_FILES, HISTORY_FILE):
        try:
            (folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise typer.BadParameter(f"--report: {folder / name} cannot be removed ({error.strerror})") from None


def save_report(found: Report, folder: Path) -> bool:
    """Write report.jsonl and its renderings (HTML, Markdown, JUnit) into an existing folder; whether all could be."""
    lines = "".join(line + "\n" for line in found.lines())
    texts = (lines, to_html(found), to_markdown(found), to_junit(found))
    written = [_saved(folder / name, [text]) for name, text in zip(_REPORT_FILES, texts, strict=True)]
    return all(written)


def save_history(lines: Iterable[str], folder: Path) -> None:
    """Write history.jsonl into an existing folder. If that fails, what the run wrote of it before stays."""
    path = folder / HISTORY_FILE
    try:
        write_whole(path, lines)
    except OSError as error:
        _not_written(path, error)


def _saved(path: Path, parts: Iterable[str]) -> bool:
    """Write a file; whether it could be. If not, neither a part of it nor the file of an earlier run stays."""
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(parts)
    except OSError as error:
        path.unlink(missing_ok=True)
        _not_written(path, error)
        return False
    return True


def _not_written(path: Path, error: OSError) -> None:
    stderr().print(f"{command_name()}: {path.absolute()} cannot be written ({error.strerror})", markup=False)


def _discard(stream: IO[str]) -> None:
    """Lead a stream to nowhere, also what is still in its buffer."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
