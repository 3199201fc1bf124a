"""A plain Locust project: `locust -f load/locustfile.py --deployment examples/local.toml`.

The users below wait for responses and think (closed model); Locust's options say how many there are. With
--arrival-rate requests arrive at that rate instead (open model). `crossapp load` runs the same file and judges the run.
To add a task, see docs/load.md.
"""

import sys
from pathlib import Path
from typing import Any

import gevent
from locust import between, constant, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.deployment import DeploymentError
from load.generate.locust_process.options import add_options, read_ahead, settings_of
from load.generate.locust_process.reporting import ReportSink
from load.generate.locust_process.users import DeploymentUser, OpenModel, Shared

_BAD_USAGE = 64


class Organiser(DeploymentUser):
    """Runs flows: token, sign-in at hi.events, event set live or back, tuvens-api follows."""

    weight = 2
    wait_time = between(1, 3)

    @task
    def flow(self) -> None:
        """One flow."""
        self.journeys.flow(self.client, self.now())


class BackEnd(DeploymentUser):
    """The back end of hi.events, and tuvens-client: single calls."""

    weight = 6
    wait_time = between(0.2, 1)

    @task(3)
    def generate(self) -> None:
        """A user requests a session token."""
        self.journeys.generate(self.client, self.now())

    @task(3)
    def validate(self) -> None:
        """hi.events validates a session token."""
        if self.has_session():
            self.journeys.validate(self.client, self.now())

    @task
    def accounts(self) -> None:
        """hi.events lists the accounts of a user."""
        if self.has_session():
            self.journeys.accounts(self.client, self.now())

    @task
    def permission(self) -> None:
        """hi.events checks a permission."""
        if self.has_session():
            self.journeys.permission(self.client, self.now())


class Deliverer(DeploymentUser):
    """hi.events' webhooks, correctly signed."""

    weight = 2
    wait_time = between(0.2, 1)

    @task
    def deliver(self) -> None:
        """The status of an event changed."""
        self.journeys.webhook(self.client, self.now())


class Page(DeploymentUser):
    """An open event page, which listens for updates."""

    weight = 1
    wait_time = constant(1)

    @task
    def listen(self) -> None:
        """Listen until the test stops. The statistics have an entry for each connection and for each message."""
        self.listen_to_updates()


@events.init_command_line_parser.add_listener
def _options(parser: LocustArgumentParser, **_: Any) -> None:
    add_options(parser)


@events.init.add_listener
def _choose(environment: Environment, **_: Any) -> None:
    """Choose the users of the closed or of the open model, and start to collect reports."""
    options = environment.parsed_options
    assert options is not None
    is_worker = isinstance(environment.runner, WorkerRunner)
    open_model = bool(options.crossapp_run) or options.arrival_rate > 0
    if not is_worker:
        environment.user_classes = [each for each in environment.user_classes if (each is OpenModel) is open_model]
    try:
        deployment = read_ahead(options)
    except DeploymentError as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(_BAD_USAGE)
    environment.host = environment.host or deployment.targets["tuvens-api"].api_url
    if open_model and not is_worker:
        settings = settings_of(options, deployment)
        if settings.record:
            ReportSink(environment, Path(settings.record), settings.lanes, settings.judge).listen()
    # Timers count from the loop's last update of its clock, which was before all this: -t would end too early.
    gevent.get_hub().loop.update_now()


@events.test_start.add_listener
def _start(**_: Any) -> None:
    Shared.reset()
