"""`crossapp judge`: judge a saved history again, without a network."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from crossapp.commands.verify import make_folder, save_report, show_report
from crossapp.run import Run, Settings, report_of, selected
from harness.exit_codes import ExitCode
from harness.history import HistoryError, read_history


def judge(
    file: Annotated[Path, typer.Argument(help="A saved history (history.jsonl).")],
    select: Annotated[list[str] | None, typer.Option("--select", "-s", help="As in verify. Repeatable.")] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Folder for the report files.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The report as JSON lines on standard output.")] = False,
) -> None:
    """Judge a saved history again, by the requirements of this version; nothing is sent."""
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    settings = Settings(tuple(select or ()))
    if not selected(settings.select):
        raise typer.BadParameter(f"no requirement matches {', '.join(settings.select)}; see crossapp requirements")
    make_folder(report)
    try:
        with file.open(encoding="utf-8") as lines:
            history = read_history(lines)
        first, last = history.span
        started = f"{datetime.fromtimestamp(first, UTC):%Y-%m-%dT%H:%M:%SZ}"
        found = report_of(Run(history, (), started, last - first), settings)
    except OSError as error:
        errors.print(f"crossapp: {file}: cannot be read ({error.strerror})", style="red", markup=False)
        raise typer.Exit(ExitCode.USAGE) from None
    except UnicodeDecodeError:
        errors.print(f"crossapp: {file}: is not UTF-8 text", style="red", markup=False)
        raise typer.Exit(ExitCode.USAGE) from None
    except (HistoryError, ValueError, OverflowError) as error:
        errors.print(f"crossapp: {file}: {error}", style="red", markup=False)
        raise typer.Exit(ExitCode.USAGE) from None
    if report is not None:
        save_report(found, report)
    show_report(found, json=json)
    raise typer.Exit(found.footer.exit_code)
