"""What a run hands to its generator processes, and the deployment as a file that they read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.deployment import Deployment
from load.plan.arrivals import Schedule

FLOW = "flow"
"""The journey through all applications; each other one is a single call, named by its operationId."""
MIX: Mapping[str, float] = {
    "generateSession": 30.0,
    "validateSession": 30.0,
    "listUserAccounts": 10.0,
    "validatePermission": 10.0,
    "receiveEventStatusChanged": 18.0,
    FLOW: 2.0,
}
"""Journeys and how often each is due, relative to the others."""


@dataclass(frozen=True, slots=True)
class Bursts:
    """Requests at one moment, after the schedule: `count` times `size`."""

    count: int
    size: int


@dataclass(frozen=True, slots=True)
class RunSettings:
    """`lanes`: generator processes; `max_in_flight`: arrivals under way over all lanes, more are dropped; `drain`:
    seconds that are waited for the last answers; `think`: seconds between the steps of a flow; `record`: the file that
    reports go to; `empty`: the address of an empty server to calibrate against, instead of the deployment; `judge`: the
    process that started the generator and without which it ends (0: none)."""

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
    """The file whose presence asks a run to end early."""
    return record.with_name(record.name + ".stop")


@dataclass(frozen=True, slots=True)
class Left:
    """Journeys that a deployment allows, and those that it does not, with the reason."""

    mix: Mapping[str, float]
    out: Mapping[str, str] = field(default_factory=dict)


def allowed(deployment: Deployment, mix: Mapping[str, float]) -> Left:
    """Leave out what would change events that may not be changed, or needs what is not there."""
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
    return Left({name: weight for name, weight in mix.items() if name not in out and weight > 0}, out)


def deployment_file(deployment: Deployment) -> dict[str, Any]:
    """A deployment as the mapping of a deployment file, secrets in it: for a file that only we can read."""
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
