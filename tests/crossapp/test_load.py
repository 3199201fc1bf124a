"""`crossapp load` as its users run it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema_rs
import psutil  # type: ignore[import-untyped]
import pytest

from harness.chromium import is_available
from harness.exit_codes import ExitCode
from harness.render.saved import line_schema, open_report
from load.plan.budgets import read_budgets
from simulators.launch import LaunchOptions
from tests.command_line import crossapp
from tests.launching import launched
from tests.load.generate import servers

_QUICK = (
    "--rate",
    "15",
    "--duration",
    "4s",
    "--warm-up",
    "1s",
    "--no-calibrate",
    "--bursts",
    "1",
    "--think",
    "0.1",
    "--pages",
    "0s",
)


_CROSSAPP = [sys.executable, "-c", "import sys; from crossapp.cli import main; sys.argv[0] = 'crossapp'; main()"]


def here(*arguments: str) -> tuple[int, str]:
    """The command's exit code, and all that it printed."""
    done = crossapp(*arguments)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of one run against the embedded simulators, by two generator processes."""
    made = tmp_path_factory.mktemp("load")
    done = crossapp("load", *_QUICK, "--processes", "2", "--report", str(made), "--users", "30")
    assert "Traceback" not in done.stderr + done.stdout
    assert (made / "report.jsonl").exists(), done.stderr
    (made / "printed").write_text(done.stdout + done.stderr, "utf-8")
    (made / "code").write_text(str(done.returncode), "utf-8")
    return made


def test_the_accounts_add_up_over_processes(folder: Path) -> None:
    report = open_report(folder)
    assert report.load is not None
    accounts = report.load.accounts
    parts = sum(accounts[name] for name in ("ok", "failed", "dropped", "censored"))
    assert accounts["scheduled"] == parts > 100
    assert report.load.lanes == 2
    added = report.finding("load.accounts_add_up")
    assert added is not None
    assert added.verdict == "held", added.reason


def test_each_budget_is_a_finding_and_is_told_with_its_word(folder: Path) -> None:
    report = open_report(folder)
    assert report.load is not None
    words = {each.requirement: each.word for each in report.load.budgets}
    assert set(words) == {each.id for each in read_budgets() if not each.of_pages}
    for each in report.load.budgets:
        found = report.finding(each.requirement)
        assert found is not None
        assert (found.verdict == "held") == (each.word == "PASS")
        assert (found.verdict == "violated") == (each.word == "FAIL")
    # Too few requests for 99.9 %: on no machine is that a verdict.
    assert words["load.generation_succeeds"] in ("INCONCLUSIVE", "INVALID")


def test_the_exit_code_is_the_reports(folder: Path) -> None:
    code = int((folder / "code").read_text("utf-8"))
    assert code == open_report(folder).footer.exit_code
    assert code in (ExitCode.UNDECIDED, ExitCode.HARNESS_FAULT, ExitCode.VIOLATED)


def test_a_run_that_was_killed_before_its_report_is_judged_by_its_history(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "history.jsonl", tmp_path)
    done = crossapp("report", str(tmp_path), "--markdown", "-")
    assert f"{tmp_path} has no report: this is what its history.jsonl says, by the budgets" in done.stderr
    assert "crossapp load measures it" not in done.stdout
    whole = open_report(folder)
    assert whole.load is not None
    for each in whole.load.budgets:
        assert each.requirement in done.stdout
    assert done.returncode == whole.footer.exit_code


def test_every_line_is_of_the_schema_and_no_secret_is_in_any_file(folder: Path) -> None:
    validator = jsonschema_rs.Draft202012Validator(line_schema())
    lines = (folder / "report.jsonl").read_text("utf-8").splitlines()
    kinds = [json.loads(line)["type"] for line in lines]
    assert kinds.count("load") == 1
    assert [problem.message for line in lines for problem in validator.iter_errors(json.loads(line))] == []
    for path in folder.iterdir():
        text = path.read_text("utf-8", "replace")
        assert "eyJ" not in text, path
        assert "dev-shared-secret" not in text, path


def test_the_page_shows_charts_and_budgets(folder: Path) -> None:
    page = (folder / "report.html").read_text("utf-8")
    assert page.count("<svg") >= 6
    assert "<script" not in page
    assert 'href="locust.html"' in page
    assert (folder / "locust.html").exists()
    assert "curl -i -X POST" in page
    assert "Budgets under load (13)" in (folder / "printed").read_text("utf-8")


def deployment(folder: Path, url: str, **more: Any) -> str:
    value: dict[str, Any] = {
        "name": "elsewhere",
        "targets": {"tuvens-api": {"url": url, "kind": "local", "rate_limits": _NO_LIMITS, **more}},
        "credentials": {"shared_secret": "s" * 40},
        "users": [{"role": "organiser", "account_id": 123, "jwt": "j" * 30}],
    }
    value["targets"]["hi.events"] = {"url": url, "kind": "local", "rate_limits": {"validateCrossAppSession": 0}}
    file = folder / "deployment.json"
    file.write_text(json.dumps(value), "utf-8")
    return str(file)


_NO_LIMITS = dict.fromkeys(
    ("generateSession", "validateSession", "listUserAccounts", "validatePermission", "receiveEventStatusChanged"), 0
)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_address_that_is_none_is_invalid_and_no_verdict_on_anybody(tmp_path: Path, scheme: str) -> None:
    """A wrong path is answered 404 by some server, TLS is spoken to one that does not."""
    with servers.known(lambda since: (0.0, 404)) as address:
        file = deployment(tmp_path, address.replace("http", scheme, 1).rstrip("/") + "/wrong")
        code, said = here("load", *_QUICK, "-d", file, "--report", str(tmp_path / "report"))
    assert code == ExitCode.HARNESS_FAULT, said
    report = open_report(tmp_path / "report")
    found = report.finding("load.requests_were_sent")
    assert found is not None
    assert "generateSession" in found.reason
    assert "crossapp verify" in found.next
    # Pages were not to be loaded.
    others = [each.verdict for each in report.findings if each is not found and each.verdict != "not_applicable"]
    assert set(others) == {"blocked"}
    assert len(others) == len([each for each in read_budgets() if not each.of_pages]) + 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rate", "0"), "--rate: must be above 0"),
        (("--duration", "soon"), "'soon' is not a duration"),
        (("--within", "0"), "--within: must be above 0"),
        (("--budgets", "absent.toml"), "absent.toml: cannot be read"),
        (("--stages", "absent.toml"), "absent.toml: cannot be read"),
        (("--processes", "2", "--expect-workers", "2"), "cannot be combined"),
        (("--expect-workers", "2", "--bind", "10.0.0.1:x"), "--bind: '10.0.0.1:x' is not an address"),
        (("--deployment", "absent.toml"), "absent.toml: cannot be read"),
    ],
)
def test_bad_arguments_are_named(arguments: tuple[str, ...], words: str) -> None:
    code, said = here("load", *arguments)
    assert code == ExitCode.USAGE
    assert words in said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "production"}, "has kind production, which is never load tested"),
        ({"rate_limits": {}}, "generateSession would get 490 calls per minute by each user; its rate limit is 10"),
    ],
)
def test_what_must_not_be_load_tested_is_refused_before_anything_is_sent(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    code, said = here("load", *_QUICK, "-d", deployment(tmp_path, "http://127.0.0.1:9", **change))
    assert code == ExitCode.USAGE
    assert words in said


def test_more_users_than_there_are_cannot_be_asked_for(tmp_path: Path) -> None:
    code, said = here("load", *_QUICK, "-d", deployment(tmp_path, "http://127.0.0.1:9"), "--users", "50")
    assert code == ExitCode.USAGE
    assert "--users 50, but the file has 1 user" in said


def test_the_plan_sends_nothing() -> None:
    code, said = here("load", "--plan", "--rate", "100", "--within", "1m", "--pages", "0s", "-d", "absent.toml")
    assert code == 0
    assert "load.generation_succeeds" in said
    assert "NOT DECIDED in this run" in said


@pytest.mark.skipif(not (is_available() or os.environ.get("CI") == "true"), reason="no browser")
def test_pages_alone_are_loaded_and_the_event_is_left_as_it_was(tmp_path: Path) -> None:
    done = crossapp("load", "--duration", "0s", "--pages", "4s", "--report", str(tmp_path))
    report = open_report(tmp_path)
    assert report.load is not None, done.stderr
    assert {each.requirement for each in report.load.budgets} == {each.id for each in read_budgets() if each.of_pages}
    measures = {each.name: each.results for each in report.load.measures}
    assert measures["widget/cold"].get("OK")
    assert measures["emptyPage/warm"].get("OK")
    assert report.load.calibration["page, first visit"] > 0
    # Too few loads for 99.7 %, or a machine that is too slow: on none is that a verdict.
    assert report.footer.exit_code in (ExitCode.UNDECIDED, ExitCode.HARNESS_FAULT)
    asked = [json.loads(line) for line in (tmp_path / "history.jsonl").read_text("utf-8").splitlines()]
    changes = [each for each in asked if each.get("operation") == "setEventStatus"]
    assert len(changes) in (0, 2), "an event is put on sale, and back"
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "an empty page with an empty iframe" in page


def test_nothing_that_is_asked_for_is_never_a_pass(tmp_path: Path) -> None:
    done = crossapp("load", "--duration", "0s", "--pages", "0s", "--report", str(tmp_path))
    assert done.returncode == ExitCode.NOTHING_JUDGED, done.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_stops_it_stops_the_generator_too(tmp_path: Path, number: signal.Signals) -> None:
    private = tmp_path / "private"
    private.mkdir()
    deployment = tmp_path / "deployment.json"
    asked = [*_QUICK, "--duration", "120s", "--processes", "2", "--users", "30", "--report", str(tmp_path / "report")]
    command = [*_CROSSAPP, "load", "--deployment", str(deployment), *asked]
    # A target that goes on: without one the generator would end anyway.
    with launched(LaunchOptions(limits="raised")) as built, (tmp_path / "said").open("wb") as said:
        deployment.write_text(json.dumps(built.description()), "utf-8")
        with subprocess.Popen(command, stderr=said, env={**os.environ, "TMPDIR": str(private)}) as child:
            until = time.monotonic() + 60
            while not any(each.stat().st_size for each in private.rglob("record.jsonl")):
                assert child.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
            generator = psutil.Process(child.pid).children(recursive=True)
            child.send_signal(number)
            child.wait(30)
        _, left = psutil.wait_procs(generator, 15)
    for each in left:
        each.kill()
    assert len(generator) >= 3, "a master and two workers"
    assert not left
    if number == signal.SIGTERM:
        assert child.returncode == 130  # as by Ctrl-C
        assert (tmp_path / "said").read_text("utf-8").endswith("Stopped.\n")
        assert not list(private.iterdir())
    code, told = here("report", str(tmp_path / "report"))
    assert code == ExitCode.USAGE
    assert "its load run was ended before it wrote them: run crossapp load again" in told
