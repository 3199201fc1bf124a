"""`crossapp diff`: what changed between two saved runs."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.output import printing
from crossapp.commands.report import load
from harness.compare import compare
from harness.exit_codes import ExitCode
from harness.render.text import in_encoding, visible


def diff(
    before: Annotated[Path, typer.Argument(metavar="A", help="The earlier saved report.")],
    after: Annotated[Path, typer.Argument(metavar="B", help="The later saved report.")],
    as_json: Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")] = False,
) -> None:
    """Compare two saved runs. Exit code 0 if nothing got worse, 1 if something did."""
    comparison = compare(load(before), load(after))
    with printing():
        if as_json:
            typer.echo(comparison.to_json())
        else:
            for line in comparison.lines():
                typer.echo(in_encoding(visible(line), sys.stdout.encoding))
    raise typer.Exit(ExitCode.VIOLATED if comparison.worse else ExitCode.OK)
