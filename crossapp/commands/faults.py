"""`crossapp faults`: the faults of running simulators, listed by application and area, armed and disarmed."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from textwrap import fill
from typing import Annotated, Any

import typer

from crossapp.commands.errors import reported
from crossapp.commands.instance import AppOption, InstanceOption, controlled, running
from crossapp.commands.output import printing
from crossapp.control import ControlClient, ControlError
from crossapp.plain_help import PlainCommand
from harness.suggestions import meant
from simulators.kit.fault_specs import FaultSpecError, is_spec, read_spec

faults = typer.Typer(name="faults", add_completion=False, rich_markup_mode=None)

_WIDTH = 79
_EXAMPLES = (
    "generateSession:respond=503x2",
    "getEvent:delay=3s",
    "showWidget:hang",
    "streamEventUpdates:dropx1",
    "wrapGenerateSession:malformed",
)
Listed = Mapping[str, Any]


@faults.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="All faults, with what each does.")] = False,
    area: Annotated[
        str | None, typer.Option("--area", metavar="AREA", help="The faults of one area, such as sessions.")
    ] = None,
    app: AppOption = None,
    instance: InstanceOption = None,
) -> None:
    """List the faults of the running simulators: what is armed, a short list for front-end work, and the areas. If none
    are running, list what can be armed."""
    context.obj = instance
    if context.invoked_subcommand is not None:
        return
    if instance is None and not running():
        found = [each for each in _known() if app in (None, each["app"])]
        typer.echo("No crossapp up is running: none of these is armed.", err=True)
    else:
        with controlled(instance, app) as apps:
            found = [each for client in apps.values() for each in client.faults()]
    with printing():
        if area is not None:
            known = dict.fromkeys(each["area"] for each in found)
            if area not in known:
                raise typer.BadParameter(f"--area: unknown area {area!r}; {meant(area, known)}")
            _print_groups(each for each in found if each["area"] == area)
        elif everything:
            _print_groups(found)
        else:
            _print_short(found)


@faults.command(cls=PlainCommand)
def arm(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="FAULT", help="Names of faults, or OPERATION:ACTION.")],
    times: Annotated[
        int | None, typer.Option("--times", metavar="N", min=1, help="For the next N requests that it concerns.")
    ] = None,
    instance: InstanceOption = None,
) -> None:
    """Arm faults, until they are disarmed or for the next N requests."""
    with reported(FaultSpecError), controlled(instance or context.obj) as apps:
        # All of them before the first is armed: a wrong name changes nothing.
        for client, name in [(_owner(apps, name), name) for name in names]:
            armed = client.arm(name, times=times)
            left = armed["left"]
            limit = "" if left is None else f" for the next {left} requests" if left > 1 else " for the next request"
            typer.echo(f"{client.app}: {armed['name']} is armed{limit}.")


@faults.command(cls=PlainCommand)
def disarm(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(metavar="FAULT", help="Names of faults; none: all.")] = None,
    instance: InstanceOption = None,
) -> None:
    """Disarm faults, or all of them."""
    with controlled(instance or context.obj) as apps:
        for client, name in [(_owner(apps, name), name) for name in names or ()]:
            client.disarm(name)
            typer.echo(f"{client.app}: {name} is disarmed.")
        if not names:
            for client in apps.values():
                client.disarm()
            typer.echo(f"All faults are disarmed: {', '.join(apps)}.")


def _known() -> list[dict[str, Any]]:
    """All faults, as running simulators without an armed one list them."""
    # Imported here: the faults of all simulators take long to import.
    from simulators.faults import FAULTS
    from simulators.kit.faults import FaultRuntime

    return sorted(FaultRuntime(FAULTS).report(), key=lambda each: str(each["app"]))


def _owner(apps: Mapping[str, ControlClient], name: str) -> ControlClient:
    """The application that has a fault. Raises ControlError."""
    known: dict[str, ControlClient] = {}
    for client in apps.values():
        known |= {each["name"]: client for each in client.faults()}
    if name not in known and is_spec(name):
        app = read_spec(name).app
        if app not in apps:
            raise ControlError(f"the fault {name} belongs to {app}, which is not running")
        return apps[app]
    if name not in known:
        raise ControlError(f"no fault is named {name!r}; {_near(name, known)}")
    return known[name]


def _near(name: str, known: Mapping[str, object]) -> str:
    said = meant(name, known)
    return said if said.startswith("did") else "crossapp faults --all shows all"


def _print_short(found: Sequence[Listed]) -> None:
    armed = [each for each in found if each["armed"]]
    typer.echo("Armed:" if armed else "Armed: none; the simulators follow the contract.")
    for each in armed:
        left = "" if each["left"] is None else f", {each['left']} left"
        typer.echo(f"  {each['app']:<13} {each['name']}  (fired {each['fired']}×{left})")
    typer.echo("\nFor front-end work:")
    _print_faults(each for each in found if each["front_end"])
    typer.echo("\nAny operation, for any number of requests (x2: two), such as:")
    for example in _EXAMPLES:
        typer.echo(f"  {example}")
    typer.echo("\nMore, by area (crossapp faults --area NAME):")
    for app, mine in groupby(found, key=lambda each: each["app"]):
        areas = ", ".join(sorted({each["area"] for each in mine}))
        typer.echo(fill(areas, _WIDTH, initial_indent=f"  {app:<13} ", subsequent_indent=" " * 16))
    typer.echo("\nArm one: crossapp faults arm NAME --times 2; disarm all: crossapp faults disarm")


def _print_groups(found: Iterable[Listed]) -> None:
    ordered = sorted(found, key=lambda each: (each["app"], each["area"], each["name"]))
    for number, ((app, area), mine) in enumerate(groupby(ordered, key=lambda each: (each["app"], each["area"]))):
        typer.echo(f"{chr(10) if number else ''}{app}, {area}:")
        _print_faults(mine)


def _print_faults(found: Iterable[Listed]) -> None:
    for each in found:
        notes = [each["suite"]] if each["suite"] != "verify" else []
        notes += [each["kind"]] if each["kind"] != "fault" else []
        notes += ["armed"] if each["armed"] else []
        noted = ", ".join(notes)
        typer.echo(f"  {each['name']}{f'  ({noted})' if noted else ''}")
        typer.echo(fill(each["sentence"], _WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6))
