"""The settings that a run gives to its generator processes, and the deployment file that they read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.deployment import Deployment
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

    `lanes` are the generator processes. More than `max_in_flight` arrivals under way over all lanes are dropped.
    `drain` is how many seconds the last answers are waited for, `think` the pause between the steps of a flow.
    `record` is the path of the generator's log. `empty` is the address of an empty server for a calibration; requests
    then go there. `judge` is the id of the process that started the generator, which ends with it (0: none).
    """

    schedule: Schedule
    lanes: int
    max_in_flight: int
    drain: float
    think: float
    listeners: int
    bursts: Bursts
    record: str
    empty: str = ""
    judge: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON; `from_json` reads it back."""
        return {**asdict(self), "schedule": self.schedule.to_json()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "RunSettings":
        """Read what `to_json` wrote."""
        return cls(**{**value, "schedule": Schedule.from_json(value["schedule"]), "bursts": Bursts(**value["bursts"])})


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


def deployment_file(deployment: Deployment) -> dict[str, Any]:
    """A deployment in the form of a deployment file, with its secrets: for a file of mode 0600."""
    return {
        "name": deployment.name,
        "edition": deployment.edition,
        "targets": {
            app: {
                "url": each.url,
                "api_url": each.api_url,
                "kind": each.kind,
                "rate_limits": dict(each.rate_limits),
                **({"session_expiry": each.session_expiry} if each.session_expiry else {}),
            }
            for app, each in deployment.targets.items()
        },
        "credentials": {
            "shared_secret": deployment.shared_secret,
            **({"jwt_secret": deployment.jwt_secret} if deployment.jwt_secret else {}),
        },
        "users": [
            {
                "role": each.role,
                "user_id": each.user_id,
                "email": each.email,
                "account_id": each.account_id,
                "jwt": each.jwt,
                **({"name": each.name} if each.name is not None else {}),
            }
            for each in deployment.users
        ],
        "events": {
            "tuvens": list(deployment.events),
            "linked": [{"hi": each.hi, "tuvens": each.tuvens} for each in deployment.linked],
        },
        "safety": {
            "change_events": deployment.safety.change_events,
            "seconds": deployment.safety.seconds,
            "exhaust_rate_limits": False,
        },
        **({"ca_file": deployment.ca_file} if deployment.ca_file else {}),
    }
