"""The command line `crossapp`."""

import atexit
import errno
import io
import os
import signal
import sys
import traceback
from typing import cast

import typer

from crossapp.commands.diff import diff
from crossapp.commands.judge import judge
from crossapp.commands.jwt import jwt
from crossapp.commands.load import load
from crossapp.commands.lockstep import lockstep
from crossapp.commands.prove import prove_command
from crossapp.commands.proxy import proxy
from crossapp.commands.report import report
from crossapp.commands.requirements import requirements
from crossapp.commands.trigger import trigger
from crossapp.commands.verify import verify
from harness.exit_codes import ExitCode
from simulators.up import up

_OF_THE_MACHINE = (errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS)
_STOPPED = 130
"""The exit code of a shell for a command that Ctrl-C ended."""

app = typer.Typer(
    name="crossapp",
    help="Verify deployments of tuvens-client, tuvens-api and hi.events against their contract; simulate the APIs.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(verify)
app.command()(load)
app.command()(up)
app.add_typer(trigger, name="trigger")
app.command()(jwt)
app.command()(report)
app.command()(diff)
app.command()(judge)
app.command()(proxy)
app.command()(requirements)
app.command()(lockstep)
app.command("prove")(prove_command)


def _interrupt(*_: object) -> None:
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A script that starts a command in the background has it ignore Ctrl-C.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)


def main() -> None:
    """Run the command line and exit: with a command's own code (docs/report-format.md), 64 for bad arguments, 3 for a
    crash of crossapp, 130 if it was stopped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller
            nothing = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115  # until the end
            atexit.register(nothing.close)
            setattr(sys, name, nothing)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # SIGTERM acts as Ctrl-C, so that child processes are stopped and files with secrets removed.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        # All errors that the library raises can be shown, as the public subclass says and the base class does not.
        cast("typer.BadParameter", error).show()
        code = ExitCode.USAGE
    except typer.Exit as left:
        code = left.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            where = f": {error.filename}" if error.filename else ""
            sys.stderr.write(f"crossapp: this machine is at its end ({error.strerror}){where}\n")
        else:
            traceback.print_exc()
            sys.stderr.write("crossapp: a fault of crossapp, not of the deployment: please report it.\n")
        code = ExitCode.HARNESS_FAULT
    if code == _STOPPED:
        sys.stderr.write("Stopped.\n")
    sys.exit(int(code or 0))
