"""`crossapp init`: the file that it writes is read, verifies as it is, and holds no secret."""

import json
import os
import pty
import select
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import openapi
from crossapp.cli import app
from crossapp.new_file import without_secrets, written
from simulators.launch import LaunchOptions
from tests.launching import launched

_EXAMPLES = Path(__file__).parents[2] / "examples"
_FLAGS = ["--tuvens-api", "https://api.example.com/v1/", "--account", "123"]


def cli(*arguments: str | Path, code: int = 0) -> str:
    """What a command prints; it must end with this exit code."""
    done = CliRunner().invoke(app, [str(each) for each in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, done.output
    return done.output


def test_what_up_prints_becomes_a_file_that_verifies_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with launched(LaunchOptions(limits="raised")) as built:
        described = built.description()
        (tmp_path / "up.json").write_text(json.dumps(described), "utf-8")
        cli("init", tmp_path / "a.toml", "--from", tmp_path / "up.json", "--secrets", tmp_path / "a.env")
        text = (tmp_path / "a.toml").read_text("utf-8")
        secret = [described["credentials"]["shared_secret"], described["credentials"]["jwt_secret"]]
        secret += [each["jwt"] for each in described["users"]]
        secret += [each["control"]["token"] for each in described["targets"].values()]
        assert not [each for each in secret if each in text]
        assert (tmp_path / "a.env").stat().st_mode & 0o777 == 0o600
        script = f". {tmp_path / 'a.env'} && {sys.executable} -c 'import os, json; print(json.dumps(dict(os.environ)))'"
        shell = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        for name, value in json.loads(shell.stdout).items():
            if name.startswith("CROSSAPP_"):
                monkeypatch.setenv(name, value)
        chosen = ["--select", "routes.*", "--select", "deployment_file.*", "--select", "tuvens_event.*"]
        report = tmp_path / "report"
        assert "MUST requirements held" in cli("verify", "-d", tmp_path / "a.toml", *chosen, "-q", "--report", report)


def test_the_template_is_what_init_writes() -> None:
    template = (_EXAMPLES / "staging.toml").read_text("utf-8")
    first, _, rest = template.partition("\n")
    assert first.startswith("#:schema ")
    assert rest == written(tomllib.loads(template)), "python -m tests.crossapp.test_init writes it anew"


def test_all_that_a_file_may_say_is_written_and_read_again() -> None:
    value = {
        "name": 'a "name" \\ with é',
        "ca_file": "",
        "targets": {
            "tuvens-api": {"url": "http://a", "rate_limits": {"validateSession": 5, "a b": 0}, "launch": ["x", "y"]},
            "hi.events": {"url": "http://b", "control": {"url": "http://b/c", "token_env": "T"}},
        },
        "credentials": {"shared_secret_command": "pass show x", "jwt_secret_file": "k"},
        "users": [{"role": "organiser", "account_id": 5, "jwt_file": "jwt", "email": "a@b.c"}, {"account_id": 6}],
        "events": {"tuvens": ["1"], "linked": [{"hi": 1, "tuvens": "1"}]},
        "receiver": {"listen": "127.0.0.1:1"},
        "safety": {"fuzz": False, "seconds": 1.5},
        "deviations": [{"name": "post-success-201", "owner": "o", "until": "2027-01-31"}, {"requirement": "a"}],
    }
    assert tomllib.loads(written(value)) == value
    assert all(len(line) <= 120 for line in written(value).splitlines())


def test_secrets_become_names_and_only_a_few_users_stay() -> None:
    users = [{"role": "user", "account_id": 1, "jwt": f"j{n}"} for n in range(9)]
    value, secrets = without_secrets(
        {"targets": {"hi.events": {"control": {"token": "t"}, "database": "d"}}, "users": users}
    )
    assert value["targets"]["hi.events"] == {
        "control": {"token_env": "CROSSAPP_HI_EVENTS_CONTROL_TOKEN"},
        "database_env": "CROSSAPP_HI_EVENTS_DATABASE",
    }
    assert [each["jwt_env"] for each in value["users"]][:2] == ["CROSSAPP_USER_JWT", "CROSSAPP_USER_2_JWT"]
    assert len(value["users"]) == 6
    assert secrets["CROSSAPP_USER_6_JWT"] == "j5"


def test_flags_are_enough_and_nothing_is_written_over(tmp_path: Path) -> None:
    file = tmp_path / "new" / "b.toml"
    said = cli(
        "init", file, *_FLAGS, "--event", "5", "--event", "6", "--kind", "local", "--ca-file", tmp_path / "ca.pem"
    )
    assert "CROSSAPP_SHARED_SECRET" in said
    assert "CROSSAPP_ORGANISER_JWT" in said
    value = tomllib.loads(file.read_text("utf-8"))
    assert value["targets"] == {"tuvens-api": {"url": "https://api.example.com/v1/", "kind": "local"}}
    assert value["events"] == {"tuvens": ["5", "6"]}
    assert value["ca_file"] == "../ca.pem"
    before = file.read_text("utf-8")
    assert "--force" in cli("init", file, *_FLAGS, code=64)
    assert file.read_text("utf-8") == before
    cli("init", file, *_FLAGS, "--force")
    assert file.read_text("utf-8") != before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--from"),
        (["--tuvens-api", "api.example.com", "--account", "1"], "targets.tuvens-api.url"),
        (["--tuvens-api", "https://a.b"], "--account"),
        ([*_FLAGS, "--kind", "live"], "targets.tuvens-api.kind"),
        (["--from", "nowhere.json"], "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_and_leaves_no_file(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert said in cli("init", tmp_path / "c.toml", *arguments, code=64)
    assert list(tmp_path.iterdir()) == []


def test_on_a_terminal_it_asks(tmp_path: Path) -> None:
    answers = {"tuvens-api": "https://api.example.com"}
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "import sys; from crossapp.cli import main; sys.exit(main())", "init", "d.toml"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, env=dict(os.environ)
    ) as child:
        os.close(theirs)
        seen = b""
        for question, answer in [
            *((f"URL of {each}".encode(), answers.get(each, "")) for each in openapi.APPS),
            (b"Kind", "local"),
            (b"Account", "77"),
            (b"Ids of events", "1, 2"),
        ]:
            while question not in seen:
                assert select.select([ours], [], [], 60)[0], seen
                seen += os.read(ours, 4096)
            os.write(ours, answer.encode() + b"\n")
        assert child.wait(60) == 0
    os.close(ours)
    value = tomllib.loads((tmp_path / "d.toml").read_text("utf-8"))
    assert value["targets"] == {"tuvens-api": {"url": "https://api.example.com", "kind": "local"}}
    assert value["users"][0]["account_id"] == 77
    assert value["events"] == {"tuvens": ["1", "2"]}


if __name__ == "__main__":
    path = _EXAMPLES / "staging.toml"
    first, _, rest = path.read_text("utf-8").partition("\n")
    path.write_text(f"{first}\n{written(tomllib.loads(rest))}", "utf-8")
