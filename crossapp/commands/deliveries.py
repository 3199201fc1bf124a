"""`crossapp deliveries`: the webhooks of running simulators, and sending one again."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from crossapp.commands.instance import InstanceOption, controlled
from crossapp.control import ControlClient
from crossapp.plain_help import PlainCommand

deliveries = typer.Typer(name="deliveries", add_completion=False, rich_markup_mode=None)
_SENDER = "hi.events"


@deliveries.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="Only the last N.")] = 20,
    instance: InstanceOption = None,
) -> None:
    """List the webhook deliveries of the running hi.events: number, event, state, the status of each attempt."""
    context.obj = instance
    if context.invoked_subcommand is not None:
        return
    with controlled(instance, _SENDER) as apps:
        found = apps[_SENDER].deliveries(limit=last)
    if not found:
        typer.echo("No webhook was sent yet. Send one: crossapp trigger status 11 LIVE")
    for each in found:
        typer.echo(f"#{each['id']:<4} event {each['event_id']:<6} {each['state']:<10} {_tries(each)}".rstrip())


@deliveries.command(cls=PlainCommand)
def replay(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="N", min=1, help="The number of the delivery.")],
    instance: InstanceOption = None,
) -> None:
    """Send a delivery once more, byte for byte."""
    with controlled(instance or context.obj, _SENDER) as apps:
        print_replay(apps[_SENDER], number)


def print_replay(sender: ControlClient, number: int) -> None:
    """Send a delivery once more, and print what came of it. Raises ControlError."""
    attempt = sender.replay(number)["attempt"]
    typer.echo(f"#{number} was sent again: {attempt['error'] or attempt['status']}, {attempt['seconds'] * 1000:.0f} ms")


def _tries(delivery: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{each['status'] or 'no response'}{' (replay)' if each['replay'] else ''}" for each in delivery["tries"]
    )
