"""The deployment of a load run: a file's, or embedded simulators with so many users that each stays within its rate
limits."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import openapi
from crossapp.deployments import EDITIONS, deployed
from harness.deployment import Deployment, DeploymentError
from harness.deployment_file import read_deployment
from harness.render.words import count
from load.plan.settings import refuse_production
from simulators.seed import HiEvent, Seed, SeedAccount, SeedEvent, SeedUser, default_seed

_EVENTS = 120
_FIRST_USER, _FIRST_EVENT = 1001, 2001


@contextmanager
def loaded(path: Path | None, users: int | None, folder: Path, faults: Sequence[str] = ()) -> Iterator[Deployment]:
    """The deployment of a file, which must have `users` users; without one, embedded simulators seeded with them
    (default 200), with faults armed.

    Raises DeploymentError and EmbeddedError.
    """
    if path is not None:
        refuse_production(path, read_deployment(path, apps=openapi.APPS, editions=EDITIONS))
        with deployed(path) as target:
            _check(path, target, users)
            yield target
        return
    seed = folder / "seed.json"
    seed.write_text(json.dumps(many(users or 200).to_json()), "utf-8")
    with deployed(None, seed=seed, faults=faults) as target:
        yield replace(target, name="embedded", users=tuple(replace(each, role="organiser") for each in target.users))


def many(count: int) -> Seed:
    """A seed of one account with `count` users who have all permissions, and events on both sides."""
    account = SeedAccount(123, "Acme Events", "acme-events")
    memberships = {account.id: ("create_events", "manage_ticketing")}
    users = tuple(
        SeedUser(number, f"user-{number}@example.com", f"User {number}", memberships)
        for number in range(_FIRST_USER, _FIRST_USER + count)
    )
    pattern = default_seed().events[0]
    events = tuple(
        SeedEvent(
            id=str(number),
            account_id=account.id,
            title=f"Evening {number}",
            description=pattern.description,
            start_date=pattern.start_date,
            end_date=pattern.end_date,
        )
        for number in range(_FIRST_EVENT, _FIRST_EVENT + _EVENTS)
    )
    linked = tuple(HiEvent(int(each.id), each.id, account.id, each.title) for each in events[: _EVENTS // 2])
    return Seed((account,), users, events, linked)


def _check(path: Path, target: Deployment, users: int | None) -> None:
    if target.proxy:
        raise DeploymentError(
            f"{path}: proxy: load is measured without a proxy: run crossapp load where none is needed"
        )
    if users is not None and users > len(target.users):
        raise DeploymentError(
            f"{path}: --users {users}, but the file has {count(len(target.users), 'user')}: add [[users]] with their "
            "JWTs, or lower --users"
        )
