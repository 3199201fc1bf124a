"""A plain Locust project: `locust -f load/locustfile.py --deployment examples/local.toml`.

By default it runs the closed model, whose users wait for answers (Organiser, BackEnd, Deliverer, Page; Locust's options
say how many). With --arrival-rate requests arrive at that rate. `crossapp load` runs the same file, and judges the run.
"""

import sys
from pathlib import Path
from typing import Any

import gevent
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from harness.deployment import DeploymentError
from load.generate.locust_process.options import add_options, read_ahead, settings_of
from load.generate.locust_process.reporting import ReportSink
from load.generate.locust_process.users import CLOSED, BackEnd, Deliverer, OpenModel, Organiser, Page, Shared

__all__ = ["BackEnd", "Deliverer", "OpenModel", "Organiser", "Page"]

_BAD_USAGE = 64


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
        environment.user_classes = [OpenModel] if open_model else list(CLOSED)
    try:
        deployment = read_ahead(options)
    except DeploymentError as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(_BAD_USAGE)
    if open_model and not is_worker:
        settings = settings_of(options, deployment)
        if settings.record:
            ReportSink(environment, Path(settings.record), settings.lanes, settings.judge).listen()
    # Timers count from the loop's last update of its clock, which was before all this: -t would end too early.
    gevent.get_hub().loop.update_now()


@events.test_start.add_listener
def _start(**_: Any) -> None:
    Shared.reset()
