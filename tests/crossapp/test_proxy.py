"""`crossapp proxy` as a process of its own, and `crossapp judge` of what it and others recorded."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from contracts import placeholders
from crossapp.commands.judge import judge
from crossapp.commands.proxy import proxy
from harness.saved_history import read_history
from simulators.launch import LaunchOptions
from tests.launching import launched

_BASE = "https://api.staging.example.com"
_TOKEN = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
_SECRET = "a-secret-that-nobody-may-see-anywhere"
_DEPLOYMENT = f"""
name = "staging"
[targets.tuvens-api]
url = "{_BASE}"
[credentials]
shared_secret = "{_SECRET}"
[[users]]
role = "organiser"
account_id = 123
jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
"""


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with launched(LaunchOptions(limits="raised")) as built:
        file = tmp_path_factory.mktemp("deployment") / "deployment.json"
        file.write_text(json.dumps(built.description()), "utf-8")
        yield file


@contextmanager
def started(*arguments: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """`crossapp proxy` on free ports; killed if it is still there at the end."""
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", "proxy", "--port", "0", *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=cwd) as child:
        try:
            yield child
        finally:
            child.kill()


def validates(url: str) -> httpx.Response:
    headers = {"x-shared-secret": placeholders.SHARED_SECRET}
    body = {"session_token": placeholders.session_token()}
    return httpx.post(f"{url}/api/cross-app/validate-session", headers=headers, json=body, trust_env=False, timeout=30)


def described(child: subprocess.Popen[str]) -> dict[str, Any]:
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line, child.stderr.read() if child.stderr else ""
    value: dict[str, Any] = json.loads(line)
    return value


def run(command: Any, *arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(command)
    return CliRunner().invoke(app, arguments)


def verdicts(done: Result) -> dict[str, str]:
    found = (json.loads(line) for line in done.stdout.splitlines())
    return {each["requirement"]: each["verdict"] for each in found if each["type"] == "finding"}


def test_what_passes_is_recorded_and_judged_the_same_from_either_file(deployment: Path, tmp_path: Path) -> None:
    record, har = tmp_path / "r.jsonl", tmp_path / "r.har"
    with started("-d", str(deployment), "--json", "--record", str(record), "--har", str(har), cwd=tmp_path) as child:
        told = described(child)
        assert set(told["urls"]) == {"tuvens-api", "hi.events", "tuvens-client"}
        assert placeholders.SIGNATURE in told["placeholders"]
        assert validates(told["urls"]["tuvens-api"]).status_code == 200
        base, _, token = told["inspector"].partition("/inspector/#")
        asked = f"{base}/apps/proxy/exchanges/2"
        seen = httpx.get(asked, headers={"Authorization": f"Bearer {token}"}, trust_env=False).json()
        assert (seen["operation"], seen["status"], seen["user"]) == ("validateSession", 200, "organiser@example.com")
        child.send_signal(signal.SIGTERM)
        out, errors = child.communicate(timeout=60)
    assert (child.returncode, out) == (0, "")
    assert "Exchanges recorded: 2, 1 of them by the proxy itself" in errors
    secrets = [json.loads(deployment.read_text("utf-8"))["credentials"]["shared_secret"]]
    assert not any(each in record.read_text("utf-8") + har.read_text("utf-8") for each in secrets)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.har", "r.jsonl"]
    of_record, of_har = run(judge, str(record), "--json"), run(judge, str(har), "--json")
    found = verdicts(of_record)
    assert found["conformity.validateSession"] == "held"
    assert found["secrecy.no_answer_holds_a_secret"] == "held"
    assert found["errors.tuvens_api_errors_share_one_shape"] == "inconclusive"
    assert len(found) < 40
    again = verdicts(of_har)
    # Only the record says that the run may have moved the clocks.
    assert {name for name in found if again[name] != found[name]} <= {"clocks.tuvens_api_agrees"}
    assert of_record.exit_code == of_har.exit_code == 2
    claims = [each for each in map(json.loads, of_record.stdout.splitlines()) if each["type"] == "claim"]
    left = next(each for each in claims if each["claim"] == "C-SE-02")
    assert left["verdict"] != "violated"


def test_a_kill_leaves_what_had_passed_and_the_end_of_stdin_is_an_end(deployment: Path, tmp_path: Path) -> None:
    record = tmp_path / "r.jsonl"
    with started("-d", str(deployment), "--json", "--record", str(record), cwd=tmp_path) as child:
        validates(described(child)["urls"]["tuvens-api"])
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(record.read_text("utf-8").splitlines()) < 3:
            time.sleep(0.02)
        child.kill()
    with record.open(encoding="utf-8") as lines:
        history = read_history(lines)
    assert [each.operation for each in history.exchanges()] == ["generateSession", "validateSession"]
    with started("-d", str(deployment), "--exit-with-stdin", cwd=tmp_path) as child:
        out, errors = child.communicate("", timeout=60)
    assert child.returncode == 0
    assert placeholders.SHARED_SECRET in out
    assert "curl -s http://127.0.0.1:" in out
    assert re.search(r"Inspector \(live traffic\):\n\n  http://127\.0\.0\.1:\d+/inspector/#\S{43}\n", out)
    assert "nowhere (--record FILE keeps it)" in errors


@pytest.mark.parametrize(("kind", "credentials"), [("simulated", "always"), ("production", "placeholders")])
def test_whoever_would_get_credentials_needs_a_token_and_a_production_is_warned_of(
    kind: str, credentials: str, deployment: Path, tmp_path: Path
) -> None:
    value = json.loads(deployment.read_text("utf-8"))
    value["targets"] = {"tuvens-api": {**value["targets"]["tuvens-api"], "kind": kind}}
    value["users"] = [{**each, "test": True} for each in value["users"] if each["role"] == "organiser"]
    (tmp_path / "d.json").write_text(json.dumps(value), "utf-8")
    with started("-d", "d.json", "--json", "--exit-with-stdin", "--credentials", credentials, cwd=tmp_path) as child:
        said = described(child)
        url = f"{said['urls']['tuvens-api']}/api/events/11"
        statuses = [
            httpx.get(url, headers=headers, trust_env=False, timeout=30).status_code
            for headers in ({}, {"x-crossapp-token": said["token"]})
        ]
        _, errors = child.communicate("", timeout=60)
    assert statuses == [401, 200]
    assert ("Warning: this is a production" in errors) == (kind == "production")
    assert said["token"] not in errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--patience", "soon"], "--patience: 'soon' is not a duration such as 16m, 90s or 1h"),
        (["--port", "x"], "is not of the form PORT or APP=PORT"),
        (["--port", "70000"], "is not of the form PORT or APP=PORT"),
        (
            ["--port", "elsewhere=1"],
            "--port: unknown application 'elsewhere'; known are tuvens-api, hi.events, tuvens-client",
        ),
        (["--record", "/dev/null"], "/dev/null: cannot be written (is not an ordinary file)"),
        (["--record", "no/such/folder/x"], "cannot be written (No such file or directory)"),
        (["--har", "no/such/folder/x"], "no/such/folder/x: cannot be written"),
        (["--credentials", "sometimes"], "'sometimes' is not one of 'placeholders', 'always'"),
    ],
)
def test_a_users_mistake_is_told(arguments: list[str], said: str, tmp_path: Path) -> None:
    file = tmp_path / "deployment.json"
    target = {"url": "http://127.0.0.1:9"}
    user = {"role": "organiser", "account_id": 1, "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}
    targets = {"tuvens-api": target, "hi.events": target}
    value = {"targets": targets, "credentials": {"shared_secret": _SECRET}, "users": [user]}
    file.write_text(json.dumps(value), "utf-8")
    done = run(proxy, "-d", str(file), *arguments)
    assert done.exit_code in (2, 64)
    assert said in " ".join(done.output.replace("│", " ").split())


def entry(method: str, path: str, status: int, answer: object, **request: Any) -> dict[str, Any]:
    headers = [{"name": "content-type", "value": "application/json; charset=utf-8"}]
    text = json.dumps(answer)
    return {
        "startedDateTime": "2026-11-22T10:00:00Z",
        "time": 5,
        "request": {"method": method, "url": path if "://" in path else _BASE + path, "headers": [], **request},
        "response": {"status": status, "headers": headers, "content": {"size": len(text), "text": text}},
    }


def traffic(folder: Path, *entries: dict[str, Any]) -> list[str]:
    """Arguments that judge a HAR of these entries."""
    (folder / "staging.toml").write_text(_DEPLOYMENT, "utf-8")
    (folder / "x.har").write_text(json.dumps({"log": {"entries": entries}}), "utf-8")
    return [str(folder / "x.har"), "-d", str(folder / "staging.toml")]


def _asked(token: str) -> dict[str, Any]:
    return {
        "headers": [{"name": "x-shared-secret", "value": _SECRET}, {"name": "Authorization", "value": "Basic enoent"}],
        "postData": {"mimeType": "application/json", "text": json.dumps({"session_token": token})},
    }


def test_a_har_of_staging_is_judged_and_a_violation_is_found(tmp_path: Path) -> None:
    user = {"user_id": "1", "email": "a@example.com", "name": "A", "account_id": 123}
    good = entry("POST", "/api/cross-app/validate-session", 200, user, **_asked(_TOKEN))
    minted = {"session_token": _TOKEN, "expires_at": "2026-11-22T10:15:00.000Z", "account_id": 123}
    later = entry("POST", "/api/cross-app/generate-session", 200, minted)
    other = entry("GET", "https://elsewhere.example.com/", 200, {})
    done = run(judge, *traffic(tmp_path, good, later, other), "--json", "--report", str(tmp_path / "report"))
    assert verdicts(done)["conformity.validateSession"] == "held"
    assert verdicts(done)["conformity.generateSession"] == "held"
    assert verdicts(done)["secrecy.no_answer_holds_a_secret"] == "held"
    assert "2 requests to staging, 0 of them to undocumented operations; left out: 1 to other hosts" in done.stderr

    del user["email"]
    bad = entry("POST", "/api/cross-app/validate-session", 200, {**user, "echo": _TOKEN}, **_asked(_TOKEN))
    done = run(judge, *traffic(tmp_path, bad, later), "--report", str(tmp_path / "report"))
    assert done.exit_code == 1
    assert "VIOLATED conformity.validateSession" in " ".join(done.stdout.split())
    assert "returns 200 with a session-token in its body" in " ".join(done.stdout.split())
    written = "".join(path.read_text("utf-8") for path in (tmp_path / "report").iterdir()) + done.output
    assert [each for each in (_SECRET, _TOKEN, "enoent") if each in written] == []


def test_a_har_without_bodies_accuses_nobody(tmp_path: Path) -> None:
    bare = entry("POST", "/api/cross-app/validate-session", 200, {})
    bare["response"]["content"] = {"size": 900}
    done = run(judge, *traffic(tmp_path, bare), "--json")
    assert done.exit_code in (2, 4)
    assert set(verdicts(done).values()) <= {"inconclusive", "not_applicable", "blocked"}


@pytest.mark.parametrize(
    "marks",
    [
        {"response": {"status": -1, "headers": [], "content": {"size": -1, "mimeType": "x-unknown"}}},
        {"cache": {"afterRequest": None}, "timings": {}, "time": 0},
        {"response": {"status": 200, "headers": [], "content": {"size": -1}, "_failureText": "net::ERR_ABORTED"}},
        {"response": {"status": "200 OK"}},
    ],
    ids=["aborted, Playwright", "cached, Firefox", "aborted with a status, Playwright", "odd"],
)
def test_an_entry_without_an_answer_of_the_application_accuses_nobody(marks: dict[str, Any], tmp_path: Path) -> None:
    user = {"user_id": "1", "email": "a@example.com", "name": "A", "account_id": 123}
    good = entry("POST", "/api/cross-app/validate-session", 200, user, **_asked(_TOKEN))
    bare = {**entry("POST", "/api/cross-app/validate-session", 200, {}, **_asked(_TOKEN)), **marks}
    done = run(judge, *traffic(tmp_path, good, bare), "--json", "--select", "conformity.validateSession")
    assert verdicts(done)["conformity.validateSession"] != "violated", done.output


def test_a_har_of_nothing_known_is_told_with_the_hosts_that_it_has(tmp_path: Path) -> None:
    done = run(judge, *traffic(tmp_path, entry("GET", "https://elsewhere.example.com/x", 200, {})))
    assert done.exit_code == 64
    assert f"none of its 1 requests goes to {_BASE}; it has requests to https://elsewhere.example.com" in done.output
    (tmp_path / "x.har").write_text('{"log": {"entries": [{}]}}', "utf-8")
    done = run(judge, str(tmp_path / "x.har"))
    assert done.exit_code == 64
    assert "x.har: none of its 1 entries can be read (log.entries[0].request: missing)" in done.output


@pytest.mark.parametrize("told", [{"x": {}}, {"tuvens-api": 5}, {"tuvens-api": {"url": "javascript:"}}])
def test_a_har_that_pretends_to_be_ours_is_told(told: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "x.har").write_text(json.dumps({"log": {"entries": [], "_crossapp": {"targets": told}}}), "utf-8")
    done = run(judge, str(tmp_path / "x.har"))
    assert done.exit_code == 64
    assert "log._crossapp.targets" in done.output


def test_a_selection_that_only_stories_decide_is_told(tmp_path: Path) -> None:
    done = run(judge, *traffic(tmp_path, entry("GET", "/api/events/1", 404, {})), "--select", "cors")
    assert done.exit_code == 2
    assert "the selected requirements need stories" in " ".join(done.output.replace("│", " ").split())
