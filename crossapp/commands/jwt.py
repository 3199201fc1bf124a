"""`crossapp jwt`: the JWT of a simulated user."""

import os
import time
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.seeded import person_of, seed_of
from harness.exit_codes import ExitCode


def jwt(
    user: Annotated[str, typer.Argument(metavar="USER", help="Id, email or role (organiser, member, outsider, ...).")],
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Seed file with which the simulators were started.")
    ] = None,
    lifetime: Annotated[
        int, typer.Option("--lifetime", metavar="SECONDS", help="Lifetime of the JWT; negative: already expired.")
    ] = 86_400,
) -> None:
    """Print a JWT of a simulated user, signed with JWT_SECRET or the local development key."""
    from simulators.kit.errors import StartError
    from simulators.tuvens_api.config import TuvensApiConfig
    from simulators.tuvens_api.jwts import mint_jwt

    person = person_of(seed_of(seed), user)
    try:
        secret = TuvensApiConfig.from_environment(os.environ).jwt_secret
    except StartError as error:
        typer.echo(f"crossapp jwt: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
    typer.echo(mint_jwt(secret, person.user, time.time(), lifetime))
