"""The option --wait of commands that send requests to a deployment."""

from crossapp.commands.errors import seconds_of
from crossapp.commands.output import stderr
from crossapp.waiting import wait_for
from harness.deployment import Deployment
from harness.stopping import run as run_stoppable


def await_applications(deployment: Deployment, wait: str) -> None:
    """Wait until all applications respond, at most as long as the option says. Raises BadParameter."""
    seconds = seconds_of("--wait", wait)
    if seconds:
        console = stderr()
        run_stoppable(wait_for(deployment, seconds, lambda text: console.print(text, markup=False)))
