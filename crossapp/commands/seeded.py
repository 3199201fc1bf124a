"""The seeded users that commands name."""

from pathlib import Path

import typer

from crossapp.command_name import command_name
from harness.exit_codes import ExitCode
from simulators.people import Person, find_person
from simulators.seed import Seed, SeedError, default_seed


def seed_of(path: Path | None) -> Seed:
    """The seed of a file, or the default one. Exits with 64 if the file is not a seed."""
    try:
        return default_seed() if path is None else Seed.read(path)
    except SeedError as error:
        typer.echo(f"{command_name()}: --seed: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None


def person_of(seed: Seed, wanted: str) -> Person:
    """A user by id, email or role. Exits with 64 if there is none."""
    try:
        return find_person(seed, wanted)
    except LookupError as error:
        typer.echo(f"{command_name()}: {error.args[0]}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
