"""`crossapp up`, `crossapp trigger` and `crossapp jwt`."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt as pyjwt
import pytest
import typer
from typer.testing import CliRunner, Result

import openapi
from crossapp.commands.jwt import jwt
from crossapp.commands.trigger import trigger
from harness.deployment_file import build_deployment
from simulators import reloading
from simulators.launch import HI_EVENTS, TUVENS_API, TUVENS_CLIENT, Launched, LaunchOptions
from simulators.people import people
from simulators.seed import Seed, SeedAccount, SeedEvent, SeedUser, default_seed
from simulators.tuvens_api.config import LOCAL_JWT_SECRET
from simulators.up import up, welcome
from tests.launching import launched

FREE = ["--port", "tuvens-api=0", "--port", "hi.events=0", "--port", "tuvens-client=0"]


def run(command: Any, *arguments: str) -> Result:
    """One command of the command line, in this process."""
    app = typer.Typer(add_completion=False)
    if isinstance(command, typer.Typer):
        return CliRunner().invoke(command, arguments)
    app.command()(command)
    return CliRunner().invoke(app, arguments)


@contextmanager
def started(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """`crossapp up` as a process of its own; killed if it is still there at the end."""
    with (
        tempfile.TemporaryDirectory() as state,
        subprocess.Popen(
            [sys.executable, "-m", "simulators", *arguments],
            env={**os.environ, "XDG_STATE_HOME": state, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


@pytest.fixture(scope="module")
def here() -> Iterator[Launched]:
    with launched(LaunchOptions(limits="raised")) as built:
        yield built


def addresses(built: Launched) -> list[str]:
    return ["--tuvens-api", built.urls[TUVENS_API], "--hi-events", built.urls[HI_EVENTS]]


def test_one_line_of_json_describes_the_deployment_and_the_end_of_stdin_stops_it() -> None:
    with started("--json", "--exit-with-stdin", *FREE) as child:
        assert child.stdout is not None
        assert child.stdin is not None
        described = json.loads(child.stdout.readline())
        deployment = build_deployment(described, apps=openapi.APPS, editions=(openapi.EDITION,))
        assert set(deployment.targets) == {TUVENS_API, HI_EVENTS, TUVENS_CLIENT}
        for target in deployment.targets.values():
            assert target.control is not None
            headers = {"Authorization": f"Bearer {target.control.token}"}
            ready = httpx.get(f"{target.control.url}/ready", headers=headers, trust_env=False)
            assert ready.json()["ready"] is True
        folder = Path(deployment.targets[TUVENS_API].database.removeprefix("sqlite:///")).parent
        assert folder.is_dir()
        child.stdin.close()
        assert child.wait(10) == 0
        assert not folder.exists()
        assert child.stdout.read() == ""


_TELLS_WHETHER_GARBAGE_IS_COLLECTED = """
import gc, sys
from simulators.up import up
write = sys.stdout.write
sys.stdout.write = lambda text: write(f"{gc.isenabled()} {gc.get_freeze_count() > 10_000}\\n")
up(only=["tuvens-api"], port=["tuvens-api=0"], exit_with_stdin=True)
"""


def test_once_it_serves_garbage_is_collected_again_but_for_what_the_start_made() -> None:
    command = [sys.executable, "-c", _TELLS_WHETHER_GARBAGE_IS_COLLECTED]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "True True\n"


def test_a_signal_stops_it_cleanly_even_while_a_stream_is_open() -> None:
    with started("--json", *FREE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        url = json.loads(child.stdout.readline())["targets"][TUVENS_API]["url"]
        with httpx.Client(trust_env=False) as client, client.stream("GET", f"{url}/api/events/updates") as stream:
            assert stream.status_code == 200
            child.send_signal(signal.SIGTERM)
            assert child.wait(10) == 0
        assert child.stderr.read() == ""


def test_the_deployment_names_people_and_events_of_the_seed(here: Launched) -> None:
    described = here.description()
    roles = {user["role"]: user for user in reversed(described["users"])}
    assert roles["organiser"]["email"] == "organiser@example.com"
    assert roles["member"]["user_id"] == "2"
    assert roles["outsider"]["account_id"] == 200
    assert roles["nameless"]["name"] is None
    assert roles["user"]["user_id"] == "101"
    assert described["events"]["tuvens"][:2] == ["11", "12"]
    assert described["events"]["foreign"] == "61"
    assert described["events"]["linked"][0] == {"hi": 11, "tuvens": "11"}
    assert described["targets"][TUVENS_API]["rate_limits"]["generateSession"] == 0
    assert described["return_origin"] == "http://localhost:5173"


def test_without_a_control_plane_nothing_of_the_inside_is_described() -> None:
    with launched(LaunchOptions(control=False)) as built:
        assert "Inspector" not in welcome(built)
        described = built.description()
        assert described["targets"][TUVENS_API]["rate_limits"]["generateSession"] == 10
        for app, target in described["targets"].items():
            assert not {"control", "database", "audit_table"} & set(target)
            answer = httpx.get(f"{built.urls[app]}/__crossapp__/ready", trust_env=False)
            assert answer.status_code == 404


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_commands_of_the_page_work_when_pasted(here: Launched, tmp_path: Path) -> None:
    page = Path(openapi.__file__).parents[1].joinpath("docs", "up.md").read_text("utf-8")
    commands = page.split("## Credentials")[1].split("```sh\n")[1].split("```")[0]
    commands = commands.replace("http://127.0.0.1:3000", here.urls[TUVENS_API])
    crossapp = tmp_path / "crossapp"
    main = "import sys; from crossapp.cli import main; main()"
    crossapp.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{main}' \"$@\"\n")
    crossapp.chmod(0o700)
    path = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-c", commands], capture_output=True, text=True, check=True, env=path)
    jwt_line, user = done.stdout.splitlines()
    assert jwt_line.count(".") == 2
    assert json.loads(user)["email"] == "organiser@example.com"


def test_the_start_shows_addresses_and_users_in_80_columns_and_no_jwt(here: Launched) -> None:
    text = welcome(here)
    first = text.splitlines()[2:5]
    assert [each.split()[:2] for each in first] == [[app, url] for app, url in here.urls.items()]
    address = f"{here.urls[TUVENS_API]}/__crossapp__/inspector/#{here.control_tokens[TUVENS_API]}"
    assert f"open in a browser:\n\n  {address}\n" in text
    for person in people(default_seed())[:4]:
        assert person.user.email in text
    assert "eyJ" not in text
    assert here.shared_secret in text
    others = [each for each in text.splitlines() if "crossapp trigger" not in each]
    assert max(map(len, others)) <= 80


def test_the_start_shows_no_secret_that_was_configured() -> None:
    secret = "another-secret-of-more-than-32-characters"
    built = Launched(LaunchOptions(environment={"HI_EVENTS_SHARED_SECRET": secret, "JWT_SECRET": secret + "2"}))
    try:
        assert secret not in welcome(built)
    finally:
        built.close()


def _lines_until(child: subprocess.Popen[str], last: str) -> list[str]:
    """The lines that a child prints, up to the first that contains a text."""
    assert child.stdout is not None
    watchdog = threading.Timer(30, child.kill)
    watchdog.start()
    found = []
    for line in child.stdout:
        found.append(line.rstrip("\n"))
        if last in line:
            break
    watchdog.cancel()
    return found


def _urls(lines: Sequence[str]) -> dict[str, str]:
    return {app: next(each.split()[1] for each in lines if each.strip().startswith(app)) for app in openapi.APPS}


def test_each_request_webhook_and_stream_message_is_a_line() -> None:
    with started(*FREE, "--limits", "raised") as child:
        urls = _urls(_lines_until(child, "Ctrl-C"))
        addresses = ["--tuvens-api", urls[TUVENS_API], "--hi-events", urls[HI_EVENTS]]
        assert run(trigger, "status", "11", "LIVE", *addresses).exit_code == 0
        traffic = [each[9:] for each in _lines_until(child, "#1")]
        assert f"{'crossapp → hi.events':<26} {'setEventStatus':<26} 200" in "\n".join(traffic)
        assert f"{'tuvens-api → 0 listeners':<26} ticketing_status_changed 11 active" in traffic
        webhooks = [each for each in traffic if "receiveEventStatusChanged" in each]
        assert len(webhooks) == 1
        assert webhooks[0].startswith(f"{'hi.events → tuvens-api':<26} receiveEventStatusChanged  200")
        child.send_signal(signal.SIGINT)
        assert child.wait(10) == 0


@pytest.mark.parametrize("option", ["--quiet", "--json"])
def test_no_lines_of_traffic_are_printed_when_quiet_or_for_programs(option: str) -> None:
    with started(*FREE, option, "--exit-with-stdin") as child:
        assert child.stdout is not None
        assert child.stdin is not None
        if option == "--json":
            described = json.loads(child.stdout.readline())
            url = described["targets"][TUVENS_API]["url"]
        else:
            url = _urls(_lines_until(child, "Ctrl-C"))[TUVENS_API]
        assert httpx.get(f"{url}/api/events/11", trust_env=False).status_code == 200
        child.stdin.close()
        assert child.wait(10) == 0
        assert child.stdout.read().strip() == ""


def test_a_reader_who_does_not_read_stops_no_simulator() -> None:
    with started(*FREE, "--limits", "raised") as child:
        url = _urls(_lines_until(child, "Ctrl-C"))[TUVENS_API]
        # More than a pipe holds.
        with httpx.Client(trust_env=False, headers={"User-Agent": "reader"}) as client:
            for _ in range(1_500):
                assert client.get(f"{url}/api/events/11").status_code == 200
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0


def test_a_taken_port_is_said_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run(up, "--port", f"tuvens-api={port}", "--port", "hi.events=0", "--port", "tuvens-client=0")
    assert result.exit_code == 64
    assert str(port) in result.output
    assert "for free ones: --port 0" in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fault", "routes-mising"], "did you mean routes-missing"),
        (["--only", "hi.events", "--fault", "cors-wildcard"], "tuvens-api, which is not started"),
        (["--fault", "getEvent:respond=99"], "'99' is not an error status; write one from 400 to 599"),
        (["--fault", "getEvnt:hang"], "unknown operation 'getEvnt'; did you mean 'getEvent'?"),
        (["--host", "localhost"], "--host: 'localhost' is not an IPv4 address; write one such as 0.0.0.0"),
        (["--https", "--ca-file", "ca.pem"], "--https goes with neither --ca-file nor --workers"),
        (["--keep", "a.db", "--database", "sqlite:///b.db"], "--keep and --database exclude each other"),
        (["--public-url", "http://a.example"], "--public-url: 'http://a.example' is not APP=URL, such as tuvens-api="),
        (["--public-url", "tuvens-app=http://a.example"], "'tuvens-app' is not started; did you mean 'tuvens-api'?"),
        (["--public-url", "tuvens-api=http://a.example/x"], "'http://a.example/x' is not scheme://host[:port]"),
        (["--only", "hievents"], "unknown application 'hievents'; did you mean 'hi.events'?"),
        (["--port", "hi.events"], "--port: 'hi.events' is not of the form PORT or APP=PORT"),
        (["--port", "hi.events=99999"], "not of the form PORT or APP=PORT"),
        (["--port", "tuvens-app=1"], "unknown application 'tuvens-app'; did you mean 'tuvens-api'?"),
        (["--limits", "none"], "--limits: 'none' is unknown; known are contract, raised"),
        (["--tuvens-api", "localhost:3000"], "expected a base URL"),
        (["--origin", "http://localhost:5173/"], "expected scheme://host[:port]"),
        (["--database", "nonsense"], "--database"),
        (["--database", "postgresql+psycopg://nobody@127.0.0.1:1/x"], "cannot be opened"),
        (["--seed", "no/such/file.json"], "no/such/file.json"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_64(arguments: Sequence[str], said: str) -> None:
    result = run(up, *(FREE if "--port" not in arguments else []), *arguments)
    assert result.exit_code == 64
    assert said in result.output
    assert len(result.output.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_on_all_addresses_others_can_connect_and_the_control_plane_needs_the_token() -> None:
    with (
        launched(LaunchOptions(only=(TUVENS_API,), host="0.0.0.0")) as built,
        httpx.Client(trust_env=False, timeout=60) as client,
    ):
        assert built.urls[TUVENS_API].startswith("http://127.0.0.1:")
        # Another address of this machine, to which a simulator does not listen by default.
        url = built.urls[TUVENS_API].replace("127.0.0.1", "127.0.0.2")
        assert client.get(f"{url}/api/events/11").status_code == 200
        plane = f"{url}/__crossapp__/ready"
        assert client.get(plane).status_code == 401
        token = {"Authorization": f"Bearer {built.control_tokens[TUVENS_API]}"}
        assert client.get(plane, headers=token).json()["ready"] is True
        assert client.get(plane, headers={**token, "Origin": "https://elsewhere.example"}).status_code == 403
        # By another name, as a container has it.
        page = f"{url}/__crossapp__/inspector/"
        assert client.get(page, headers={"Host": "mine.example"}).status_code == 200


def test_pages_responses_and_the_description_have_the_public_urls() -> None:
    names = {TUVENS_API: "api", HI_EVENTS: "tickets", TUVENS_CLIENT: "www"}
    public = {app: f"https://{name}.example.test" for app, name in names.items()}
    origin = {"Origin": public[TUVENS_CLIENT]}
    with launched(LaunchOptions(public_urls=public)) as built, httpx.Client(trust_env=False, timeout=60) as client:
        targets = built.description()["targets"]
        assert {app: each["url"] for app, each in targets.items()} == public
        assert targets[TUVENS_API]["control"]["url"].startswith(public[TUVENS_API])
        linked = {"hasTicketing": True, "hiEventsEventId": "11"}
        jwt_of_organiser = {"Authorization": f"Bearer {built.description()['users'][0]['jwt']}"}
        client.patch(f"{built.urls[TUVENS_API]}/api/events/11", json=linked, headers=jwt_of_organiser)
        event = client.get(f"{built.urls[TUVENS_API]}/api/events/11", headers=origin)
        assert event.json()["hi_events_event_url"].startswith(public[HI_EVENTS])
        assert event.headers["access-control-allow-origin"] == public[TUVENS_CLIENT]
        page = client.get(f"{built.urls[TUVENS_CLIENT]}/event/11")
        assert f'data-api="{public[TUVENS_API]}" data-hi-events="{public[HI_EVENTS]}"' in page.text
        assert public[TUVENS_API] in page.headers["content-security-policy"]
        assert "127.0.0.1" not in page.text
        # As the reverse proxy sends it.
        plane = f"{built.urls[TUVENS_API]}/__crossapp__/inspector/"
        assert client.get(plane, headers={"Host": "api.example.test"}).status_code == 200
        assert f"{built.urls[HI_EVENTS]}  public: {public[HI_EVENTS]}\n" in welcome(built)


def test_data_is_kept_in_a_file_and_the_users_are_warned_of_an_open_address(tmp_path: Path) -> None:
    file = tmp_path / "kept.db"
    with started("--host", "0.0.0.0", "--keep", str(file), *FREE, "--json") as child:
        assert child.stdout is not None
        assert child.stderr is not None
        targets = json.loads(child.stdout.readline())["targets"]
        addresses = ["--tuvens-api", targets[TUVENS_API]["url"], "--hi-events", targets[HI_EVENTS]["url"]]
        assert run(trigger, "status", "11", "LIVE", *addresses).exit_code == 0
        child.send_signal(signal.SIGTERM)
        assert child.wait(20) == 0
        said = child.stderr.read()
    assert said.startswith("crossapp up: --host 0.0.0.0: everyone who can reach this address can use the simulators")
    with launched(LaunchOptions(only=(TUVENS_API,), database=f"sqlite:///{file}")) as built:
        event = httpx.get(f"{built.urls[TUVENS_API]}/api/events/11", trust_env=False).json()
    assert event["ticketing_status"] == "active"


_SEED_OF_7 = '{"accounts": [{"id": 7, "name": "A", "slug": "a"}]}'


def test_a_seed_file_is_reloaded_when_it_changes_unless_it_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reloading, "_LOOK", 0.005)
    file = tmp_path / "seed.json"
    file.write_text("{}")
    built = Launched(LaunchOptions(seed=Seed.read(file)))
    said: list[str] = []

    async def change() -> None:
        told: asyncio.Queue[str] = asyncio.Queue()
        watching = asyncio.create_task(reloading.reload_seed(built, file, told.put_nowait))
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            for text in ('{"accounts": [{"id": "x", "name": "A", "slug": "a"}]}', _SEED_OF_7):
                file.write_text(text)
                said.append(await told.get())
        watching.cancel()

    try:
        asyncio.run(change())
        for simulator in built.simulators.values():
            assert [each.id for each in simulator.seed.accounts] == [7]
            simulator.restore()
            assert [each.id for each in simulator.seed.accounts] == [7]
    finally:
        built.close()
    assert "accounts[0].id" in said[0]
    assert said[0].endswith("; the former seed stays")
    assert "has changed" in said[1]


def test_open_opens_the_inspector(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {opened}.part && mv {opened}.part {opened}\n')
    browser.chmod(0o700)
    with started("--open", *FREE, "--quiet", environment={"BROWSER": f"{browser} %s"}) as child:
        lines = _lines_until(child, "Ctrl-C")
        deadline = time.monotonic() + 30
        while not opened.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert opened.read_text() == next(each.strip() for each in lines if "/inspector/#" in each)


def test_a_seed_that_does_not_hang_together_names_the_field(tmp_path: Path) -> None:
    path = tmp_path / "seed.json"
    path.write_text(json.dumps({"accounts": [{"id": "x", "name": "A", "slug": "a"}]}))
    result = run(up, *FREE, "--seed", str(path))
    assert result.exit_code == 64
    assert "accounts[0].id" in result.output


def test_a_mistake_on_the_command_line_exits_with_64() -> None:
    with started("--nope") as child:
        assert child.wait(20) == 64


def test_a_changed_environment_is_obeyed() -> None:
    secret = "another-secret-of-more-than-32-characters"
    environment = {"CROSS_APP_SHARED_SECRET": secret, "CROSS_APP_SESSION_EXPIRY": "3"}
    built = Launched(LaunchOptions(environment=environment))
    try:
        described = built.description()
    finally:
        built.close()
    assert described["credentials"]["shared_secret"] == secret
    assert described["targets"][TUVENS_API]["session_expiry"] == 3


def test_a_seed_without_users_or_events_is_described_too() -> None:
    built = Launched(LaunchOptions(seed=Seed()))
    try:
        assert built.description()["users"] == []
        assert "Stop with Ctrl-C." in welcome(built)
    finally:
        built.close()


def test_roles_follow_from_what_users_may_do() -> None:
    seed = Seed(
        accounts=(SeedAccount(1, "One", "one"), SeedAccount(2, "Two", "two")),
        users=(
            SeedUser(5, "a@example.com", "A", {2: ("manage_ticketing",)}),
            SeedUser(6, "b@example.com", "B", {1: ("create_events",)}),
            SeedUser(7, "c@example.com", "C", {1: ("manage_ticketing",), 2: ()}),
            SeedUser(8, "d@example.com", "D", {1: ("manage_ticketing",)}),
            SeedUser(9, "e@example.com", "E", {}),
        ),
        events=(SeedEvent("1", 1, "T", "D", "2030-01-01T00:00:00.000Z", "2030-01-01T01:00:00.000Z"),),
    )
    assert [(each.role, each.user.id, each.account_id) for each in people(seed)] == [
        ("outsider", 5, 2),
        ("member", 6, 1),
        ("organiser", 7, 1),
        ("user", 8, 1),
    ]


@pytest.mark.parametrize("wanted", ["2", "member", "member@example.com"])
def test_jwt_prints_the_jwt_of_a_user(wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    result = run(jwt, wanted)
    assert result.exit_code == 0
    claims = pyjwt.decode(result.output.strip(), LOCAL_JWT_SECRET, algorithms=["HS256"])
    assert (claims["sub"], claims["email"]) == ("2", "member@example.com")
    assert claims["exp"] - claims["iat"] == 86_400


def test_jwt_of_nobody_says_who_there_is() -> None:
    result = run(jwt, "nobody")
    assert result.exit_code == 64
    assert "organiser" in result.output


def test_trigger_changes_an_event_and_shows_what_came_of_it(here: Launched) -> None:
    result = run(trigger, "status", "12", "ended", *addresses(here))
    assert result.exit_code == 0, result.output
    assert "DRAFT -> ENDED" in result.output
    assert "ticketing_status is inactive" in result.output
    again = run(trigger, "status", "12", "ENDED", *addresses(here))
    assert again.exit_code == 0
    assert "already" in again.output


def test_trigger_goes_by_the_clock_of_tuvens_api() -> None:
    clocks = dict.fromkeys((TUVENS_API, HI_EVENTS), 2 * 86_400.0)
    with launched(LaunchOptions(only=(TUVENS_API, HI_EVENTS), limits="raised", clocks=clocks)) as built:
        result = run(trigger, "status", "11", "LIVE", *addresses(built))
    assert result.exit_code == 0, result.output


def test_trigger_takes_the_id_of_hi_events_too() -> None:
    plain = default_seed()
    moved = Seed(plain.accounts, plain.users, plain.events, (plain.hi_events[0].__class__(900, "40", 123, "Evening"),))
    with launched(LaunchOptions(seed=moved)) as built:
        result = run(trigger, "status", "900", "LIVE", *addresses(built))
        assert result.exit_code == 0, result.output
        assert "event 900 of hi.events (event 40 of tuvens-api): DRAFT -> LIVE" in result.output
        assert run(trigger, "status", "40", "LIVE", *addresses(built)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["999", "LIVE"], "hi.events has no event for '999'"),
        (["11", "LIVE", "--user", "outsider"], "outsider@example.com has no access to event 11"),
        (["11", "LIVE", "--user", "nobody"], "no user has the id, email or role 'nobody'"),
    ],
)
def test_trigger_says_what_stands_in_the_way(here: Launched, arguments: Sequence[str], said: str) -> None:
    result = run(trigger, "status", *arguments, *addresses(here))
    assert result.exit_code == 64
    assert said in result.output


def test_trigger_refuses_a_status_that_does_not_exist_before_anything_is_sent() -> None:
    result = run(trigger, "status", "11", "LIFE", "--tuvens-api", "http://127.0.0.1:1")
    assert "'LIFE' is not one of 'draft', 'live', 'cancelled', 'ended', 'archived'" in " ".join(result.output.split())


def test_trigger_without_simulators_says_how_to_start_them() -> None:
    result = run(trigger, "status", "11", "LIVE", "--tuvens-api", "http://127.0.0.1:1")
    assert result.exit_code == 64
    assert "crossapp up" in result.output


def test_trigger_tells_a_delivery_that_does_not_arrive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crossapp.commands.status_story._PATIENCE", 0.2)
    with launched(LaunchOptions(faults=("webhook-not-sent",))) as built:
        begun = time.monotonic()
        result = run(trigger, "status", "11", "LIVE", *addresses(built))
        assert time.monotonic() - begun < 5
    assert result.exit_code == 2
    assert "deliveries" in result.output
