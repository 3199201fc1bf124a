"""`crossapp jwt`: the JWT of a simulated user."""

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from crossapp.commands.errors import reported
from crossapp.commands.instance import InstanceError, InstanceOption, choose, running
from crossapp.commands.seeded import person_of, seed_of, seed_running
from crossapp.control import ControlClient, ControlError
from harness.exit_codes import ExitCode
from harness.running import RunningApp


def jwt(
    user: Annotated[str, typer.Argument(metavar="USER", help="Id, email or role (organiser, member, outsider, ...).")],
    seed: Annotated[
        Path | None, typer.Option("--seed", metavar="FILE", help="Seed file with which the simulators were started.")
    ] = None,
    lifetime: Annotated[
        int, typer.Option("--lifetime", metavar="SECONDS", help="Lifetime of the JWT; negative: already expired.")
    ] = 86_400,
    instance: InstanceOption = None,
) -> None:
    """Print a JWT of a simulated user, signed with JWT_SECRET or the local development key.

    A running crossapp up says by its clock and its seed when and for whom it is valid.
    """
    from simulators.kit.errors import StartError
    from simulators.tuvens_api.config import TuvensApiConfig
    from simulators.tuvens_api.jwts import mint_jwt

    now, known = time.time(), None
    apps = _running(instance)
    if apps:
        known = seed_running(apps) if seed is None else None
        app = apps.get("tuvens-api")
        if app is not None:
            with reported(ControlError), ControlClient("tuvens-api", app.control, ca_file=app.ca_file) as control:
                now = control.clock.now()
    person = person_of(known or seed_of(seed), user)
    try:
        secret = TuvensApiConfig.from_environment(os.environ).jwt_secret
    except StartError as error:
        typer.echo(f"crossapp jwt: {error}", err=True)
        raise typer.Exit(ExitCode.USAGE) from None
    typer.echo(mint_jwt(secret, person.user, now, lifetime))


def _running(wanted: str | None) -> Mapping[str, RunningApp]:
    """The applications of the instance that is meant; none where none is named and not exactly one runs."""
    with reported(InstanceError):
        found = running() if wanted is None else [choose(wanted)]
    return found[0].apps if len(found) == 1 else {}
