"""A rehearsal: the stories of a run are driven against simulators with the users and events of the deployment file, so
that every request is known before one is sent."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from contracts.gate import Gate
from contracts.request_effects import SentRequest
from crossapp.beside import seed_of
from crossapp.deployments import SIMULATED
from crossapp.embedded import embedded
from crossapp.run import Settings, perform
from harness.capabilities import allowed_effects
from harness.change_journal import ChangeJournal
from harness.deployment import Deployment, Linked, Target
from harness.drive import Progress
from harness.effects import named
from harness.private_folder import PrivateFolder
from harness.story import Phase, Story
from scenarios.catalogue import declared_by

_BEYOND = ("database", "audit-log", "metrics", "launch", "https", "expiry", "retries", "failures")
"""Capabilities of which simulators show nothing about a deployment."""
_WAIT = 2.0
"""Seconds after which a story that only waits has sent what it sends."""


@dataclass(frozen=True, slots=True)
class PlannedRequests:
    """Requests that are alike: the application, the method, the operation ("": of no document), as whom, with which
    effects."""

    app: str
    method: str
    operation: str
    user: str
    effects: str
    requests: int


def can_rehearse(story: Story) -> bool:
    """Whether a story sends the same to simulators as to a deployment."""
    return not any(need.partition(":")[0] in _BEYOND for need in story.needs)


def rehearse(
    deployment: Deployment,
    settings: Settings,
    stories: Sequence[Story],
    progress: Progress = lambda story, state: None,
) -> tuple[PlannedRequests, ...]:
    """The requests that the stories will send, counted as simulators get them. Raises EmbeddedError if these do not
    start."""
    with _standing_in(deployment) as simulated:
        # It stands for the journal of the run: the states before and the undoing are requests, too.
        real = [app for app, each in deployment.targets.items() if each.kind != "simulated"]
        gate = Gate(simulated, declared_by, allowed_effects(deployment), journal=ChangeJournal(real))
        brief = [replace(each, run=_briefly(each)) if each.phase is Phase.WAITING else each for each in stories]
        run = perform(simulated, replace(settings, evidence=None), progress, gate=gate, chosen=brief, like=deployment)
        asyncio.run(run)
    return counted(gate.sent)


def counted(sent: Sequence[SentRequest]) -> tuple[PlannedRequests, ...]:
    """Requests that are alike, counted."""
    found = Counter((each.app, each.method, each.operation, each.user, named(each.effects)) for each in sent)
    return tuple(PlannedRequests(*alike, requests) for alike, requests in sorted(found.items()))


def _briefly(story: Story) -> Callable[[Any], Awaitable[None]]:
    async def run(cast: object) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(story.run(cast), _WAIT)

    return run


@contextmanager
def _standing_in(deployment: Deployment) -> Iterator[Deployment]:
    """Simulators in place of the applications of a deployment, inside the block: with its users, events and kinds, and
    without a limit of time."""
    seed = seed_of(deployment, users=True, tuvens_api=False)
    with PrivateFolder() as folder:
        file = folder / "seed.json"
        file.write_text(json.dumps(seed.to_json()), "utf-8")
        arguments = [part for app in SIMULATED for part in ("--port", f"{app}=0")]
        arguments += ["--seed", str(file), "--limits", "raised", "--no-control"]
        if deployment.return_origin:
            arguments += ["--origin", deployment.return_origin]
        with embedded(arguments) as described:
            people = {each["user_id"]: each for each in described["users"]}
            users = [
                replace(each, jwt=there["jwt"], user_id=there["user_id"], email=there["email"], name=there["name"])
                for each, person in zip(deployment.users, seed.users, strict=True)
                for there in [people[str(person.id)]]
            ]
            hi_ids = {each["tuvens"]: str(each["hi"]) for each in described["events"]["linked"]}
            yield replace(
                deployment,
                targets={app: _target(deployment, app, described["targets"][app]) for app in deployment.targets},
                users=tuple(users),
                shared_secret=described["credentials"]["shared_secret"],
                jwt_secret=described["credentials"]["jwt_secret"] if deployment.jwt_secret else "",
                linked=tuple(Linked(hi_ids[each.tuvens], each.tuvens) for each in deployment.linked),
                safety=replace(deployment.safety, requests_a_second=0.0),
                ca_file="",
                receiver=None,
            )


def _target(deployment: Deployment, app: str, simulator: Mapping[str, Any]) -> Target:
    real, tickets = deployment.targets[app], deployment.targets.get("hi.events")
    origins = real.cors_origins
    if app == "tuvens-api" and not origins and tickets is not None and tickets.kind != "simulated":
        origins = (tickets.url,)
    url = simulator["url"]
    return Target(app, url, url, real.kind, real.session_expiry, simulator["rate_limits"], origins)
