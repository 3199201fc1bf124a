"""The command line `crossapp`."""

import atexit
import errno
import gc
import io
import os
import re
import signal
import sys
import traceback
from importlib import import_module
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from crossapp.command_name import begin, end
from crossapp.plain_help import PlainCommand
from harness.exit_codes import ExitCode

_OF_THE_MACHINE = (errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS)
_HELP = ["-h", "--help"]
_A_FILE = re.compile(r"unexpected extra argument.*\.(?:toml|json)\)$")
_STOPPED = 130
"""The exit code of a shell for a command that Ctrl-C ended."""

_COMMANDS = {
    "init": ("crossapp.commands.init:init", "Write a deployment file."),
    "doctor": ("crossapp.commands.doctor:doctor", "Check a deployment and its file before it is verified."),
    "verify": ("crossapp.commands.verify:verify", "Verify a deployment, or the embedded simulators."),
    "cleanup": ("crossapp.commands.cleanup:cleanup", "Undo what a run that was killed changed at a deployment."),
    "load": ("crossapp.commands.load:load", "Put a deployment under load and decide its budgets."),
    "up": ("crossapp.commands.up:up", "Start simulated applications on this machine."),
    "logs": ("crossapp.commands.logs:logs", "Print the traffic of the running simulators."),
    "trigger": ("crossapp.commands.trigger:trigger", "Make a simulated application act."),
    "clock": ("crossapp.commands.clock:clock", "Show or move the clocks of the running simulators."),
    "faults": ("crossapp.commands.faults:faults", "List, arm and disarm faults of the running simulators."),
    "deliveries": ("crossapp.commands.deliveries:deliveries", "List webhook deliveries, and replay one."),
    "reset": ("crossapp.commands.reset:reset", "Reset the running simulators to their seed."),
    "jwt": ("crossapp.commands.jwt:jwt", "Print a JWT of a simulated user."),
    "report": ("crossapp.commands.report:report", "Render a saved run again."),
    "keep": ("crossapp.commands.keep:keep", "Keep a saved run for gate and trend."),
    "gate": ("crossapp.commands.gate:gate", "Say whether a commit may be deployed."),
    "trend": ("crossapp.commands.trend:trend", "Show how the kept runs of an environment went."),
    "diff": ("crossapp.commands.diff:diff", "Compare two saved runs."),
    "judge": ("crossapp.commands.judge:judge", "Check a saved history or recorded traffic (HAR)."),
    "proxy": ("crossapp.commands.proxy:proxy", "Forward requests of other tools to a deployment."),
    "mocks": ("crossapp.commands.mocks:mocks", "Write mocks for unit tests in JavaScript, PHP or with WireMock."),
    "openapi": ("crossapp.commands.openapi:openapi", "Print an application's OpenAPI document."),
    "requirements": ("crossapp.commands.requirements:requirements", "List the requirements."),
    "lockstep": ("crossapp.commands.lockstep:lockstep", "Compare two deployments with random sequences of calls."),
    "prove": ("crossapp.commands.prove:prove_command", "Verify the simulators once for each named fault."),
}
"""Where each command is, and what `crossapp --help` says of it: help and completion import no command."""


class _LazyGroup(TyperGroup):
    """Imports a command when it is run, or when its own help or options are asked for."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stub, rest = super().resolve_command(ctx, args)
        begin(str(name))
        ctx.call_on_close(end)
        return name, stub and _command(str(name)), rest


def _command(name: str) -> Any:
    module, _, attribute = _COMMANDS[name][0].partition(":")
    found = getattr(import_module(module), attribute)
    if not isinstance(found, typer.Typer):
        function, found = found, typer.Typer(add_completion=False, rich_markup_mode=None)
        found.command(name, cls=PlainCommand)(function)
    command = typer.main.get_command(found)
    command.context_settings.setdefault("help_option_names", _HELP)
    return command


def _stub() -> None:
    """Stands for a command that is not imported yet."""


app = typer.Typer(
    name="crossapp",
    cls=_LazyGroup,
    help="Verify deployments of tuvens-client, tuvens-api and hi.events against their contract; simulate the APIs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": _HELP},
)


def _version(wanted: bool) -> None:
    if wanted:
        from crossapp.versions import version_line

        typer.echo(version_line())
        raise typer.Exit(ExitCode.OK)


@app.callback()
def _options(
    version: Annotated[  # its callback acts
        bool,
        typer.Option(
            "--version",
            help="Print the version, the contract's edition and the commit.",
            callback=_version,
            is_eager=True,
        ),
    ] = False,
) -> None:
    """Options of crossapp itself."""


for _name, (_, _help) in _COMMANDS.items():
    app.command(_name, short_help=_help)(_stub)


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
    # A run makes many objects that stay and few in cycles: collected as often as usual, these take a tenth of its time.
    gc.set_threshold(10_000, 20, 20)
    # Records, reports and evidence tell much of a deployment: they are for the user alone.
    os.umask(0o077)
    # SIGTERM acts as Ctrl-C, so that child processes are stopped and files with secrets removed.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = app(standalone_mode=False)
    except typer.TyperException as error:
        # All errors that the library raises can be shown, as the public subclass says and the base class does not.
        shown = cast("typer.BadParameter", error)
        shown.message = str(shown.message).replace("Value error, ", "")
        if _A_FILE.search(str(shown.message)):
            shown.message += "; a deployment file is given as --deployment FILE"
        shown.show()
        code = ExitCode.USAGE
    except typer.Exit as left:
        code = left.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _STOPPED
    except (BrokenPipeError, SystemExit) as left:
        # The library exits with 1 where a reader is gone, which would mean that a MUST is violated.
        if isinstance(left, SystemExit) and not isinstance(left.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = ExitCode.OK
    except Exception as error:
        if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
            where = f": {error.filename}" if error.filename else ""
            sys.stderr.write(f"crossapp: this machine is out of resources ({error.strerror}){where}\n")
        else:
            traceback.print_exc()
            sys.stderr.write("crossapp: this is a bug in crossapp, not in the deployment: please report it.\n")
        code = ExitCode.HARNESS_FAULT
    if code == _STOPPED:
        sys.stderr.write("Stopped.\n")
    sys.exit(int(code or 0))
