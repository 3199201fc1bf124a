"""The running `crossapp up` that a command is about."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer

from crossapp.commands.errors import reported
from crossapp.control import ControlClient, ControlError
from harness.running import Instance, instances
from harness.suggestions import meant

InstanceOption = Annotated[
    str | None,
    typer.Option("--instance", metavar="PORT", help="Which running crossapp up, by one of its ports, if several are."),
]
AppOption = Annotated[
    str | None, typer.Option("--app", metavar="APP", help="Only this application: tuvens-api, hi.events, ….")
]

_SECONDS = 15.0
"""The control plane is made at its first call, which a busy machine delays."""


class InstanceError(LookupError):
    """Which instance is meant cannot be said; the text names the remedy."""


def running() -> list[Instance]:
    """The instances of `crossapp up` that respond."""
    return [each for each in instances() if _responds(each)]


def choose(wanted: str | None) -> Instance:
    """The instance that has a port, or the only one. Raises InstanceError."""
    found = running()
    if not found:
        raise InstanceError("no crossapp up is running; start one with: crossapp up")
    titles = ", ".join(each.title for each in found)
    if wanted is not None:
        fitting = [each for each in found if wanted in each.ports]
        if not fitting:
            raise InstanceError(f"--instance: no crossapp up has the port {wanted}; running: {titles}")
        return fitting[0]
    if len(found) > 1:
        raise InstanceError(f"several are running: {titles}; name one: --instance {found[0].ports[0]}")
    return found[0]


@contextmanager
def controlled(wanted: str | None, app: str | None = None) -> Iterator[Mapping[str, ControlClient]]:
    """The control planes of an instance, or the one of `app`, inside the block; what they refuse ends the command with
    64, as does an instance or an application that is not there."""
    with reported(ControlError, InstanceError), ExitStack() as clients:
        apps = choose(wanted).apps
        if app is not None and app not in apps:
            raise InstanceError(f"{app} is not running; {meant(app, apps)}")
        yield {
            name: clients.enter_context(ControlClient(name, each.control, ca_file=each.ca_file))
            for name, each in apps.items()
            if app in (None, name)
        }


def _responds(instance: Instance) -> bool:
    name, app = next(iter(instance.apps.items()))
    with ControlClient(name, app.control, timeout=_SECONDS, ca_file=app.ca_file) as client:
        try:
            return bool(client.call("GET", "/ready")["app"] == name)
        except (ControlError, ValueError, KeyError, TypeError):
            return False
