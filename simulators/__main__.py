"""`python -m simulators`: the same as `crossapp up`."""

import sys

import typer

from harness.exit_codes import ExitCode
from simulators.up import up


def main() -> None:
    """Run the command; bad arguments exit with 64."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(up)
    try:
        app(prog_name="python -m simulators")
    except SystemExit as left:
        # The command line library says 2, which here would mean that something could not be judged.
        sys.exit(ExitCode.USAGE if left.code == 2 else left.code)


if __name__ == "__main__":
    main()
