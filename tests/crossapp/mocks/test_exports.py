"""`crossapp mocks`: what it writes is run by msw, WireMock and Laravel's HTTP client."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import typer
from typer.testing import CliRunner, Result

import openapi
from contracts.session_token import wire
from contracts.webhook.wire import event_status_changed
from crossapp.commands.mocks import mocks
from crossapp.mocks import signed_webhook
from crossapp.mocks.exported import URLS, exported_rows, request_schema, required_query
from crossapp.mocks.table import fault_names, provider_states
from harness.http import Call
from tests.real.applications import HERE as REAL
from tests.real.applications import free_ports, installed, npm_packages

_HERE = Path(__file__).parent
_PACKAGES = _HERE.parents[1] / "npm"
_SECRET = "crossapp.shared-secret"
_LIVE = "the organiser has a live session"
_TOKEN = "Zm9yLXRoZS1kb2N1bWVudC1vbmx5LW5vdC1hLXRva2Vu"


def _run(*arguments: str) -> Result:
    app = typer.Typer(add_completion=False)
    app.command()(mocks)
    return CliRunner().invoke(app, arguments)


def _written(*arguments: str) -> None:
    result = _run(*arguments)
    assert result.exit_code == 0, result.output


def _passes(command: Sequence[str | Path], **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, **options)
    said: str = done.stdout
    assert done.returncode == 0, said + str(done.stderr)
    return said


def test_laravels_client_gets_the_mocked_responses(tmp_path: Path) -> None:
    target = installed("hi.events")
    _written("--laravel", str(tmp_path / "crossapp_mocks.php"))
    tests = _HERE / "laravel"
    phpunit = [REAL / "debian-php", target, target / "root/usr/bin/phpunit"]
    said = _passes(
        [
            *phpunit,
            "--no-configuration",
            "--do-not-cache-result",
            "--bootstrap",
            tests / "bootstrap.php",
            tests / "MocksTest.php",
        ],
        cwd=tmp_path,
        env={"CROSSAPP_MOCKS": str(tmp_path / "crossapp_mocks.php"), "PATH": "/usr/bin:/bin"},
    )
    assert re.search(r"OK \(\d\d tests", said)


@pytest.mark.slow
def test_msw_returns_the_mocked_responses(tmp_path: Path) -> None:
    (tmp_path / "node_modules").symlink_to(npm_packages(_PACKAGES) / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copy(_HERE / "msw.test.mjs", tmp_path)
    _written("--msw", str(tmp_path / "crossapp-mocks.js"))
    said = _passes(["node", "--test", "--test-reporter=tap", "msw.test.mjs"], cwd=tmp_path)
    assert re.search(r"# pass \d\d\n# fail 0", said)


class _WireMock:
    """A WireMock with the written mappings."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def state(self, state: str, app: str = "tuvens-api") -> None:
        done = self.client.put(f"/__admin/scenarios/{app}/state", json={"state": state})
        assert done.status_code == 200, done.text

    def send(self, call: Call) -> httpx.Response:
        return self.client.request(call.method, call.target, headers=list(call.headers), content=call.body)

    def unmatched(self) -> list[str]:
        return [each["url"] for each in self.client.get("/__admin/requests/unmatched").json()["requests"]]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_WireMock]:
    if shutil.which("java") is None:
        pytest.skip("java is not installed (Debian: default-jre-headless)")
    folder = tmp_path_factory.mktemp("wiremock")
    _written("--wiremock", str(folder))
    jar = next((npm_packages(_PACKAGES) / "node_modules/wiremock/build").glob("*.jar"))
    (port,) = free_ports(1)
    options = ["--port", str(port), "--bind-address", "127.0.0.1", "--root-dir", str(folder), "--disable-banner"]
    server = subprocess.Popen(
        ["java", "-jar", jar, *options], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with server:
        try:
            assert server.stdout is not None
            said = b""
            while b"extensions:" not in said:
                line = server.stdout.readline()
                said += line
                assert line, said.decode()
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
                yield _WireMock(client)
        finally:
            server.terminate()


@pytest.fixture
def wiremock(started: _WireMock) -> _WireMock:
    """The same, as at the start."""
    started.client.post("/__admin/scenarios/reset")
    started.client.delete("/__admin/requests")
    return started


@pytest.mark.slow
def test_wiremock_has_all_mappings(wiremock: _WireMock) -> None:
    scenarios = wiremock.client.get("/__admin/scenarios").json()["scenarios"]
    for app in URLS:
        states = next(each["possibleStates"] for each in scenarios if each["id"] == app)
        assert sorted(states) == sorted(["Started", *provider_states(app), *fault_names(app)])


@pytest.mark.slow
def test_wiremock_responds_by_provider_state(wiremock: _WireMock) -> None:
    call = wire.validate_session(_SECRET, _TOKEN)
    wiremock.state(_LIVE)
    assert wiremock.send(call).json()["email"] == "user@example.com"
    assert wiremock.send(wire.validate_session(_SECRET, "")).status_code == 400
    assert wiremock.send(wire.validate_session(None, _TOKEN)).status_code == 401
    assert wiremock.unmatched() == []
    wiremock.state("the session has expired")
    assert wiremock.send(call).json()["message"] == "Not found"
    wiremock.state("too_many_requests")
    assert wiremock.send(call).status_code == 429
    event = openapi.find("getEvent").target({"id": "11"})
    assert wiremock.client.get(event).status_code == 200  # documents no 429
    assert wiremock.client.put("/__admin/scenarios/tuvens-api/state", json={"state": "no such"}).is_client_error


@pytest.mark.slow
@pytest.mark.parametrize(
    "call",
    [
        wire.validate_session(None, "token"),
        wire.validate_session(_SECRET, 7),
        wire.validate_session(_SECRET, ""),
        wire.list_user_accounts(_SECRET, None),
        wire.list_user_accounts(_SECRET, ""),
        wire.generate_session("x", 7).with_header("Authorization", "x"),
        wire.generate_session("x", -3),
        wire.validate_session(_SECRET, "t").with_header("Content-Type", "text/csv"),
        Call("", "PATCH", "/api/events/11", (("Authorization", "Bearer x"),)).with_body(b'{"hasTicketing": "yes"}'),
        Call("", "GET", "/api/events/updates"),
        event_status_changed(b"{}", "sha256=" + "0" * 64),
    ],
    ids=str,
)
def test_wiremock_matches_no_request_that_the_document_forbids(wiremock: _WireMock, call: Call) -> None:
    assert wiremock.send(call).status_code == 404
    assert wiremock.unmatched() == [call.target]


@pytest.mark.slow
def test_wiremock_compares_some_values_by_type(wiremock: _WireMock) -> None:
    wiremock.state("the event exists")
    assert wiremock.send(signed_webhook("any", tuvens_event_id="77")).json()["success"] is True
    wiremock.state("the organiser belongs to the account")
    assert wiremock.send(wire.generate_session("crossapp.jwt.organiser", 7)).status_code == 200
    assert wiremock.send(wire.generate_session("crossapp.jwt.organiser", "7")).status_code == 404
    assert wiremock.send(wire.generate_session("crossapp.jwt.organiser", -3)).status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("app", URLS)
def test_wiremock_returns_the_response_of_each_example(wiremock: _WireMock, app: str) -> None:
    for each in exported_rows(app):
        if each.state or each.fault:
            continue
        operation = openapi.find(each.row.operation)
        headers = [(scheme.field, f"{scheme.prefix}{'0' * 64}") for scheme in operation.schemes]
        target = operation.target(dict.fromkeys(re.findall(r"{(\w+)}", operation.path), "2"))
        query = dict.fromkeys(required_query(operation), "any")
        response = wiremock.client.request(
            operation.method, target, headers=headers, params=query, json=operation.example
        )
        assert response.status_code == each.row.status, each.row.key
        problems = operation.response_problems(
            status=response.status_code, headers=response.headers.multi_items(), body=response.content
        )
        assert problems == [], each.row.key


@pytest.mark.parametrize("app", URLS)
def test_schemas_of_requests_need_no_document(app: str) -> None:
    operations = [each for each in openapi.load(app).operations.values() if each.example is not None]
    assert operations
    for each in operations:
        schema = request_schema(each)
        assert "$ref" not in json.dumps(schema)
        jsonschema_rs.Draft4Validator(schema).validate(each.example)
        assert not jsonschema_rs.Draft4Validator(schema).is_valid([])


def test_without_an_option_states_interactions_and_faults_are_listed() -> None:
    said = _run().output
    assert f"    {_LIVE}\n      " in said
    assert "      200 validate_session_tells_whose_it_is\n" in said
    assert "    429 too_many_requests\n" in said


def test_files_are_the_same_each_time_and_others_may_read_them(tmp_path: Path) -> None:
    files = [tmp_path / "a.js", tmp_path / "b.php", tmp_path / "new/dir/mappings/tuvens-api.json"]
    texts = []
    for _ in range(2):
        _written("--msw", str(files[0]), "--laravel", str(files[1]), "--wiremock", str(tmp_path / "new/dir"))
        texts.append([each.read_bytes() for each in files])
    assert texts[0] == texts[1]
    assert {each.stat().st_mode & 0o777 for each in files} == {0o644}
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o755


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = _run("--wiremock", str(tmp_path / "file"))
    assert result.exit_code == 64
    assert "mappings" in result.output
    assert "cannot be written: Not a directory" in result.output
