"""`crossapp reset`: put running simulators back to their seed."""

from typing import Annotated

import typer

from crossapp.commands.instance import AppOption, InstanceOption, controlled
from crossapp.control import reset_all


def reset(
    everything: Annotated[
        bool, typer.Option("--everything", help="Also clock, faults, rate limits and seed, as at the start.")
    ] = False,
    app: AppOption = None,
    instance: InstanceOption = None,
) -> None:
    """Reset the running simulators to their seed: data, sessions, deliveries, rate-limit counters, journal."""
    with controlled(instance, app) as apps:
        reset_all(apps, everything=everything)
        what = "Everything is as at the start" if everything else "Back to the seed; clock and faults stay"
        typer.echo(f"{what}: {', '.join(apps)}.")
