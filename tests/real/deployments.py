"""Deployments of real and simulated applications, and the files that describe them."""

import json
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import make_url

import openapi
from simulators.people import main_account, people
from simulators.seed import Seed, default_seed
from simulators.tuvens_api.config import LOCAL_JWT_SECRET, LOCAL_SHARED_SECRET
from simulators.tuvens_api.jwts import mint_jwt
from tests.real.applications import FOLDERS, free_ports, installed, served
from tests.simulators import postgresql
from tests.troubles import TroubledProxy

_RAISED = 100_000


@dataclass(frozen=True, slots=True)
class Setting:
    """How the real applications run. session_expiry in seconds."""

    flavour: Literal["idiomatic", "default"] = "idiomatic"
    rate_limits: Literal["contract", "raised"] = "raised"
    session_expiry: int = 900
    shared_secret: str = field(default=LOCAL_SHARED_SECRET, repr=False)


@contextmanager
def deployment(
    real: Collection[str],
    folder: Path,
    setting: Setting | None = None,
    fronts: Mapping[str, TroubledProxy] | None = None,
) -> Iterator[Path]:
    """Serve the applications `real`; yields a deployment file in which the others are left to be simulated.

    `folder` takes the file, the seed and the logs. `fronts`: proxies by application, through which all reach it.
    """
    setting = setting or Setting()
    seed = _one_event_unlinked(default_seed())
    (folder / "seed.json").write_text(json.dumps(seed.to_json()), "utf-8")
    ports = dict(zip((*FOLDERS, "receiver"), free_ports(len(FOLDERS) + 1), strict=True))
    behind = dict(ports)
    for (app, front), port in zip((fronts or {}).items(), free_ports(len(fronts or {})), strict=True):
        ports[app] = front.port
        behind[app] = port
        front.target = f"http://127.0.0.1:{port}"
    with ExitStack() as stack:
        schema = stack.enter_context(_schema()) if "tuvens-api" in real else ""
        targets = {app: installed(app) for app in FOLDERS if app in real}
        for app, target in targets.items():
            environment = _environment(app, real, ports, setting, folder, schema) | {"PORT": str(behind[app])}
            log = folder / f"{FOLDERS[app].name}.log"
            stack.enter_context(served(app, target, environment, log))
        file = folder / "deployment.json"
        file.write_text(json.dumps(_description(real, ports, setting, seed, schema), indent=1), "utf-8")
        yield file


def _own_events(seed: Seed) -> list[str]:
    """The events of the main account that the deployment file names."""
    return [each.id for each in seed.events if each.account_id == main_account(seed)][:3]


def _one_event_unlinked(seed: Seed) -> Seed:
    """The last event is not at hi.events yet: a sign-in makes it there, with a title that languages encode in several
    ways."""
    last = _own_events(seed)[-1]
    return replace(seed, hi_events=tuple(each for each in seed.hi_events if each.tuvens_event_id != last))


@contextmanager
def _schema() -> Iterator[str]:
    """An empty schema of its own at the server that other tests use, or the test is skipped."""
    with postgresql.schema() as name:
        with psycopg.connect(_database("postgresql", name), autocommit=True) as connection:
            connection.execute(SQL("CREATE SCHEMA {}").format(Identifier(name)))
        yield name


def _environment(
    app: str, real: Collection[str], ports: Mapping[str, int], setting: Setting, folder: Path, schema: str
) -> dict[str, str]:
    """What `serve` reads, without PORT: see README.md."""
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    # crossapp's receiver passes on all that is no webhook.
    tuvens_api = urls["receiver"] if app == "hi.events" else urls["tuvens-api"]
    environment = {
        "FLAVOUR": setting.flavour,
        "SEED": str(folder / "seed.json"),
        "HI_EVENTS_SHARED_SECRET": setting.shared_secret,
        "JWT_SECRET": LOCAL_JWT_SECRET,
        "CROSS_APP_SESSION_EXPIRY": str(setting.session_expiry),
        "RATE_LIMITS": setting.rate_limits,
        "TUVENS_API_URL": tuvens_api,
        "HI_EVENTS_URL": urls["hi.events"],
        "HI_EVENTS_API_URL": urls["hi.events"] + ("/api" if "hi.events" in real else ""),
        "TUVENS_CLIENT_URL": urls["tuvens-client"],
    }
    if app == "tuvens-api":
        environment["DATABASE_URL"] = _database("postgresql", schema)
    if app == "hi.events":
        environment["DATABASE_FILE"] = str(folder / "hi_events.sqlite")
    return environment


def _database(driver: str, schema: str) -> str:
    address = make_url(postgresql.URL).set(drivername=driver, query={"options": f"-csearch_path={schema}"})
    return address.render_as_string(hide_password=False)


def _description(
    real: Collection[str], ports: Mapping[str, int], setting: Setting, seed: Seed, schema: str
) -> dict[str, Any]:
    """The deployment file: users, three events, and of each application its URL, or the port for its simulator."""
    main, now = main_account(seed), time.time()
    client = f"http://127.0.0.1:{ports['tuvens-client']}"
    targets: dict[str, dict[str, Any]] = {}
    for app in FOLDERS:
        if app not in real:
            targets[app] = {"port": ports[app]}
            continue
        targets[app] = {"url": f"http://127.0.0.1:{ports[app]}", "kind": "local"}
        if setting.rate_limits == "raised":
            limited = [each.id for each in openapi.load(app).operations.values() if each.rate_limit is not None]
            targets[app]["rate_limits"] = dict.fromkeys(limited, _RAISED)
    if "tuvens-api" in real:
        targets["tuvens-api"] |= {
            "session_expiry": setting.session_expiry,
            "cors_origins": [f"http://127.0.0.1:{ports['hi.events']}", client],
            "database": _database("postgresql+psycopg", schema),
            "audit_table": "crossAppAudit",
            "launch": [
                *(sys.executable, "-m", "tests.real", "--as-launch-command", "--real", "tuvens-api"),
                *("--flavour", setting.flavour, "--limits", setting.rate_limits),
            ],
        }
    if "hi.events" in real:
        targets["hi.events"]["api_url"] = targets["hi.events"]["url"] + "/api"
    if "tuvens-client" in real and setting.flavour == "default":
        targets["tuvens-client"]["jwt_storage"] = "localStorage:tuvens_auth_token"
    own = _own_events(seed)
    linked = [each for each in seed.hi_events if each.tuvens_event_id in own]
    found: dict[str, Any] = {
        "name": " and ".join(f"a real {app}" for app in FOLDERS if app in real),
        "edition": openapi.EDITION,
        "return_origin": client,
        "targets": targets,
        "credentials": {"shared_secret": setting.shared_secret, "jwt_secret": LOCAL_JWT_SECRET},
        "users": [
            {
                "role": person.role,
                "user_id": person.user.sub,
                "email": person.user.email,
                "account_id": person.account_id,
                "jwt": mint_jwt(LOCAL_JWT_SECRET, person.user, now),
                **({"name": person.user.name} if person.user.name else {}),
            }
            for person in people(seed)
        ],
        "events": {
            "tuvens": own,
            "foreign": next(each.id for each in seed.events if each.account_id != main),
            "linked": [{"hi": each.id, "tuvens": each.tuvens_event_id} for each in linked],
        },
        "safety": {"exhaust_rate_limits": setting.rate_limits == "contract"},
    }
    if "hi.events" in real:
        found["receiver"] = {"listen": f"127.0.0.1:{ports['receiver']}"}
    return found
