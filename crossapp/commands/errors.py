"""How commands report the errors of their users."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from crossapp.command_name import command_name
from crossapp.commands.output import stderr
from harness.durations import seconds
from harness.exit_codes import ExitCode
from harness.extras import is_installed, remedy


@contextmanager
def reported(*kinds: type[Exception], at: str = "", code: ExitCode = ExitCode.USAGE) -> Iterator[None]:
    """Print an error of these kinds in one line, after `at`, and exit with a code."""
    try:
        yield
    except kinds as error:
        text = str(error)
        if isinstance(error, OSError):
            text = f"cannot be read ({error.strerror})"
        if isinstance(error, UnicodeDecodeError):
            text = "is not UTF-8 text"
        stderr().print(f"{command_name()}: {at}{text}", style="red", markup=False)
        raise typer.Exit(code) from None


def need(extra: str) -> None:
    """Raise BadParameter if an extra is not installed."""
    if not is_installed(extra):
        raise typer.BadParameter(remedy(extra))


def seconds_of(option: str, text: str) -> float:
    """The value of an option such as 90s or 16m in seconds. Raises BadParameter."""
    try:
        return seconds(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from None
