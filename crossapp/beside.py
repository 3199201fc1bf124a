"""The simulators that stand beside real applications: what a deployment file tells them of these."""

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openapi
from crossapp.embedded import embedded
from harness.deployment import Deployment, User
from harness.deployment_file import build_deployment
from simulators.seed import PERMISSIONS, HiEvent, Seed, SeedAccount, SeedEvent, SeedUser, default_seed

_ANYONE = [{"role": "organiser", "account_id": 123, "jwt": "to-be-replaced"}]
_LARGEST = 2**31 - 1
_USUAL_SECONDS = 10.0


@contextmanager
def completed(
    value: Mapping[str, Any], missing: Sequence[str], arming: Sequence[str], folder: Path
) -> Iterator[dict[str, Any]]:
    """A deployment file's mapping, completed with simulators of the `missing` applications inside the block.

    They share the file's secret and know what it says: where the real applications are, by which certificates and for
    how long they are called, from which origin tuvens-client comes, users and events. A simulated tuvens-api signs the
    users' JWTs itself, and a simulated hi.events gives its events the numbers of the file, where these are numbers.
    `arming`: options that arm faults; `folder` takes the seed.
    Raises EmbeddedError.
    """
    targets: dict[str, Any] = {app: dict(each) for app, each in value.get("targets", {}).items()}
    real = {app: each for app, each in targets.items() if each.get("url")}
    credentials = dict(value.get("credentials", {}))
    if not real:
        credentials.setdefault("shared_secret", secrets.token_urlsafe(36))
    known = build_deployment(
        {**value, "targets": real, "credentials": credentials, "users": value.get("users") or _ANYONE},
        apps=openapi.APPS,
        editions=(openapi.EDITION,),
    )
    seed = seed_of(known, users=bool(value.get("users")), tuvens_api="tuvens-api" in known.targets)
    seed_file = folder / "seed.json"
    seed_file.write_text(json.dumps(seed.to_json()), "utf-8")
    environment = {"HI_EVENTS_SHARED_SECRET": known.shared_secret}
    if known.jwt_secret:
        environment["JWT_SECRET"] = known.jwt_secret
    arguments = [part for app in missing for part in ("--only", app)]
    arguments += [part for app in missing for part in ("--port", f"{app}={targets.get(app, {}).get('port', 0)}")]
    arguments += ["--seed", str(seed_file), "--limits", "raised", *_addresses(known), *_patience(known), *arming]
    with embedded(arguments, environment) as description:
        whole: dict[str, Any] = {**value, "credentials": {**credentials, "shared_secret": known.shared_secret}}
        whole["targets"] = {**real, **{app: description["targets"][app] for app in missing}}
        _forget(whole["credentials"], "shared_secret")
        events = {**description["events"], **value.get("events", {})}
        if "tuvens-api" in missing:
            whole["users"] = description["users"]
            _forget(whole["credentials"], "jwt_secret")
            whole["credentials"]["jwt_secret"] = description["credentials"]["jwt_secret"]
        else:
            events = {name: each for name, each in events.items() if name in value.get("events", {})}
        if "hi.events" in missing:
            events["linked"] = description["events"]["linked"]
        elif "linked" not in value.get("events", {}):
            events.pop("linked", None)
        whole["events"] = events
        client = known.targets.get("tuvens-client")
        # To which other origins a real hi.events leads, only the file can say.
        usual = description.get("return_origin", "") if "hi.events" in missing else ""
        whole.setdefault("return_origin", _origin(client.url) if client else usual)
        yield whole


def seed_of(deployment: Deployment, *, users: bool, tuvens_api: bool) -> Seed:
    """What exists in the simulators beside a deployment: its users, or the usual ones unless `users`, and the events
    that it names. Where it names none there are the usual ones, unless it has a `tuvens_api`, to which they are
    unknown."""
    usual = default_seed()
    organiser = deployment.user("organiser")
    assert organiser is not None, "a deployment has an organiser"
    main = organiser.account_id
    outside = next((each.account_id for each in deployment.users if each.account_id != main), None)
    foreign = outside if outside is not None else next(each for each in (200, 201) if each != main)
    own = dict.fromkeys((*deployment.events, *(each.tuvens for each in deployment.linked)))
    if own or deployment.foreign_event or tuvens_api:
        events = [_event(each, main) for each in own]
        events += [_event(deployment.foreign_event, foreign)] if deployment.foreign_event else []
        linked = {each.tuvens: each.hi for each in deployment.linked} or dict.fromkeys(own, "")
    else:
        first = usual.events[0].account_id
        events = [_event(each.id, main if each.account_id == first else foreign) for each in usual.events]
        linked = {each.tuvens_event_id: str(each.id) for each in usual.hi_events}
    people = _users(deployment.users) if users else list(usual.users)
    numbers = dict.fromkeys([main, foreign, *(account for each in people for account in each.memberships)])
    named = {each.id: each for each in usual.accounts}
    return Seed(
        accounts=tuple(named.get(each) or SeedAccount(each, f"Account {each}", f"account-{each}") for each in numbers),
        users=tuple(people),
        events=tuple(events),
        hi_events=tuple(
            HiEvent(number, tuvens, main, f"Event {tuvens}")
            for tuvens, number in zip(linked, _numbers(list(linked.values())), strict=True)
        ),
    )


def _users(users: Sequence[User]) -> list[SeedUser]:
    return [
        SeedUser(
            number,
            each.email or f"user-{number}@example.com",
            None if each.role == "nameless" else each.name or f"{each.role.capitalize()} {number}",
            {each.account_id: PERMISSIONS if each.role in ("organiser", "outsider") else ("create_events",)},
        )
        for each, number in zip(users, _numbers([each.user_id for each in users]), strict=True)
    ]


def _event(number: str, account: int) -> SeedEvent:
    times = ("2030-06-12T19:00:00.000Z", "2030-06-12T23:00:00.000Z")
    return SeedEvent(number, account, f"Event {number}", "Songs and stories.", *times)


def _numbers(ids: Sequence[str]) -> list[int]:
    """A number for each id: its own where it is one that a simulator can have, and free, else the next free one."""
    wanted = [int(each) if each.isascii() and each.isdecimal() and 0 < int(each) <= _LARGEST else 0 for each in ids]
    found: list[int] = []
    for each in wanted:
        free = (number for number in range(1, len(ids) * 2 + 1) if number not in found and number not in wanted)
        found.append(each if each and each not in found else next(free))
    return found


def _addresses(known: Deployment) -> list[str]:
    """Options that tell the simulators where the real applications are."""
    found: list[str] = []
    tuvens_api, hi_events = known.targets.get("tuvens-api"), known.targets.get("hi.events")
    client = known.targets.get("tuvens-client")
    if tuvens_api is not None:
        found += ["--tuvens-api", tuvens_api.api_url]
    if hi_events is not None:
        found += ["--hi-events", hi_events.url]
    elif known.receiver is not None:
        found += ["--webhooks-to", known.receiver.url]
    origins = [_origin(each.url) for each in (client, hi_events) if each is not None]
    origins += [known.return_origin] if known.return_origin else []
    return found + [part for each in dict.fromkeys(origins) for part in ("--origin", each)]


def _patience(known: Deployment) -> list[str]:
    """Options that tell the simulators how to call the real applications. They wait no shorter than they usually do:
    a call within `seconds` is then answered, and a longer one is given up by the recorder, too."""
    found = ["--timeout", str(max(known.safety.seconds, _USUAL_SECONDS))]
    return [*found, "--ca-file", known.ca_file] if known.ca_file else found


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _forget(credentials: dict[str, Any], name: str) -> None:
    """Remove the other forms of a secret."""
    for form in ("env", "file", "command"):
        credentials.pop(f"{name}_{form}", None)
