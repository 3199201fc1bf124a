"""Simulators beside real applications know where these are, and what the deployment file says of users and events."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from crossapp.deployments import deployed
from crossapp.embedded import EmbeddedError
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from simulators.launch import APPS, LaunchOptions
from simulators.seed import HiEvent, Seed, SeedAccount, SeedEvent, SeedUser
from tests.harness.certificates import own_authority
from tests.launching import launched
from tests.real.applications import free_ports

BOTH = ("create_events", "manage_ticketing")
SEED = Seed(
    accounts=(SeedAccount(7, "Seven", "seven"), SeedAccount(8, "Eight", "eight")),
    users=(
        SeedUser(70, "o@example.org", "Orla Organ", {7: BOTH}),
        SeedUser(71, "m@example.org", "Mo Member", {7: ("create_events",)}),
        SeedUser(80, "out@example.org", "Ola Out", {8: BOTH}),
    ),
    events=tuple(
        SeedEvent(f"9{number}", 8 if number == 9 else 7, "Evening", "Songs.", *["2030-06-12T19:00:00Z"] * 2)
        for number in (1, 2, 3, 9)
    ),
    hi_events=tuple(HiEvent(500 + number, f"9{number}", 7, "Evening") for number in (1, 2)),
)
"""Nothing in it is like the usual seed."""
ASKED = (
    "client_session.session_is_of_the_user_and_account",
    "cors.right_origins_are_admitted",
    "flow.an_event_goes_live",
    "hi_events_delivery.every_status_is_delivered",
    "hi_events_page.foreign_event_is_not_linked",
    "hi_events_page.invalid_session_is_told",
    "hi_events_page.returns_after_making_an_event",
    "hi_events_session.accounts_equal_those_of_tuvens_api",
    "tuvens_event.a_linked_event_has_the_url_of_its_page",
)
MIXES = [real for count in (1, 2) for real in combinations(APPS, count)]


@contextmanager
def beside(real: Sequence[str], folder: Path, *, origin: bool = True, **more: Any) -> Iterator[Deployment]:
    """A deployment with these applications real: a simulator of its own process, which shows no control plane. The file
    says the `origin` to which hi.events leads, or it is one that the file does not know."""
    ports = dict(zip(APPS, free_ports(len(APPS)), strict=True))
    urls = {app: f"http://127.0.0.1:{port}" for app, port in ports.items()}
    options = LaunchOptions(
        only=tuple(real),
        ports=ports,
        seed=SEED,
        limits="raised",
        control=False,
        tuvens_url=urls["tuvens-api"],
        hi_events_url=urls["hi.events"],
        client_origins=(urls["tuvens-client"], urls["hi.events"]) if origin else ("https://tuvens.example.com",),
    )
    if origin and "tuvens-client" not in real:
        more = {"return_origin": urls["tuvens-client"], **more}
    with launched(options) as others:
        described = others.description()
        file = {name: described[name] for name in ("name", "edition", "credentials", "users", "events")}
        file["targets"] = {app: described["targets"].get(app, {"port": ports[app]}) for app in APPS}
        for app in real:
            file["targets"][app]["kind"] = "local"
        (folder / "deployment.json").write_text(json.dumps({**file, **more}), "utf-8")
        with deployed(folder / "deployment.json") as deployment:
            yield deployment


@pytest.mark.parametrize("real", MIXES, ids=" and ".join)
def test_nothing_is_said_against_right_applications_beside_simulators(real: tuple[str, ...], tmp_path: Path) -> None:
    settings = Settings(select=ASKED)
    with beside(real, tmp_path) as deployment:
        found = report_of(asyncio.run(perform(deployment, settings)), settings)
    said = {each.requirement: (each.verdict, each.observed or each.reason) for each in found.findings}
    assert {name: said[name] for name in ASKED if said[name][0] != "held"} == {}
    assert {name: each for name, each in said.items() if each[0] in ("violated", "blocked")} == {}


def test_a_real_hi_events_of_which_no_origin_is_known_is_not_accused_of_leading_nowhere(tmp_path: Path) -> None:
    pages = [each for each in ASKED if each.startswith("hi_events_page.")]
    settings = Settings(select=(*pages, "pact.tuvens_client_page_with_unknown_token"))
    with beside(("hi.events",), tmp_path, origin=False) as deployment:
        assert not deployment.return_origin
        found = report_of(asyncio.run(perform(deployment, settings)), settings)
    assert {each.requirement: each.observed for each in found.findings if each.verdict in ("violated", "blocked")} == {}
    assert {found.finding(each).lacks for each in pages} == {"return-origin"}  # type: ignore[union-attr]


def test_simulators_call_real_applications_as_the_file_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, _ = own_authority(tmp_path)
    told: list[str] = []

    def embedded(arguments: Sequence[str], environment: object) -> Any:
        told.extend(arguments)
        raise EmbeddedError("that is enough")

    monkeypatch.setattr("crossapp.beside.embedded", embedded)
    file = tmp_path / "d.json"
    value = {
        "targets": {"tuvens-api": {"url": "https://127.0.0.1:9"}},
        "credentials": {"shared_secret": "a-secret-of-a-test-0123456789"},
        "users": [{"role": "organiser", "account_id": 7, "jwt": "eyJ.eyJ.sig"}],
        "ca_file": certificate.name,
        "safety": {"seconds": 40},
    }
    file.write_text(json.dumps(value), "utf-8")
    with pytest.raises(EmbeddedError), deployed(file):
        pass
    assert told[told.index("--ca-file") + 1] == str(certificate)
    assert float(told[told.index("--timeout") + 1]) == 40.0
