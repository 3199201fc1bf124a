"""`crossapp lockstep` as its users run it."""

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from simulators.launch import LaunchOptions
from simulators.seed import Seed, default_seed
from tests.command_line import crossapp
from tests.launching import launched


def lockstep(*arguments: str, cwd: Path) -> tuple[int, dict[str, Any]]:
    done = crossapp("lockstep", "--json", *arguments, cwd=cwd)
    assert "Traceback" not in done.stderr, done.stderr
    assert list(cwd.glob(".hypothesis")) == []
    return done.returncode, json.loads(done.stdout)


def elsewhere() -> Seed:
    """Other people, accounts and events than the simulators' own: what a staging would have."""
    seed = default_seed()
    accounts = tuple(replace(each, name=f"Firm {each.id}", slug=f"firm-{each.id}") for each in seed.accounts)
    users = tuple(replace(each, id=each.id + 7000, email=f"u{each.id}@example.net") for each in seed.users)
    events = tuple(replace(each, title=f"Night {each.id}", id=f"9{each.id}") for each in seed.events)
    hi_events = tuple(replace(each, tuvens_event_id=f"9{each.tuvens_event_id}") for each in seed.hi_events)
    return Seed(accounts, users, events, hi_events)


def test_one_word_changed_at_one_side_is_found(tmp_path: Path) -> None:
    code, found = lockstep("--fault", "live-maps-to-setup", cwd=tmp_path)
    assert code == 1
    assert found["divergence"]["sequence"] == ["Update(event=0, status='LIVE')"]
    difference = found["divergence"]["difference"]
    assert (difference["at"], difference["left"], difference["right"]) == ("/ticketing_status", "active", "setup")


@pytest.mark.slow
def test_what_only_a_drawn_sequence_shows_is_found_and_shrunk(tmp_path: Path) -> None:
    code, found = lockstep("--fault", "signature-prefix-optional", "--seed", "3", cwd=tmp_path)
    assert code == 1
    assert found["divergence"]["sequence"] == ["Update(event=0, status='LIVE', signature='bare')"]
    difference = found["divergence"]["difference"]
    assert (difference["at"], difference["left"], difference["right"]) == ("status", 401, 200)
    assert found["divergence"]["right_curl"].startswith("curl -i -X POST http://127.0.0.1:")


def test_a_deployment_with_other_data_agrees_with_the_simulators(tmp_path: Path) -> None:
    with launched(LaunchOptions(seed=elsewhere(), limits="raised")) as built:
        file = tmp_path / "deployment.json"
        file.write_text(json.dumps({**built.description(), "name": "elsewhere"}), "utf-8")
        code, found = lockstep(
            "-d", str(file), "--lenient", "--sequences", "12", "--steps", "6", "--minutes", "1", cwd=tmp_path
        )
    assert (code, found["divergence"], found["undecided"]) == (0, None, 0), found
    assert found["sequences"] > 0
    assert found["renamed"]["email"] > 0
    assert ["generateSession", 200, "/session_token"] in found["volatile"]
    assert built.shared_secret not in json.dumps(found)


def test_a_deployment_that_is_not_there_compares_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    file = tmp_path / "deployment.json"
    targets = {app: {"url": url, "kind": "local"} for app in ("tuvens-api", "hi.events")}
    users = [{"role": "organiser", "account_id": 1, "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}]
    credentials = {"shared_secret": "a-secret-that-nobody-may-see"}
    file.write_text(json.dumps({"name": "gone", "targets": targets, "users": users, "credentials": credentials}))
    code, found = lockstep("-d", str(file), cwd=tmp_path)
    assert code == 4
    assert found["reason"]
