"""What a run changed at a deployment is undone: at its end, when stopped, and by crossapp cleanup after a kill."""

import asyncio
import copy
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

import openapi
from contracts.changes import CLEAN_UP, tuvens_state
from contracts.times import iso_millis
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from crossapp.cli import app
from crossapp.commands.cleanup import undo_earlier
from crossapp.commands.output import stderr
from crossapp.deployments import journal_of
from crossapp.run import Settings, StoppedRunError, perform, report_of
from harness.change_journal import journal_file
from harness.deployment import Deployment, DeploymentError
from harness.deployment_file import build_deployment
from harness.render.saved import open_report
from simulators.launch import LaunchOptions
from tests.launching import launched
from tests.troubles import Network, proxies

_QUICK = (
    "flow.an_event_goes_live",
    "hi_events_page.makes_a_draft_that_carries_the_tuvens_event",
    "tuvens_event.the_callback_is_noted",
    "webhook.cancelled_gives_inactive",
)
State = dict[str, Any]


class Staging:
    """Simulators without control plane, seen as a staging; `file` describes them."""

    def __init__(self, description: dict[str, Any], file: Path) -> None:
        value = copy.deepcopy(description)
        for each in value["targets"].values():
            each["kind"] = "staging"
        linked = value["events"]["linked"][:2]
        # Few events, so that stories change what others have changed before.
        value["events"] = {
            "tuvens": [*(each["tuvens"] for each in linked), *value["events"]["tuvens"][-2:]],
            "linked": linked,
        }
        file.write_text(json.dumps(value), "utf-8")
        self.file = file
        self.value = value
        self.client = httpx.Client(trust_env=False, timeout=20)

    @property
    def deployment(self) -> Deployment:
        return build_deployment(self.value, apps=openapi.APPS, editions=(openapi.EDITION,))

    def url(self, app: str) -> str:
        return str(self.value["targets"][app]["url"])

    def has(self, event: str, hi_event: int, status: str) -> None:
        """hi.events told tuvens-api of an event's status."""
        secret = self.value["credentials"]["shared_secret"]
        body = status_changed_body(
            event_id=hi_event, title="Before", status=status, tuvens_event_id=event, sent_at=iso_millis(time.time())
        )
        call = event_status_changed(body, sign(secret, body))
        answer = self.client.post(self.url("tuvens-api") + call.target, content=body, headers=dict(call.headers))
        assert answer.status_code == 200, answer.text

    def state(self) -> dict[str, State]:
        """The events as tuvens-api and hi.events show them, without times."""
        found: dict[str, State] = {}
        for event in self.value["events"]["tuvens"]:
            shown = self.client.get(f"{self.url('tuvens-api')}/api/events/{event}").json()
            (shown["contactData"] or {}).pop("hiEventsLastUpdated", None)
            found[f"tuvens-api {event}"] = shown
        bearer = self.bearer()
        for each in self.value["events"]["linked"]:
            shown = self.client.get(f"{self.url('hi.events')}/events/{each['hi']}", headers=bearer).json()
            found[f"hi.events {each['hi']}"] = shown
        return found

    def bearer(self) -> dict[str, str]:
        user = next(each for each in self.value["users"] if each["role"] == "organiser")
        minted = self.client.post(
            f"{self.url('tuvens-api')}/api/cross-app/generate-session",
            json={"account_id": user["account_id"]},
            headers={"Authorization": f"Bearer {user['jwt']}"},
        ).json()
        token = {"session_token": minted["session_token"]}
        signed_in = self.client.post(f"{self.url('hi.events')}/auth/cross-app/validate", json=token).json()
        return {"Authorization": f"Bearer {signed_in['token']}", "Accept": "application/json"}

    def behind(self, app: str, url: str) -> Deployment:
        """The deployment with another address of an application."""
        value = copy.deepcopy(self.value)
        target = value["targets"][app]
        for field in ("url", "api_url"):
            if field in target:
                target[field] = target[field].replace(self.url(app), url)
        return build_deployment(value, apps=openapi.APPS, editions=(openapi.EDITION,))

    def begins(self) -> dict[str, State]:
        """Events that somebody used before: on sale, over, and linked by hand. Returns their state."""
        first, second = self.value["events"]["linked"]
        self.client.put(
            f"{self.url('hi.events')}/events/{first['hi']}/status", json={"status": "LIVE"}, headers=self.bearer()
        )
        self.has(first["tuvens"], int(first["hi"]), "LIVE")
        self.has(second["tuvens"], int(second["hi"]), "CANCELLED")
        for event, hi_event in zip(self.value["events"]["tuvens"][2:], (771, 772), strict=True):
            self.has(event, hi_event, "ENDED")
        return self.state()


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Staging]:
    with launched(LaunchOptions(control=False, limits="raised")) as built:
        found = Staging(built.description(), tmp_path / "staging.json")
        with closing(found.client):
            yield found


def test_two_runs_give_the_same_verdicts_and_leave_the_events_as_they_were(staging: Staging) -> None:
    before, deployment, settings = staging.begins(), staging.deployment, Settings(select=_QUICK, quick=True)
    verdicts = []
    for _ in range(2):
        journal = journal_of(staging.file, deployment)
        assert journal is not None
        run = asyncio.run(perform(deployment, settings, journal=journal))
        journal.close()
        found = report_of(run, settings)
        assert staging.state() == before
        assert run.history.stories[CLEAN_UP].ended == "finished"
        undone, *left = found.footer.left
        assert undone.startswith("Changed events that are as they were before: 3 at hi.events and 4 at tuvens-api")
        assert [each.partition(": ")[0] for each in left] == [
            "Left at hi.events",
            "Left at hi.events",
            "Left at tuvens-api",
        ]
        assert not journal_file(staging.file).exists()
        verdicts.append({each.requirement: each.verdict for each in found.findings})
    assert verdicts[0] == verdicts[1]
    assert {each.value for each in verdicts[0].values()} == {"held"}


def interrupted(staging: Staging, number: signal.Signals) -> int:
    """Send crossapp verify a signal when it has changed something; its exit code. Ctrl-C is ignored there, as it is for
    `crossapp verify &` in a script."""
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", "verify", "-v", "--quick"]
    selected = [part for each in _QUICK for part in ("--select", each)]
    arguments = [*command, *selected, "--deployment", str(staging.file), "--report", "r"]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        child = subprocess.Popen(arguments, cwd=staging.file.parent, stderr=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.endswith(" finished\n") and has_changed(staging):
                break
        child.send_signal(number)
        child.communicate(timeout=60)
        return child.returncode


def has_changed(staging: Staging) -> bool:
    """Whether a run noted that it changed some events."""
    journal = journal_file(staging.file)
    return journal.exists() and journal.read_text("utf-8").count('"changes"') > 4


def cleanup(staging: Staging) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", "cleanup", str(staging.file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_after_kill_9_crossapp_cleanup_undoes_what_the_journal_has(staging: Staging) -> None:
    before = staging.begins()
    assert interrupted(staging, signal.SIGKILL) == -signal.SIGKILL
    assert staging.state() != before
    noted = journal_file(staging.file).read_text("utf-8")
    for secret in (staging.deployment.shared_secret, *(each.jwt for each in staging.deployment.users)):
        assert secret not in noted
    done = cleanup(staging)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert staging.state() == before
    assert "Changed events that are as they were before" in done.stdout
    assert not journal_file(staging.file).exists()
    again = cleanup(staging)
    assert (again.returncode, again.stdout.partition(":")[0]) == (0, "Nothing to undo")


def test_a_process_that_gets_sigterm_undoes_what_it_changed_before_it_ends(staging: Staging) -> None:
    before = staging.begins()
    assert interrupted(staging, signal.SIGTERM) == 130
    assert staging.state() == before
    assert not journal_file(staging.file).exists()
    footer = open_report(staging.file.parent / "r").footer
    assert footer.stopped.startswith("stopped after ")
    assert footer.left[0].startswith("Changed events that are as they were before")
    assert cleanup(staging).stdout.startswith("Nothing to undo")


def test_a_run_that_is_stopped_undoes_what_it_changed(staging: Staging) -> None:
    before, settings = staging.begins(), Settings(select=_QUICK, quick=True)
    journal = journal_of(staging.file, staging.deployment)
    said = []

    async def main() -> None:
        run = asyncio.current_task()
        assert run is not None

        def progress(story: str, state: str) -> None:
            said.append(f"{story} {state}")
            if state == "finished" and has_changed(staging):
                run.cancel()  # as Ctrl-C and SIGTERM do

        await perform(staging.deployment, settings, progress, journal=journal)

    with pytest.raises(StoppedRunError) as stopped:
        asyncio.run(main())
    assert journal is not None
    journal.close()
    assert staging.state() == before
    found = report_of(stopped.value.run, settings).footer
    assert found.stopped
    assert found.left[0].startswith("Changed events that are as they were before")
    assert any(each.startswith(f"{CLEAN_UP} undoes the changes of") for each in said)


def test_an_event_that_cannot_be_set_back_at_first_is_set_back_at_the_second_attempt(staging: Staging) -> None:
    before, api = staging.begins(), "tuvens-api"
    event = staging.value["events"]["linked"][0]["tuvens"]
    with proxies(Network(begins=b"POST /api/webhooks/", lost=range(3)), (api,)) as fronts:
        fronts[api].target = staging.url(api)
        journal = journal_of(staging.file, staging.deployment)
        assert journal is not None
        journal.found(api, event, tuvens_state(before[f"{api} {event}"]))
        journal.changes(api, event)
        staging.has(event, int(event), "ENDED")
        assert staging.state() != before
        undo_earlier(staging.behind(api, fronts[api].url), journal, stderr())
        assert not journal.changed
        journal.close()
        assert fronts[api].troubles == 3
    assert staging.state() == before


def test_what_others_changed_since_and_what_does_not_answer_is_left(
    staging: Staging, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    staging.begins()
    first, second = staging.value["events"]["linked"]
    journal = journal_of(staging.file, staging.deployment)
    assert journal is not None
    an_hour_ago = time.time() - 3_600
    monkeypatch.setattr("harness.change_journal.time.time", lambda: an_hour_ago)
    for event in (first["tuvens"], "4711"):
        journal.found("tuvens-api", event, {"ticketing_status": "setup", "contactData.hiEventsStatus": "DRAFT"})
        journal.changes("tuvens-api", event)
    monkeypatch.undo()
    journal.found("hi.events", str(second["hi"]), None)
    journal.changes("hi.events", str(second["hi"]))
    state = staging.state()
    undo_earlier(staging.deployment, journal, stderr())
    said = " ".join(capsys.readouterr().err.split())
    assert staging.state() == state
    assert f"tuvens-api, event {first['tuvens']}: others have changed it since" in said
    assert "tuvens-api, event 4711: could not be set back: it cannot be read" in said
    assert f"hi.events, event {second['hi']}: may have been changed, and could not be read before" in said
    assert f"run crossapp cleanup {staging.file}" in said
    journal.close()
    assert journal_file(staging.file).exists()


@pytest.mark.parametrize("command", ["load", "lockstep"])
@pytest.mark.parametrize("stopped", [False, True])
def test_random_changes_are_noted_before_they_begin_and_undone(
    staging: Staging, command: str, stopped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = staging.begins()
    seen: list[dict[str, State]] = []

    def changes(*_: object, **__: object) -> None:
        noted = journal_file(staging.file).read_text("utf-8")
        events = [*staging.value["events"]["tuvens"], *(each["hi"] for each in staging.value["events"]["linked"])]
        changed = {
            each["event"] for each in map(json.loads, filter(None, noted.splitlines())) if each["what"] == "changes"
        }
        assert changed == {str(each) for each in events}
        for number, event in enumerate(staging.value["events"]["tuvens"]):
            staging.has(event, 700 + number, "CANCELLED")
        seen.append(staging.state())
        raise KeyboardInterrupt if stopped else DeploymentError("that is enough")

    monkeypatch.setattr("crossapp.commands.load.run_load", changes)
    monkeypatch.setattr("crossapp.commands.lockstep._explore", changes)
    arguments = {"load": ["load", "-d"], "lockstep": ["lockstep", "--deployment"]}[command]
    done = CliRunner().invoke(app, [*arguments, str(staging.file)])
    assert done.exit_code == (130 if stopped else 64)
    assert seen != [before]
    assert staging.state() == before
    said = " ".join(done.stderr.split())
    assert "Changed events that are as they were before: 2 at hi.events and 4 at tuvens-api." in said
    assert "sessions" not in said
    assert not journal_file(staging.file).exists()
