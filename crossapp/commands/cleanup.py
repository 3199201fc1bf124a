"""`crossapp cleanup`: undo what a run changed at a deployment that was killed before it could do so itself."""

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from contracts.gate import Gate
from contracts.recording import recorder_for
from crossapp.commands.errors import reported
from crossapp.commands.output import printing
from crossapp.deployments import described, journal_of
from crossapp.run import Settings, context_of
from harness.capabilities import allowed_effects
from harness.change_journal import ChangeJournal, journal_file
from harness.deployment import Deployment, DeploymentError, Linked
from harness.exit_codes import ExitCode
from harness.history import History
from harness.render.text import in_encoding, prose
from harness.stopping import run as run_stoppable
from scenarios.cast.cast import Cast
from scenarios.cast.stage import Stage
from scenarios.catalogue import declared_by
from scenarios.cleaning_up import clean_up, cleaning_up, sessions_left


def cleanup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Deployment file (TOML or JSON) of the run.")],
) -> None:
    """Undo what a run of crossapp verify changed at a deployment, if it was killed before it could do so itself.

    Events get the state back that they had before the run. What no request of the contract can undo is listed. Exit
    code: 0: nothing is left that could be undone; 2: something could not be undone now; 64: the file cannot be used.
    """
    with reported(DeploymentError):
        deployment = described(file)
        if not journal_file(file).exists():
            typer.echo(f"Nothing to undo: no run on {file} was killed.")
            raise typer.Exit(ExitCode.OK)
        journal = journal_of(file, deployment)
    lines: list[str] = []
    done = True
    if journal is not None:
        try:
            lines = run_stoppable(_undone(deployment, journal))
            done = not journal.changed
        finally:
            journal.close()
    with printing():
        for line in lines:
            typer.echo(in_encoding(prose(line), sys.stdout.encoding))
    raise typer.Exit(ExitCode.OK if done else ExitCode.UNDECIDED)


def undo_earlier(deployment: Deployment, journal: ChangeJournal, console: Console) -> None:
    """Undo what an earlier run that was killed changed, and print what is left."""
    console.print("An earlier run was killed. What it changed is undone first.", markup=False)
    for line in run_stoppable(_undone(deployment, journal)):
        console.print(prose(line), markup=False)


@contextmanager
def changes_undone(file: Path | None, deployment: Deployment, console: Console) -> Iterator[None]:
    """A block in which many requests change the events of a deployment file: their states are noted before it, and
    undone after it, also when it is stopped; what an earlier run left is undone first. What is left is printed. Raises
    DeploymentError."""
    journal = journal_of(file, deployment) if deployment.safety.change_events else None
    if journal is None:
        yield
        return
    with closing(journal):
        if journal.changed:
            undo_earlier(deployment, journal, console)
        run_stoppable(_note_all(deployment, journal))
        try:
            yield
        finally:
            _note_changes(deployment, journal)  # the last of them are of now
            told = run_stoppable(_undone(deployment, journal))
            few = list(sessions_left(journal))  # ours alone, of very many
            for line in told:
                if line not in few:
                    console.print(prose(line), markup=False)


async def _note_all(deployment: Deployment, journal: ChangeJournal) -> None:
    """Note the state of every event that may be changed, and that it is about to be."""
    gate = Gate(deployment, declared_by, allowed_effects(deployment), journal=journal)
    recorder = recorder_for(deployment, History(context_of(deployment, Settings())), gate=gate)
    stage = Stage(deployment, recorder, journal=journal)
    try:
        for event in _all_events(deployment):
            await stage.states.note(event)
    finally:
        await stage.close()
    _note_changes(deployment, journal)


def _note_changes(deployment: Deployment, journal: ChangeJournal) -> None:
    for event in _all_events(deployment):
        journal.changes("tuvens-api", event.tuvens)
        if event.hi:
            journal.changes("hi.events", event.hi)


def _all_events(deployment: Deployment) -> list[Linked]:
    linked = list(deployment.changeable_linked)
    known = {each.tuvens for each in linked}
    return [*linked, *(Linked("", each) for each in deployment.changeable_events if each not in known)]


async def _undone(deployment: Deployment, journal: ChangeJournal) -> list[str]:
    gate = Gate(deployment, declared_by, allowed_effects(deployment), journal=journal)
    stage = Stage(deployment, recorder_for(deployment, History(context_of(deployment, Settings())), gate=gate))
    try:
        return await clean_up(Cast(stage, cleaning_up(journal)), journal)
    finally:
        await stage.close()
