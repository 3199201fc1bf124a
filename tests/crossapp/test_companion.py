"""Commands that find the running `crossapp up`: clock, reset, faults, deliveries, logs, trigger, jwt."""

import json
import os
import signal
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt as pyjwt
import pytest
import typer
from typer.testing import CliRunner, Result

from crossapp.commands.clock import clock
from crossapp.commands.deliveries import deliveries
from crossapp.commands.faults import faults
from crossapp.commands.jwt import jwt
from crossapp.commands.logs import logs
from crossapp.commands.reset import reset
from crossapp.commands.trigger import trigger
from crossapp.control import ControlClient, ControlError
from harness.deployment import Control
from harness.running import Instance, RunningApp, announced, instances
from simulators.kit.errors import StartError
from simulators.launch import APPS, HI_EVENTS, TUVENS_API, Launched, LaunchOptions
from simulators.own_authority import OwnAuthority
from simulators.tuvens_api.config import LOCAL_JWT_SECRET
from simulators.up import welcome
from tests.launching import launched


def run(command: Any, *arguments: str) -> Result:
    """One command of the command line, in this process."""
    if isinstance(command, typer.Typer):
        return CliRunner().invoke(command, arguments)
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of state for this module alone."""
    folder = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(folder))
        yield folder / "crossapp" / "running"


@pytest.fixture(scope="module")
def served(state: Path) -> Iterator[Launched]:
    with launched(LaunchOptions(limits="raised")) as built:
        yield built


@pytest.fixture
def here(served: Launched) -> Iterator[Launched]:
    """A running instance that other commands find, as it was at the start."""
    instance = served.instance()
    assert instance is not None
    with announced(instance):
        for app in APPS:
            with control(served, app) as client:
                client.reset(everything=True)
        yield served


def control(built: Launched, app: str) -> ControlClient:
    return ControlClient(app, Control(f"{built.urls[app]}/__crossapp__", built.control_tokens[app]))


def _elsewhere(port: int, pid: int | None = None) -> Instance:
    """An instance that was announced, and does not respond."""
    url = f"http://127.0.0.1:{port}"
    return Instance(pid or os.getpid(), {TUVENS_API: RunningApp(url, Control(url, "x" * 22))}, url)


# -- finding it


def test_the_file_of_an_instance_is_its_users_alone_and_gone_afterwards(here: Launched, state: Path) -> None:
    (path,) = state.glob("*")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with announced(_elsewhere(1)):
        assert len(instances()) == 2
    assert [each.ports[0] for each in instances()] == [here.urls[TUVENS_API].rpartition(":")[2]]


def test_up_announces_itself_until_it_is_stopped(state: Path) -> None:
    command = [sys.executable, "-m", "simulators", "--json", *(f"--port={app}=0" for app in APPS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            targets = json.loads(child.stdout.readline())["targets"]
            (found,) = instances()
            assert found.pid == child.pid
            assert {app: each.url for app, each in found.apps.items()} == {app: targets[app]["url"] for app in APPS}
            assert run(clock).exit_code == 0
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
            assert list(state.glob("*")) == []
        finally:
            child.kill()


def test_one_that_ends_with_its_parent_is_the_parents_alone(state: Path) -> None:
    command = [sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", "--only", "hi.events"]
    with subprocess.Popen([*command, "--port=hi.events=0"], stdin=-1, stdout=-1, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        assert child.stdout.readline()
        assert instances() == []
        child.stdin.close()
        assert child.wait(20) == 0


def test_a_file_of_a_process_that_was_killed_is_removed(state: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    left = announced(_elsewhere(1, gone.pid))
    left.__enter__()
    (state / "nonsense.json").write_text("[]")
    assert len(list(state.glob("*.json"))) == 2
    assert instances() == []
    assert list(state.glob("*.json")) == []


@pytest.mark.parametrize("command", [clock, reset, deliveries, logs])
def test_without_an_instance_the_remedy_is_one_line(command: Any) -> None:
    # One that is announced and dead is none.
    with announced(_elsewhere(1)):
        result = run(command)
    assert result.exit_code == 64
    assert result.output == "crossapp: no crossapp up is running; start one with: crossapp up\n"


def test_what_can_be_armed_is_listed_without_an_instance() -> None:
    with announced(_elsewhere(1)):
        result = run(faults, "--all", "--app", "hi.events")
        armed = run(faults, "arm", "draft-made-live")
    assert result.exit_code == 0
    assert result.output.startswith("No crossapp up is running: none of these is armed.\nhi.events, arrival:\n")
    assert "  draft-made-live\n" in result.output
    assert "tuvens-api, " not in result.output
    assert armed.output == "crossapp: no crossapp up is running; start one with: crossapp up\n"


def test_of_several_one_is_named_by_a_port(here: Launched) -> None:
    with launched(LaunchOptions(only=(HI_EVENTS,))) as other:
        instance = other.instance()
        assert instance is not None
        with announced(instance):
            result = run(clock)
            assert result.exit_code == 64
            for each in (instance, here.instance()):
                assert each is not None
                assert each.title in result.output
            port = here.urls[HI_EVENTS].rpartition(":")[2]
            named = run(clock, "--instance", port)
            assert [line.split()[0] for line in named.output.splitlines()] == list(APPS)
            unknown = run(clock, "--instance", "1")
            assert unknown.exit_code == 64
            assert "no crossapp up has the port 1; running: " in unknown.output
            assert run(faults, "--app", TUVENS_API, "--instance", instance.ports[0]).exit_code == 64


# -- the commands


def test_the_clock_moves_forward_and_back_to_real_time(here: Launched) -> None:
    moved = run(clock, "+15m1s")
    assert moved.exit_code == 0, moved.output
    assert [line.split("  ")[-1] for line in moved.output.splitlines()] == ["+15m 1s"] * 3
    with control(here, TUVENS_API) as api:
        assert api.clock.now() == pytest.approx(time.time() + 901, abs=5)
    one = run(clock, "real", "--app", HI_EVENTS)
    assert one.output.split("  ")[-1] == "real time\n"
    assert run(clock).output.count("+15m 1s") == 2
    assert run(clock, "real").output.count("real time") == 3


@pytest.mark.parametrize(("move", "said"), [("15", "'15' has no unit"), ("soon", "such as 16m"), ("9601h", "400 days")])
def test_a_clock_that_cannot_be_moved_so(here: Launched, move: str, said: str) -> None:
    result = run(clock, move)
    assert result.exit_code != 0
    assert said in result.output


def test_reset_puts_data_back_and_everything_the_clock_too(here: Launched) -> None:
    assert run(trigger, "status", "11", "LIVE").exit_code == 0
    run(clock, "+1h")
    assert run(reset).exit_code == 0
    assert "No webhook was sent yet" in run(deliveries).output
    assert run(clock).output.count("+1h") == 3
    assert run(reset, "--everything").exit_code == 0
    assert run(clock).output.count("real time") == 3


def test_faults_are_listed_by_application_and_area_with_a_short_list(here: Launched) -> None:
    short = run(faults).output
    assert short.startswith("Armed: none")
    assert "sse-reconnect-starts-anew" in short
    assert "signature-not-checked" not in short
    assert len(short.splitlines()) < 60
    assert max(map(len, short.splitlines())) <= 80
    area = run(faults, "--area", "authentication").output
    assert area.startswith("tuvens-api, authentication:\n")
    assert "signature-not-checked" in area
    everything = run(faults, "--all").output
    assert "hi.events, webhooks:" in everything
    assert everything.count("\n  ") > 390
    assert "did you mean 'routes'?" in run(faults, "--area", "routs").output


def test_faults_are_armed_and_disarmed_by_name(here: Launched) -> None:
    armed = run(faults, "arm", "unknown-event-answers-null", "webhook-not-sent", "--times", "2")
    assert armed.output.splitlines() == [
        "tuvens-api: unknown-event-answers-null is armed for the next 2 requests.",
        "hi.events: webhook-not-sent is armed for the next 2 requests.",
    ]
    answer = httpx.get(f"{here.urls[TUVENS_API]}/api/events/999", trust_env=False)
    assert (answer.status_code, answer.text) == (200, "null")
    assert "unknown-event-answers-null  (fired 1×, 1 left)" in run(faults).output
    assert run(faults, "disarm", "webhook-not-sent").exit_code == 0
    assert "webhook-not-sent" not in run(faults).output.partition("For front-end")[0]
    assert run(faults, "disarm").exit_code == 0
    assert run(faults).output.startswith("Armed: none")


def test_a_fault_of_any_operation_is_armed_by_its_spec(here: Launched) -> None:
    assert "generateSession:respond=503x2" in run(faults).output
    armed = run(faults, "arm", "getEvent:respond=503x1", "setEventStatus:hang")
    assert armed.output.splitlines() == [
        "tuvens-api: getEvent:respond=503 is armed for the next request.",
        "hi.events: setEventStatus:hang is armed.",
    ]
    url = f"{here.urls[TUVENS_API]}/api/events/11"
    assert [httpx.get(url, trust_env=False).status_code for _ in range(2)] == [503, 200]
    wrong = run(faults, "arm", "setEventStatus:drop", "getEvent:respond=99")
    assert wrong.exit_code == 64
    assert "400 to 599" in wrong.output
    assert "setEventStatus:drop" not in run(faults).output


def test_a_wrong_name_arms_nothing(here: Launched) -> None:
    result = run(faults, "arm", "webhook-not-sent", "webhook-not-send")
    assert result.exit_code == 64
    assert "did you mean 'webhook-not-sent'?" in result.output
    assert run(faults).output.startswith("Armed: none")


def test_deliveries_are_listed_and_replayed(here: Launched) -> None:
    run(trigger, "status", "11", "LIVE")
    number, *rest = run(deliveries).output.split()
    assert rest == ["event", "11", "delivered", "200"]
    assert run(deliveries, "replay", number[1:]).output.startswith(f"{number} was sent again: 200, ")
    assert run(deliveries).output.endswith("200, 200 (replay)\n")
    missing = run(deliveries, "replay", "999")
    assert missing.exit_code == 64
    assert "there is no delivery 999" in missing.output


def test_trigger_resends_the_last_webhook_or_one_by_number(here: Launched) -> None:
    nothing = run(trigger, "resend")
    assert nothing.exit_code == 64
    assert "has not sent a webhook yet" in nothing.output
    run(trigger, "status", "11", "LIVE")
    run(trigger, "status", "12", "LIVE")
    first, last = (line.split()[0] for line in run(deliveries).output.splitlines())
    assert run(trigger, "resend").output.startswith(f"{last} was sent again: 200, ")
    assert run(trigger, "resend", first[1:]).output.startswith(f"{first} was sent again: 200, ")


@pytest.mark.parametrize(
    ("signature", "status"), [("correct", 200), ("wrong", 401), ("other-body", 401), ("missing", 401)]
)
def test_trigger_sends_webhooks_that_are_signed_correctly_or_not(here: Launched, signature: str, status: int) -> None:
    result = run(trigger, "webhook", "11", "LIVE", "--signature", signature)
    assert result.exit_code == 0
    assert result.output.startswith(f"tuvens-api returned {status} to a webhook with a {signature} signature.")
    event = httpx.get(f"{here.urls[TUVENS_API]}/api/events/11", trust_env=False).json()
    assert event["ticketing_status"] == ("active" if status == 200 else None)


def test_trigger_webhook_names_the_events_that_are_linked(here: Launched) -> None:
    result = run(trigger, "webhook", "999", "LIVE")
    assert result.exit_code == 64
    assert "the seed's are 11, 12" in result.output


def test_trigger_makes_a_burst_of_changes_that_all_arrive_in_order(here: Launched) -> None:
    result = run(trigger, "burst", "11", "--count", "6")
    assert result.exit_code == 0, result.output
    assert "6 changes in" in result.output
    sent = run(deliveries).output.splitlines()
    assert len(sent) == 6
    assert all("delivered" in line for line in sent)


def test_trigger_reconnect_closes_the_streams_which_may_be_opened_again(here: Launched) -> None:
    url = f"{here.urls[TUVENS_API]}/api/events/updates"
    with httpx.Client(trust_env=False, timeout=20) as client:
        for _ in range(2):
            with client.stream("GET", url) as stream:
                parts = stream.iter_raw()
                next(parts)
                assert run(trigger, "reconnect").output == "1 stream was closed.\n"
                assert [each for each in parts if not each.startswith(b":")] == []
    assert run(trigger, "reconnect").output == "0 streams were closed.\n"


def test_logs_are_the_lines_of_the_terminal_in_order_of_time(here: Launched) -> None:
    run(trigger, "status", "11", "LIVE")
    printed = run(logs)
    assert printed.exit_code == 0
    lines = printed.output.splitlines()
    assert [line[:8] for line in lines] == sorted(line[:8] for line in lines)
    assert sum("receiveEventStatusChanged" in line for line in lines) == 1
    assert any("0 listeners" in line for line in lines)
    assert run(logs, "--last", "1").output.splitlines() == lines[-1:]
    rows = [json.loads(line) for line in run(logs, "--json").output.splitlines()]
    assert {each.get("operation") for each in rows} >= {"setEventStatus", "receiveEventStatusChanged"}


def test_logs_follow_until_the_simulators_stop(state: Path) -> None:
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", "logs", "--follow"]
    with launched(LaunchOptions(only=(TUVENS_API,))) as built:
        instance = built.instance()
        assert instance is not None
        with announced(instance), subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as child:
            assert child.stdout is not None
            watchdog = threading.Timer(30, child.kill)
            watchdog.start()
            # The first request may be there before the command, the others come while it reads.
            seen = ""
            while "getEvent" not in seen and child.poll() is None:
                httpx.get(f"{built.urls[TUVENS_API]}/api/events/11", trust_env=False)
                seen = child.stdout.readline()
            assert "→ tuvens-api" in seen
            built.simulators[TUVENS_API].control.feed.close()
            _, said = child.communicate(timeout=30)
            watchdog.cancel()
    assert child.returncode == 0
    assert said == "crossapp up has stopped.\n"


def test_jwt_goes_by_the_clock_and_the_seed_of_the_instance(here: Launched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET", raising=False)
    run(clock, "+48h")
    claims = pyjwt.decode(
        run(jwt, "organiser").output.strip(), LOCAL_JWT_SECRET, ["HS256"], {"verify_iat": False, "verify_nbf": False}
    )
    assert claims["exp"] - time.time() == pytest.approx(3 * 86_400, abs=30)
    with control(here, TUVENS_API) as api:
        api.call("POST", "/seed", {"accounts": [{"id": 1, "name": "A", "slug": "a"}]})
    assert "no user has the id, email or role" in run(jwt, "organiser").output


def test_a_control_plane_that_refuses_is_one_line(here: Launched) -> None:
    with control(here, TUVENS_API) as api, pytest.raises(ControlError, match="GET /nothing returned 404"):
        api.call("GET", "/nothing")
    port = here.urls[TUVENS_API].rpartition(":")[2]
    url = f"http://127.0.0.1:{port}/__crossapp__"
    with (
        ControlClient(TUVENS_API, Control(url, "wrong")) as wrong,
        pytest.raises(ControlError, match="GET /feed returned 401"),
    ):
        next(wrong.feed())


# -- by https


def test_by_https_all_applications_trust_the_authority_of_their_user(state: Path) -> None:
    with launched(LaunchOptions(limits="raised", https=True)) as built:
        authority = Path(built.ca_file)
        assert authority.is_relative_to(state.parent)
        assert stat.S_IMODE(authority.with_name("ca-key.pem").stat().st_mode) == 0o600
        assert built.ca_file in welcome(built)
        assert built.description()["ca_file"] == built.ca_file
        url = f"{built.urls[TUVENS_API]}/api/events/11"
        assert url.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=built.ca_file)
        with httpx.Client(trust_env=False, verify=trusting, timeout=60) as client:
            assert client.get(url.replace("127.0.0.1", "localhost")).status_code == 200
        with (
            httpx.Client(trust_env=False, timeout=60) as client,
            pytest.raises(httpx.ConnectError, match="certificate"),
        ):
            client.get(url)
        instance = built.instance()
        assert instance is not None
        with announced(instance):
            # hi.events signs in at tuvens-api and sends it the webhook, both by https.
            changed = run(trigger, "status", "11", "LIVE")
            assert changed.exit_code == 0, changed.output
            assert run(clock).output.count("real time") == 3
            assert run(jwt, "organiser").output.count(".") == 2
    assert OwnAuthority().file.read_bytes() == authority.read_bytes()
    authority.write_text("nonsense")
    with pytest.raises(StartError, match="does not hold a certificate and its key; remove it"):
        OwnAuthority()


def test_without_trustme_the_remedy_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulators.own_authority.is_installed", lambda extra: False)
    with pytest.raises(StartError, match=r"pip install .*trustme"):
        Launched(LaunchOptions(https=True))
