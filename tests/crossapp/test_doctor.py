"""`crossapp doctor`: what stands in the way of a verification is named before anything is verified."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from typer.testing import CliRunner

import openapi
from crossapp.cli import app
from crossapp.new_file import written
from harness.change_journal import journal_file
from simulators.launch import Launched, LaunchOptions
from simulators.people import find_person
from simulators.tuvens_api.jwts import mint_jwt
from tests.harness.certificates import Authority, behind_tls
from tests.harness.http2_server import http_2_server, needs_http_2
from tests.launching import launched, serving

HTTP_2_SHOWS = ("session_token.*", "event_stream.*", "hi_events_session.*")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def staging() -> Iterator[Launched]:
    """Simulators without a control plane, as a real deployment has none."""
    with launched(LaunchOptions(control=False, limits="raised")) as built:
        yield built


def described(built: Launched, kind: str = "staging", **urls: str) -> dict[str, Any]:
    """The deployment as a file would have it; `urls` by application, with _ for other signs."""
    value = built.description()
    for name, target in value["targets"].items():
        target["kind"] = kind
        for field in {"url", "api_url"} & set(target):
            target[field] = urls.get(name.replace("-", "_").replace(".", "_"), target[field])
        target.pop("database", None)
        target.pop("audit_table", None)
    value["users"] = [each for each in value["users"] if each["role"] != "user"]
    for each in value["users"]:
        each.update({"test": True} if kind == "production" else {})
        if each["name"] is None:
            del each["name"]
    return value


def doctor(folder: Path, value: dict[str, Any], code: int = 0) -> dict[str, Any]:
    """What `crossapp doctor --json` says of a deployment."""
    file = folder / "deployment.toml"
    file.write_text(written(value), "utf-8")
    done = CliRunner().invoke(app, ["doctor", str(file), "--json"])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    found: dict[str, Any] = json.loads(done.stdout)
    assert found["exit_code"] == done.exit_code
    assert done.exit_code == code, [each for each in found["checks"] if each["state"] not in ("ok", "note", "open")]
    return found


def said(found: dict[str, Any], group: str, name: str) -> dict[str, str]:
    """The one check of a group with this name."""
    one: dict[str, str]
    (one,) = [each for each in found["checks"] if (each["group"], each["name"]) == (group, name)]
    return one


def test_a_right_deployment_behind_tls_and_a_base_path_has_nothing_in_the_way(
    staging: Launched, authority: Authority, tmp_path: Path
) -> None:
    tls = authority.server()
    with (
        behind_tls(staging.urls["tuvens-api"], tls, "/base") as api,
        behind_tls(staging.urls["hi.events"], tls) as tickets,
    ):
        value = {**described(staging, tuvens_api=f"{api}/", hi_events=tickets), "ca_file": str(authority.file)}
        found = doctor(tmp_path, value, code=0)
    assert "Own Authority" in said(found, "tuvens-api", "TLS")["text"]
    for name in openapi.APPS:
        served = [each for each in openapi.load(name).operations.values() if each.contract.served is not None]
        count = sum(not each.contract.optional for each in served)
        assert said(found, name, "routes")["text"] == f"{count} of {count} are registered"
        assert said(found, name, "clock")["state"] == "ok"
    assert said(found, "the file", "organiser is admitted")["state"] == "ok"
    assert said(found, "the file", "outsider is in another account")["state"] == "open"
    assert found["sessions"] == 1
    assert found["blocked"] == 0
    assert found["requirements"] == found["judged"] + sum(found["lacking"].values())
    assert any("database" in remedy for remedy in found["lacking"])


def test_of_a_production_only_reads_are_asked(tmp_path: Path) -> None:
    with launched(LaunchOptions(control=False, limits="raised")) as built:
        found = doctor(tmp_path, described(built, "production"))
        sent = [
            (each.method, each.target.partition("?")[0])
            for simulator in built.simulators.values()
            for each in simulator.journal.exchanges()
            if each.direction == "in"
        ]
    assert len(sent) > 10
    assert {each for each in sent if each[0] not in ("GET", "OPTIONS")} == set()
    assert found["sessions"] == 0
    admitted = said(found, "the file", "organiser is admitted")
    assert (admitted["state"], admitted["text"]) == ("open", "not asked in a production: it takes a session")
    assert "not probed in a production: generateSession" in said(found, "tuvens-api", "routes")["text"]


@pytest.mark.parametrize(
    ("wrong", "group", "name", "remedy"),
    [
        ({"credentials": {"shared_secret": "another-secret-than-theirs"}}, "the file", "shared secret is accepted", ""),
        ({"events": {"tuvens": ["987654"]}}, "the file", "events are the organisers", "events.tuvens"),
        ({"session_expiry": 600}, "the file", "session expiry is announced", "session_expiry"),
        ({"member": "expired"}, "the file", "jwt of member", "users[1].jwt"),
        ({"member": "of another"}, "the file", "jwt of member", "users[1].user_id"),
        ({"rate_limits": {"validateSession": 7}}, "tuvens-api", "rate limits", "rate_limits.validateSession"),
    ],
)
def test_a_wrong_fact_is_named_with_its_field(
    staging: Launched, tmp_path: Path, wrong: dict[str, Any], group: str, name: str, remedy: str
) -> None:
    value = described(staging)
    member = find_person(staging.options.seed, "member")
    for field, each in wrong.items():
        if field == "member":
            other = find_person(staging.options.seed, "outsider").user
            whose, lifetime = (member.user, -60) if each == "expired" else (other, 3600 * 5)
            value["users"][1]["jwt"] = mint_jwt(staging.jwt_secret, whose, time.time(), lifetime)
        elif field in value:
            value[field] = {**value[field], **each}
        else:
            old = value["targets"]["tuvens-api"][field]
            value["targets"]["tuvens-api"][field] = {**old, **each} if isinstance(old, dict) else each
    found = doctor(tmp_path, value, code=2)
    check = said(found, group, name)
    assert check["state"] == "wrong"
    assert remedy in check["remedy"]
    assert [each["name"] for each in found["checks"] if each["state"] == "wrong"] == [name]


@pytest.mark.parametrize(
    ("case", "trouble", "remedy"),
    [
        ("unknown authority", "unknown authority", "ca_file"),
        ("expired", "has expired", "renew"),
        ("wrong host", "another host", "url"),
        ("client certificate", "demand a client certificate", "client_certificate"),
        ("nothing there", "refuses connections", "url"),
    ],
)
def test_a_connection_that_fails_is_named_by_doctor_and_by_verify(
    authority: Authority, staging: Launched, tmp_path: Path, case: str, trouble: str, remedy: str
) -> None:
    certificates = {"expired": (("127.0.0.1",), -1), "wrong host": (("other.example",), 2)}
    own = authority.certificate("own", *certificates[case]) if case in certificates else None
    tls = authority.server(own, demands=case == "client certificate")
    with behind_tls(staging.urls["tuvens-api"], tls) as url:
        if case == "nothing there":
            with socket.create_server(("127.0.0.1", 0)) as server:
                url = f"http://127.0.0.1:{server.getsockname()[1]}"
        value = described(staging, tuvens_api=url)
        value.update({} if case == "unknown authority" else {"ca_file": str(authority.file)})
        found = doctor(tmp_path, value, code=4)
        check = said(found, "tuvens-api", "connection")
        assert trouble in check["text"]
        assert remedy in check["remedy"]
        assert found["silent"] == ["tuvens-api"]
        assert found["blocked"] > found["judged"]
        report = tmp_path / "report"
        arguments = ["verify", "-d", str(tmp_path / "deployment.toml"), "--select", "routes.*", "--report", str(report)]
        done = CliRunner().invoke(app, [*arguments, "-q"])
        assert trouble in done.stderr


def test_a_client_certificate_of_the_file_is_shown(authority: Authority, staging: Launched, tmp_path: Path) -> None:
    with behind_tls(staging.urls["tuvens-api"], authority.server(demands=True)) as url:
        value = described(staging, tuvens_api=url)
        value["ca_file"] = str(authority.file)
        value["client_certificate"] = str(authority.certificate("client"))
        assert said(doctor(tmp_path, value), "tuvens-api", "responds")["state"] == "ok"


@needs_http_2
def test_a_staging_that_speaks_http_2_only_is_examined_and_verified(
    staging: Launched, authority: Authority, tmp_path: Path
) -> None:
    certificate = authority.certificate()
    with (
        http_2_server(certificate, upstream=staging.urls["tuvens-api"]) as api,
        http_2_server(certificate, upstream=staging.urls["hi.events"]) as tickets,
    ):
        value = described(staging, tuvens_api=api, hi_events=tickets)
        value["ca_file"] = str(authority.file)
        found = doctor(tmp_path, value)
        assert found["blocked"] == 0
        for name in ("tuvens-api", "hi.events"):
            assert said(found, name, "TLS")["text"].endswith("; HTTP/2 only")
        selected = [part for each in HTTP_2_SHOWS for part in ("--select", each)]
        done = CliRunner().invoke(
            app, ["verify", "-d", str(tmp_path / "deployment.toml"), "--quick", "--json", *selected]
        )
    lines = [json.loads(each) for each in done.stdout.splitlines()]
    verdicts = {each["requirement"]: each["verdict"] for each in lines if each["type"] == "finding"}
    assert {name for name, each in verdicts.items() if each not in ("held", "not_applicable")} == set()
    assert sum(each == "held" for each in verdicts.values()) > 40


def test_a_redirect_to_https_and_a_forgotten_base_path_say_which_url_to_give(
    staging: Launched, authority: Authority, tmp_path: Path
) -> None:
    async def redirect(request: Request) -> RedirectResponse:
        return RedirectResponse(f"https://api.example.com{request.url.path}", 301)

    methods = ["GET", "POST", "PUT", "PATCH"]
    with serving(Starlette(routes=[Route("/{path:path}", redirect, methods=methods)])) as (url,):
        found = doctor(tmp_path, described(staging, tuvens_api=url), code=4)
    assert "a redirect (301) to https://api.example.com" in said(found, "tuvens-api", "responds")["text"]
    with behind_tls(staging.urls["tuvens-api"], authority.server(), "/base") as url:
        value = {**described(staging, tuvens_api=url.removesuffix("/base")), "ca_file": str(authority.file)}
        found = doctor(tmp_path, value, code=4)
    assert "base URL" in said(found, "tuvens-api", "responds")["remedy"]


def test_it_can_be_read_at_80_columns(staging: Launched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    value = described(staging)
    value["credentials"]["shared_secret"] = "another-secret-than-theirs"
    file = tmp_path / "deployment.toml"
    file.write_text(written(value), "utf-8")
    journal_file(file).touch()
    done = CliRunner().invoke(app, ["doctor", str(file)])
    assert done.exit_code == 2, done.output
    lines = done.stdout.splitlines()
    assert [each for each in lines if len(each) > 80] == []
    assert "  WRONG shared secret is accepted: either the deployment file is wrong" in done.stdout
    assert any(each.startswith("  note  proxy: HTTPS_PROXY is set") for each in lines)
    assert any(each.startswith("  note  changes: deployment.changes.jsonl is there") for each in lines)
    assert "another-secret-than-theirs" not in done.output
