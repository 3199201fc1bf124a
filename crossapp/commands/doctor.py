"""`crossapp doctor`: what would block a verification."""

import json as json_module
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from crossapp.checkup.checks import Checkpoint, State, exit_code_of
from crossapp.checkup.examination import Examination, examine
from crossapp.commands.awaiting import await_applications
from crossapp.commands.errors import reported, seconds_of
from crossapp.commands.output import printing
from crossapp.deployments import deployed
from crossapp.embedded import EmbeddedError
from crossapp.run import Settings
from harness.change_journal import journal_file
from harness.deployment import Deployment, DeploymentError
from harness.render.text import in_encoding, prose
from harness.render.words import count
from harness.stopping import run as run_stoppable

_WIDEST = 80
_INDENT = "        "
_VARIABLES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")


def doctor(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Deployment file (TOML or JSON).")],
    patience: Annotated[
        str, typer.Option("--patience", metavar="TIME", help="The --patience with which verify will run.")
    ] = "0",
    wait: Annotated[
        str,
        typer.Option("--wait", metavar="TIME", help="Longest wait for applications that are just starting."),
    ] = "0",
    json: Annotated[bool, typer.Option("--json", help="Write one JSON object to standard output.")] = False,
) -> None:
    """Check a deployment and its file before it is verified: name, port, TLS, routes, clock, credentials, users,
    events, limits, CORS; and say what verify will judge and what would let it judge more.

    Sends reads, requests without credentials to each route, and lets tuvens-api issue one session; to a production
    reads alone. Exit code: 0: nothing blocks verify; 1: an application deviates; 2: something is wrong or unclear,
    so a part cannot be judged; 4: an application does not respond; 64: the file cannot be used.
    """
    settings = Settings(patience=seconds_of("--patience", patience))
    with reported(DeploymentError, EmbeddedError), deployed(file) as target:
        await_applications(target, wait)
        found = run_stoppable(examine(target, settings))
        found = _with_variables(found, target)
        if journal_file(file).exists():
            found = replace(found, checks=(_changes_left(file), *found.checks))
    code = exit_code_of(found.checks, silent=bool(found.silent))
    with printing():
        if json:
            typer.echo(json_module.dumps({"type": "examination", "exit_code": int(code), **asdict(found)}))
        else:
            for line in _lines(found, min(shutil.get_terminal_size().columns, _WIDEST)):
                typer.echo(in_encoding(line, sys.stdout.encoding))
    raise typer.Exit(code)


def _changes_left(file: Path) -> Checkpoint:
    """A note that a run may have left changes."""
    text = f"{journal_file(file).name} is there: a run is under way, or was killed"
    return Checkpoint("this machine", "changes", State.NOTE, text, "crossapp cleanup undoes what a killed one changed")


def _with_variables(found: Examination, deployment: Deployment) -> Examination:
    """With a note if this machine uses a proxy, and the file names none."""
    set_here = next((each for each in _VARIABLES if os.environ.get(each)), "")
    if not set_here or deployment.proxy:
        return found
    note = Checkpoint(
        "this machine", "proxy", State.NOTE, f"{set_here} is set, and not used", "name it as proxy if needed"
    )
    return replace(found, checks=(note, *found.checks))


def _lines(found: Examination, width: int) -> Iterator[str]:
    group = ""
    for each in found.checks:
        if each.group != group:
            yield from ([""] if group else [])
            group = each.group
            yield group
        yield from _folded(each, width)
    yield ""
    yield "verify"
    yield from _folded_text(f"judges {found.judged} of {count(found.requirements, 'requirement')}", width)
    if found.blocked:
        yield from _folded_text(f"cannot judge {found.blocked} because of what is wrong above", width)
    for remedy, number in found.lacking.items():
        yield from _folded_text(f"leaves out {number}: {remedy}", width)
    yield from _folded_text(f"Sent: {count(found.sent, 'request')}, {count(found.sessions, 'session')} issued.", width)


def _folded(check: Checkpoint, width: int) -> Iterator[str]:
    state = check.state.value if check.state in (State.OK, State.NOTE, State.OPEN) else check.state.value.upper()
    text = f"{check.name}: {prose(check.text)}" if check.text else check.name
    lines = _wrap(text, width)
    yield f"  {state:<6}{lines[0]}"
    yield from (f"{_INDENT}{line}" for line in lines[1:])
    if check.remedy:
        yield from (f"{_INDENT}{line}" for line in _wrap(f"-> {prose(check.remedy)}", width))


def _folded_text(text: str, width: int) -> Iterator[str]:
    yield from textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _wrap(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width - len(_INDENT), break_long_words=False, break_on_hyphens=False)
