"""The seeded users that commands name."""

from collections.abc import Mapping
from pathlib import Path

import typer

from crossapp.command_name import command_name
from crossapp.commands.errors import reported
from crossapp.control import ControlClient, ControlError
from harness.exit_codes import ExitCode
from harness.running import RunningApp
from simulators.people import Person, find_person
from simulators.seed import Seed, SeedError, default_seed


def seed_of(path: Path | None) -> Seed:
    """The seed of a file, or the default one. Exits with 64 if the file is not a seed."""
    try:
        return default_seed() if path is None else Seed.read(path)
    except SeedError as error:
        typer.echo(f"{command_name()}: --seed: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None


def seed_running(apps: Mapping[str, RunningApp]) -> Seed:
    """The seed of running simulators. Exits with 64 if they do not respond."""
    name, app = next(iter(apps.items()))
    with reported(ControlError, SeedError), ControlClient(name, app.control, ca_file=app.ca_file) as client:
        return Seed.from_json(client.seed())


def person_of(seed: Seed, wanted: str) -> Person:
    """A user by id, email or role. Exits with 64 if there is none."""
    try:
        return find_person(seed, wanted)
    except LookupError as error:
        typer.echo(f"{command_name()}: {error.args[0]}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
