"""Command-line options of the Locust project: the deployment, and the settings of an open-model run."""

import json
import os
from argparse import Namespace
from pathlib import Path

from locust.argument_parser import LocustArgumentParser

import openapi
from harness.deployment import Deployment
from harness.deployment_file import build_deployment, read_deployment
from harness.typed import typed
from load.plan.arrivals import ArrivalModel, RateStage, Schedule
from load.plan.measures import MIX
from load.plan.settings import Bursts, RunSettings, allowed_journeys, refuse_production

DEPLOYMENT_VARIABLE = "CROSSAPP_DEPLOYMENT"
_A_DAY = 86_400.0


def add_options(parser: LocustArgumentParser) -> None:
    """Add our options. The web UI shows them, except the rate: it determines the user classes, which Locust keeps."""
    group = parser.add_argument_group("crossapp")
    group.add_argument(
        "--deployment",
        default="examples/local.toml",
        help="Deployment file (TOML or JSON); a worker on another machine reads the one in CROSSAPP_DEPLOYMENT.",
    )
    parser.add_argument(
        "--arrival-rate",
        type=float,
        default=0.0,
        include_in_web_ui=False,
        help="Open model: so many arrivals a second in all. 0: the closed model, whose users wait for answers.",
    )
    group.add_argument("--arrival-model", choices=[each.value for each in ArrivalModel], default="poisson")
    group.add_argument("--arrival-seed", type=int, default=0)
    group.add_argument("--think", type=float, default=0.5, help="Seconds between the steps of a flow.")
    # Written by `crossapp load`; everything of a run in one JSON object.
    parser.add_argument("--crossapp-run", default="", include_in_web_ui=False, help="For crossapp load's own use.")


_read: dict[Path, Deployment] = {}


def read_ahead(options: Namespace) -> Deployment:
    """Read the deployment before the first test starts: commands that print JWTs may take seconds. Raises
    DeploymentError."""
    path = _path(options)
    found = _read[path] = _deployment(path)
    return found


def deployment_of(options: Namespace) -> Deployment:
    """The deployment of a test, read again for each test but the first. Raises DeploymentError."""
    path = _path(options)
    return _read.pop(path, None) or _deployment(path)


def _path(options: Namespace) -> Path:
    return Path(os.environ.get(DEPLOYMENT_VARIABLE) or options.deployment)


def _deployment(path: Path) -> Deployment:
    apps, editions = openapi.APPS, (openapi.EDITION,)
    value = read_deployment(path, apps=apps, editions=editions)
    refuse_production(path, value)
    return build_deployment(value, apps=apps, editions=editions)


def settings_of(options: Namespace, deployment: Deployment) -> RunSettings:
    """The settings of `crossapp load`, or of an open-model run until it is stopped."""
    if options.crossapp_run:
        return typed(RunSettings, json.loads(options.crossapp_run))
    rate = options.arrival_rate
    schedule = Schedule(
        (RateStage("steady", _A_DAY, rate, rate),),
        ArrivalModel(options.arrival_model),
        options.arrival_seed,
        allowed_journeys(deployment, MIX).mix,
    )
    lanes = max(int(options.expect_workers or 1), 1)
    return RunSettings(schedule, drain=10.0, think=options.think, listeners=0, bursts=Bursts(0, 0), lanes=lanes)
