"""The deployment file: each mistake is named with its field and its remedy."""

import copy
from pathlib import Path
from typing import Any

import pytest

from harness.capabilities import capabilities_of
from harness.deployment import Deployment, DeploymentError, build_deployment, read_deployment

APPS = ("tuvens-api", "hi.events", "tuvens-client")
GOOD: dict[str, Any] = {
    "name": "staging",
    "targets": {"tuvens-api": {"url": "https://api.example.com/"}},
    "credentials": {"shared_secret": "a-secret-that-nobody-may-see"},
    "users": [{"role": "organiser", "account_id": 123, "jwt": "a-jwt-that-nobody-may-see"}],
}


def build(value: dict[str, Any]) -> Deployment:
    return build_deployment(value, apps=APPS, editions=("2025-07",))


def changed(path: str, value: object) -> dict[str, Any]:
    whole = copy.deepcopy(GOOD)
    at: Any = whole
    *parents, last = path.split("/")
    for name in parents:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    at[int(last) if isinstance(at, list) else last] = value
    return whole


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("targets/tuvens-api/url", "api.example.com", "targets.tuvens-api.url"),
        ("targets/tuvens-api/kind", "prod", "none of simulated, local"),
        ("targets/tuvens-api/session_expiry", "900", "whole number of seconds"),
        ("targets/tuvens-api/rate_limits", {"generateSession": -1}, "rate_limits.generateSession"),
        ("targets/tuvens-api/urll", "x", "did you mean 'url'"),
        ("users", [], "[[users]]"),
        ("users/0/role", "guest", 'role = "organiser"'),
        ("users/0/account_id", "123", "users[0].account_id"),
        ("users/0/jwt_env", "X", "give one of"),
        ("credentials", {}, "credentials.shared_secret: missing"),
        ("credentials", {"shared_secret_env": "CROSSAPP_NOT_SET"}, "CROSSAPP_NOT_SET is not set"),
        ("credentials", {"shared_secret_command": "false"}, "exit code 1"),
        ("deviations", [{"requirement": "x", "reason": "r", "owner": "o", "until": "soon"}], "deviations[0].until"),
        ("safety", {"minutes": 0}, "safety.minutes"),
        ("events", {"tuvens": "11"}, "events.tuvens: must be a list"),
        ("ca_file", "/no/such/file", "ca_file"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: object, said: str) -> None:
    with pytest.raises(DeploymentError) as error:
        build(changed(path, value))
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "not readable as TOML"),
        ('[targets.other]\nurl = "x"', "unknown application"),
        ('edition = "1999-01"', "edition"),
        ('nmae = "x"', "did you mean 'name'"),
    ],
)
def test_a_wrong_file_is_told_without_a_traceback(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "d.toml"
    file.write_text(text)
    with pytest.raises(DeploymentError) as error:
        read_deployment(file, apps=APPS, editions=("2025-07",))
    assert said in str(error.value)


def test_secrets_come_from_a_command_or_a_file_and_stand_in_no_representation(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from-a-file\n")
    whole = changed("credentials", {"shared_secret_file": str(file), "jwt_secret_command": "echo from-a-command"})
    deployment = build(whole)
    assert (deployment.shared_secret, deployment.jwt_secret) == ("from-a-file", "from-a-command")
    assert not [value for _, value in deployment.secrets() if value in repr(deployment)]


def test_production_is_neither_changed_nor_exhausted_unless_said() -> None:
    deployment = build(changed("targets/tuvens-api/kind", "production") | {"events": {"tuvens": ["1"]}})
    assert capabilities_of(deployment) & {"events", "exhaust"} == set()
    assert {"events", "exhaust"} <= capabilities_of(build({**GOOD, "events": {"tuvens": ["1"]}}))
