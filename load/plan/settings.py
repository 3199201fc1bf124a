"""The settings that a run gives to its generator processes, and the deployment file that they read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.deployment import Deployment, DeploymentError
from harness.effects import Effect, profile_of
from load.plan.arrivals import Schedule
from load.plan.measures import FLOW


@dataclass(frozen=True, slots=True)
class Bursts:
    """Requests sent at one moment, after the schedule: `size` of them, `count` times."""

    count: int
    size: int


@dataclass(frozen=True, slots=True)
class RunSettings:
    """The settings of a generator run.

    More than `max_in_flight` arrivals under way over all lanes are dropped. `drain` is how many seconds the last
    answers are waited for, `think` the pause between the steps of a flow in seconds. `lanes` are the generator
    processes. `record` is the path of the generator's log. `empty` is the address of an empty server for a calibration;
    requests then go there. `ahead` is by how many seconds the clock that dates webhooks is ahead of ours. `judge` is
    the id of the process that started the generator, which ends with it (0: none).
    """

    schedule: Schedule
    max_in_flight: int = 1000
    drain: float = 15.0
    think: float = 0.5
    listeners: int = 5
    bursts: Bursts = Bursts(5, 100)  # frozen
    lanes: int = 1
    record: str = ""
    empty: str = ""
    ahead: float = 0.0
    judge: int = 0


def stop_file(record: Path) -> Path:
    """The file whose presence asks the generator to end early."""
    return record.with_name(record.name + ".stop")


@dataclass(frozen=True, slots=True)
class AllowedJourneys:
    """The journeys that a deployment allows, with their weights, and the reasons for those that it does not allow."""

    mix: Mapping[str, float]
    left_out: Mapping[str, str] = field(default_factory=dict)


def allowed_journeys(deployment: Deployment, mix: Mapping[str, float]) -> AllowedJourneys:
    """Drop the journeys that change events without permission, or need an application that is missing."""
    out: dict[str, str] = {}
    if not deployment.safety.change_events or not deployment.events:
        out["receiveEventStatusChanged"] = (
            "no event may be changed: name events as events.tuvens, with safety.change_events = true"
        )
    if "hi.events" not in deployment.targets:
        out[FLOW] = "the deployment has no hi.events: give its url under [targets.hi.events]"
    elif not deployment.safety.change_events or not deployment.linked:
        out[FLOW] = (
            "no event that exists on both sides may be changed: name some in events.linked, with "
            "safety.change_events = true"
        )
    return AllowedJourneys({name: weight for name, weight in mix.items() if name not in out and weight > 0}, out)


def refuse_production(path: Path, value: Mapping[str, Any]) -> None:
    """Refuse the mapping of a deployment file whose kinds allow no load. Raises DeploymentError."""
    kinds = [each["kind"] for each in value.get("targets", {}).values() if "kind" in each]
    if Effect.LOAD not in profile_of(kinds):
        raise DeploymentError(
            f"{path}: a target has kind production, which is never load tested; use a staging deployment"
        )


def deployment_file(deployment: Deployment) -> dict[str, Any]:
    """A deployment in the form of a deployment file, with its secrets: for a file of mode 0600."""
    safety = {**_given(deployment.safety, "change_events", "seconds"), "exhaust_rate_limits": False}
    return {
        **_given(deployment, "name", "edition", "ca_file", "client_certificate", "client_key"),
        "targets": {
            app: _given(each, "url", "api_url", "kind", "rate_limits", "session_expiry")
            for app, each in deployment.targets.items()
        },
        "credentials": _given(deployment, "shared_secret", "jwt_secret"),
        "users": [_given(each, "role", "user_id", "email", "account_id", "jwt", "name") for each in deployment.users],
        "events": {"tuvens": list(deployment.events), "linked": [asdict(each) for each in deployment.linked]},
        "safety": safety,
    }


def _given(value: object, *names: str) -> dict[str, Any]:
    """The fields of these names that are given: neither None nor empty."""
    return {name: each for name in names if (each := getattr(value, name)) not in (None, "")}
