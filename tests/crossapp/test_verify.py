"""The command line as its users run it: exit codes, clear words, JSON lines for other programs."""

import json
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest

from contracts.catalogue import catalogue
from tests.harness.hostile import Serve, hangs_up, huge, in_thread, raw

_SCHEMA = Path(__file__).parents[2] / "harness" / "report.schema.json"
_DEPLOYMENT = """
name = "elsewhere"
[targets.tuvens-api]
url = "http://127.0.0.1:{port}"
kind = "local"
[targets."hi.events"]
url = "http://127.0.0.1:{port}"
kind = "local"
[targets.tuvens-client]
url = "http://127.0.0.1:{port}"
kind = "local"
[credentials]
shared_secret = "a-secret-that-nobody-may-see-anywhere"
[[users]]
role = "organiser"
account_id = 123
jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJlc2lnbmF0dXJl"
[events]
tuvens = ["11"]
[safety]
seconds = 0.3
"""


def crossapp(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def deployment(folder: Path, port: int) -> str:
    file = folder / "deployment.toml"
    file.write_text(_DEPLOYMENT.format(port=port), "utf-8")
    return str(file)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A port on which connections are taken and nothing is ever answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as server:
        yield server


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "--nope"], "No such option"),
        (["verify", "--patience", "soon"], "is not a duration such as 16m"),
        (["verify", "--patience", "16"], "'16' has no unit: write 16s, 16m or 16h"),
        (["verify", "--select", "no.such.rule"], "no requirement matches"),
        (["verify", "--deployment", "missing.toml"], "cannot be read"),
        (["verify", "--fault", "no-such-fault"], "crossapp verify: no fault is named"),
        (["judge", "missing.jsonl"], "cannot be read"),
        (["report", "missing.jsonl"], "missing.jsonl"),
        (["nonsense"], "No such command"),
    ],
)
def test_a_users_mistake_exits_with_64_and_one_clear_message(arguments: list[str], said: str, tmp_path: Path) -> None:
    done = crossapp(*arguments, cwd=tmp_path)
    assert done.returncode == 64
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout


def test_an_unreachable_deployment_judges_nothing_and_exits_with_4(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    done = crossapp("verify", "-d", deployment(tmp_path, port), "--json", cwd=tmp_path)
    assert done.returncode == 4
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[-1]["judged"] == 0
    found = next(each for each in lines if each.get("requirement") == "routes.tuvens-api_answers")
    assert found["next"].endswith(f"its url (http://127.0.0.1:{port}) is correct. Start it with: crossapp up.")
    claims = {each["verdict"] for each in lines if each["type"] == "claim"}
    assert claims <= {"blocked", "inconclusive", "not_tested"}
    assert "nobody-may-see" not in done.stdout + done.stderr


def test_a_deployment_that_never_answers_ends_in_bounded_time(listening: socket.socket, tmp_path: Path) -> None:
    port = listening.getsockname()[1]
    done = crossapp("verify", "-d", deployment(tmp_path, port), "-s", "session_token", "--report", "r", cwd=tmp_path)
    assert done.returncode == 4
    assert "tuvens-api does not respond at http://127.0.0.1" in done.stderr
    assert "no complete answer within 0.3 s" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (huge, "more than 2097152 bytes: the rest was not read"),
        (raw(b"\x00\xff nonsense\r\n\r\n"), "illegal status line"),
        (hangs_up, "disconnected"),
    ],
    ids=["100 MB", "nonsense", "hangs up"],
)
def test_a_deployment_that_answers_what_nobody_can_read_judges_nothing(serve: Serve, said: str, tmp_path: Path) -> None:
    with in_thread(serve) as url:
        port = int(url.rpartition(":")[2])
        done = crossapp("verify", "-d", deployment(tmp_path, port), "--report", "r", cwd=tmp_path)
    assert done.returncode == 4
    assert "Nothing was verified" in done.stderr
    assert said in (tmp_path / "r" / "report.jsonl").read_text("utf-8")
    assert "Traceback" not in done.stderr + done.stdout


def test_json_is_the_report_and_nothing_else_and_can_be_judged_again(tmp_path: Path) -> None:
    done = crossapp("verify", "--quick", "-s", "C-TA-06", "-s", "cors", "--json", "--report", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    validator = jsonschema_rs.Draft202012Validator(json.loads(_SCHEMA.read_text("utf-8")))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each for each in lines if not validator.is_valid(each)] == []
    assert (lines[0]["type"], lines[-1]["type"]) == ("header", "footer")
    assert sum(each["type"] == "claim" for each in lines) == 85
    assert {path.name for path in (tmp_path / "r").iterdir()} == {
        "history.jsonl", "report.jsonl", "report.html", "report.md", "junit.xml",
    }  # fmt: skip
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "r").iterdir()} == {0o600}
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700
    again = crossapp("judge", "r/history.jsonl", "-s", "C-TA-06", "-s", "cors", "--json", cwd=tmp_path)
    assert again.returncode == 0

    def verdicts(text: str) -> dict[str, str]:
        found = (json.loads(line) for line in text.splitlines())
        return {each["requirement"]: each["verdict"] for each in found if each["type"] == "finding"}

    assert verdicts(again.stdout) == verdicts(done.stdout)


_IN_THE_BACKGROUND = """
import signal
from crossapp.cli import main
signal.signal(signal.SIGINT, signal.SIG_IGN)
main()
"""


def test_sigterm_stops_a_run_that_ignores_ctrl_c_and_no_earlier_report_stays(tmp_path: Path) -> None:
    earlier = ("history.jsonl", "report.jsonl", "report.html", "report.md", "junit.xml")
    for name in earlier:
        (tmp_path / name).write_text("of an earlier run", "utf-8")
    command = [sys.executable, "-c", _IN_THE_BACKGROUND, "verify", "-v", "--without", "browser.*", "--report", "."]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert any(line.endswith(" started\n") for line in child.stderr)
        child.send_signal(signal.SIGTERM)
        said = child.stderr.read()
        assert child.wait(timeout=60) == 130
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in said
    assert not [name for name in earlier if (tmp_path / name).exists()]


def test_a_story_that_crashed_after_all_was_seen_exits_with_3(tmp_path: Path) -> None:
    done = crossapp("verify", "--quick", "-s", "cors", "--report", "r", cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    saved = tmp_path / "r" / "history.jsonl"
    ended, crashed = '"ended":"finished","reason":""', '"ended":"crashed","reason":"KeyError: \'x\'"'
    saved.write_text(saved.read_text("utf-8").replace(ended, crashed), "utf-8")
    again = crossapp("judge", "r/history.jsonl", "-s", "cors", "--json", cwd=tmp_path)
    *findings, footer = (json.loads(line) for line in again.stdout.splitlines())
    assert {each["verdict"] for each in findings if each["type"] == "finding"} == {"held"}
    assert footer["crashes"]
    assert all(each.endswith(": KeyError: 'x'") for each in footer["crashes"])
    assert (again.returncode, footer["exit_code"]) == (3, 3)


def test_a_fault_of_the_simulators_is_reported_with_a_curl_and_exits_with_1(tmp_path: Path) -> None:
    done = crossapp("verify", "--quick", "-s", "cors", "--fault", "cors-wildcard", "--report", "r", cwd=tmp_path)
    assert done.returncode == 1
    assert "VIOLATED" in done.stdout
    assert "curl -i" in done.stdout


def test_pytest_runs_the_same_requirements(tmp_path: Path) -> None:
    stories = str(Path(__file__).parents[2] / "scenarios")
    command = [sys.executable, "-m", "pytest", stories, "-q", "-p", "no:cacheprovider", "-k", "origins"]
    right = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    assert right.returncode == 0, right.stdout
    assert "2 passed" in right.stdout
    wrong = subprocess.run(
        [*command, "--crossapp-fault", "cors-reflects-any-origin"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=tmp_path,
    )
    assert wrong.returncode == 1
    assert catalogue()["cors.other_origins_are_not_admitted"].statement in wrong.stdout
