"""The command line as its users run it: exit codes, clear words, JSON lines for other programs."""

import json
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import jsonschema_rs
import pytest

from contracts.catalogue import catalogue
from harness.extras import command as install_command
from tests.command_line import crossapp
from tests.harness.hostile import Serve, answering, hangs_up, huge, in_thread, raw

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
seconds = {seconds}
"""


def in_a_process(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What may hang is ended after two minutes."""
    command = [sys.executable, "-c", "from crossapp.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def deployment(folder: Path, port: int, seconds: float = 0.3) -> str:
    file = folder / "deployment.toml"
    file.write_text(_DEPLOYMENT.format(port=port, seconds=seconds), "utf-8")
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
    assert f"127.0.0.1:{port} refuses connections" in found["reason"]
    assert found["next"] == "To fix it: check that it runs, and that url is correct. Start it with: crossapp up."
    claims = {each["verdict"] for each in lines if each["type"] == "claim"}
    assert claims <= {"blocked", "inconclusive", "not_tested"}
    assert "nobody-may-see" not in done.stdout + done.stderr


def test_a_deployment_that_never_answers_ends_in_bounded_time(listening: socket.socket, tmp_path: Path) -> None:
    port = listening.getsockname()[1]
    done = in_a_process(
        "verify", "-d", deployment(tmp_path, port), "-s", "session_token", "--report", "r", cwd=tmp_path
    )
    assert done.returncode == 4
    assert "tuvens-api does not respond at http://127.0.0.1" in done.stderr
    assert "no complete answer within 0.3 s" in done.stderr
    assert done.stderr.count("tuvens-api does not respond") == 1
    assert "stories done" not in done.stderr
    assert f"running and that its url (http://127.0.0.1:{port}) is correct. Start it with: crossapp up." in done.stderr
    assert done.stderr.endswith("Nothing was verified.\nReport: r/report.html\n")
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
        done = in_a_process("verify", "-d", deployment(tmp_path, port), "--report", "r", cwd=tmp_path)
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
# The tests themselves may run in the background of a shell, where Ctrl-C is ignored, too.
_AT_A_TERMINAL = """
import signal
from crossapp.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
_EARLIER = ("history.jsonl", "report.jsonl", "report.html", "report.md", "junit.xml")
_ENDED = (" finished\n", " skipped\n", " stopped\n")


def stopped_after(stories: int, by: signal.Signals, folder: Path, code: str) -> tuple[int, str]:
    """The exit code and the end of standard error of a run that gets a signal once so many stories have ended."""
    command = [sys.executable, "-c", code, "verify", "-v", "--quick", "--without", "browser.*", "--report", "r"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        assert sum(1 for _ in islice((line for line in child.stderr if line.endswith(_ENDED)), stories)) == stories
        child.send_signal(by)
        said = child.stderr.read()
        return child.wait(timeout=60), said


def told_of_a_stopped_run(cwd: Path) -> dict[str, str]:
    """The verdicts of a run that was stopped, as every command and rendering says."""
    done = crossapp("report", "r", cwd=cwd)
    assert (done.returncode, "Traceback" in done.stderr) == (3, False), done.stderr
    assert re.search(r"This run was stopped after \d+ of \d\d stories", done.stdout)
    renderings = ["--html", "r.html", "--markdown", "r.md", "--junit", "r.xml"]
    assert crossapp("report", "r", *renderings, cwd=cwd).returncode == 3
    for name in renderings[1::2]:
        assert re.search(r"stopped after \d+ of \d\d stories", (cwd / name).read_text("utf-8"))
    judged = crossapp("judge", "r/history.jsonl", "--json", cwd=cwd)
    *lines, footer = (json.loads(line) for line in judged.stdout.splitlines())
    assert (judged.returncode, footer["finished"]) == (3, False)
    assert re.fullmatch(r"stopped after \d+ of \d\d stories", footer["stopped"])
    found = {each["requirement"]: each for each in lines if each["type"] == "finding"}
    unended = [each for each in found.values() if each["reason"].startswith("the run was stopped before the story")]
    assert unended
    assert {each["verdict"] for each in unended} <= {"inconclusive", "blocked"}
    assert not [name for name in found if name.startswith("browser.")], "what the run left out is left out again"
    return {name: each["verdict"] for name, each in found.items()}


@pytest.mark.parametrize(
    ("by", "code"),
    [(signal.SIGTERM, _IN_THE_BACKGROUND), (signal.SIGINT, _AT_A_TERMINAL)],
    ids=["SIGTERM where Ctrl-C is ignored", "Ctrl-C"],
)
def test_a_run_that_is_stopped_reports_what_was_decided(by: signal.Signals, code: str, tmp_path: Path) -> None:
    (tmp_path / "r").mkdir()
    for name in _EARLIER:
        (tmp_path / "r" / name).write_text("of an earlier run", "utf-8")
    ended, said = stopped_after(10, by, tmp_path, code)
    assert ended == 130
    assert said.endswith("Stopped.\n")
    assert "Traceback" not in said
    assert all("of an earlier run" not in (tmp_path / "r" / name).read_text("utf-8") for name in _EARLIER)
    verdicts = told_of_a_stopped_run(tmp_path)
    assert verdicts["routes.tuvens-api_answers"] == "held"
    saved = [json.loads(line) for line in (tmp_path / "r" / "report.jsonl").read_text("utf-8").splitlines()]
    assert {each["requirement"]: each["verdict"] for each in saved if each["type"] == "finding"} == verdicts


def test_kill_9_loses_no_story_that_had_ended(tmp_path: Path) -> None:
    assert stopped_after(10, signal.SIGKILL, tmp_path, "from crossapp.cli import main; main()")[0] == -signal.SIGKILL
    assert not (tmp_path / "r" / "report.jsonl").exists()
    verdicts = told_of_a_stopped_run(tmp_path)
    assert verdicts["routes.tuvens-api_answers"] == "held"
    lines = (tmp_path / "r" / "history.jsonl").read_text("utf-8").splitlines()
    assert sum(json.loads(line)["type"] == "story" for line in lines) >= 10


_STORIES = str(Path(__file__).parents[2] / "scenarios")
_PYTEST_IN_THE_BACKGROUND = """
import signal, sys
import pytest
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.exit(pytest.main())
"""


@pytest.mark.parametrize(
    ("code", "arguments", "ended"),
    [
        (_IN_THE_BACKGROUND, ["load", "--rate", "0.1", "--pages", "0s", "--report", "r", "-d"], 130),
        (_PYTEST_IN_THE_BACKGROUND, ["-q", "-p", "no:cacheprovider", _STORIES, "--crossapp-deployment"], 2),
    ],
    ids=["load", "pytest"],
)
def test_sigterm_stops_what_else_sends_requests_and_ignores_ctrl_c(
    code: str, arguments: list[str], ended: int, listening: socket.socket, tmp_path: Path
) -> None:
    file = deployment(tmp_path, listening.getsockname()[1], seconds=60)
    command = [sys.executable, "-c", code, *arguments, file]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        listening.settimeout(120)
        with listening.accept()[0] as connection:
            connection.recv(1)  # a request is under way, and gets no answer
            child.send_signal(signal.SIGTERM)
            said = "".join(child.communicate(timeout=60))
        assert (child.returncode, "Traceback" in said) == (ended, False), said
    assert ("Stopped." if ended == 130 else "KeyboardInterrupt") in said


_STANDS_STILL = """
from crossapp import cli, run
from harness.history_writer import HistoryWriter
record = HistoryWriter.record
def stand_still(self, **told):
    while self.history.stories:
        pass
    return record(self, **told)
HistoryWriter.record = stand_still
run._GRACE = 1.0
cli.main()
"""


def test_a_run_that_stands_still_is_ended_after_its_minutes(tmp_path: Path) -> None:
    with in_thread(answering(b"{}", "404 Not Found")) as url:
        file = Path(deployment(tmp_path, int(url.rpartition(":")[2])))
        file.write_text(file.read_text("utf-8") + "minutes = 0.01\n", "utf-8")
        arguments = ["verify", "--go-on", "--examples", "1", "-d", str(file), "--report", "r"]
        command = [sys.executable, "-c", _STANDS_STILL, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 3, done.stderr
    assert "minutes (safety.minutes) by itself, and was ended; crossapp report r shows what was decided" in done.stderr
    again = crossapp("report", "r", cwd=tmp_path)
    assert again.returncode == 3
    assert "This run was stopped after " in again.stdout


_SMALL_FILES = """
import resource
from crossapp.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
main()
"""


def test_a_disk_that_fills_up_changes_no_verdict_and_what_it_holds_can_be_judged(tmp_path: Path) -> None:
    with in_thread(answering(b'{"message": "' + b"x" * 500 + b'"}')) as url:
        file = deployment(tmp_path, int(url.rpartition(":")[2]))
        arguments = ["verify", "-d", file, "-s", "session_token", "--report", "r"]
        command = [sys.executable, "-c", _SMALL_FILES, *arguments]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (1, 2), done.stderr
    assert "the record is kept in memory only: r/history.jsonl cannot be written (File too large)" in done.stderr
    assert f"{tmp_path}/r/history.jsonl cannot be written (File too large)" in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    again = crossapp("report", "r", cwd=tmp_path)
    assert "its last line is cut off" in again.stderr
    assert again.returncode == 3
    assert "This run was stopped after " in again.stdout


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
    command = [sys.executable, "-m", "pytest", _STORIES, "-q", "-p", "no:cacheprovider", "-k", "origins"]
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


def test_without_fuzzing_and_pact_their_requirements_are_not_applicable_and_name_the_commands(tmp_path: Path) -> None:
    absent = "import sys; sys.modules.update(dict.fromkeys(('schemathesis', 'hypothesis', 'pact')))"
    chosen = {"fuzzing.getEvent": "fuzz", "pact.hi_events_validate_session_tells_whose_it_is": "pact"}
    code = f"{absent}; from crossapp.cli import main; main()"
    command = [sys.executable, "-c", code, "verify", "--json", *(f"--select={each}" for each in chosen)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path)
    lines = map(json.loads, done.stdout.splitlines())
    found = {each["requirement"]: each for each in lines if each["type"] == "finding"}
    for name, extra in chosen.items():
        assert found[name]["verdict"] == "not_applicable"
        assert f"the extra {extra} is not installed: {install_command(extra)}" in found[name]["reason"]
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
