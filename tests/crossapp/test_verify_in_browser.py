"""`crossapp verify` with a real browser, as its users run it; elsewhere, what it says without one."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest

from harness import chromium
from tests.command_line import crossapp

_REQUIRED = os.environ.get("CI") == "true"
_NEEDS_BROWSER = pytest.mark.skipif(
    not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"
)
_A_PAGE = 5_000
_JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}\.")


_CROSSAPP = [sys.executable, "-c", "from crossapp.cli import main; main()"]


@_NEEDS_BROWSER
def test_a_fault_of_a_page_is_seen_with_a_screenshot_and_a_trace_without_secrets(tmp_path: Path) -> None:
    assert chromium.is_available(), "CI installs chromium and the extra browser"
    rules = ("no_ticketing_shows_another_registration", "errors_of_enabling_can_be_retried")
    select = [part for name in rules for part in ("-s", f"browser.{name}")]
    done = crossapp("verify", *select, "--fault", "error-without-retry", "--report", "r", cwd=tmp_path)
    assert done.returncode == 1, done.stdout[-3000:] + done.stderr
    lines = [json.loads(line) for line in (tmp_path / "r" / "report.jsonl").read_text("utf-8").splitlines()]
    found = {each["requirement"]: each for each in lines if each["type"] == "finding"}
    assert found[f"browser.{rules[0]}"]["verdict"] == "held"
    wrong = found[f"browser.{rules[1]}"]
    assert (wrong["verdict"], wrong["expected"]) == ("violated", "a way to try again")
    assert {Path(name).suffix for name in wrong["files"]} == {".png", ".zip", ".txt"}
    assert {path.name for path in (tmp_path / "r" / "browser").iterdir()} == {
        Path(each).name for each in wrong["files"]
    }
    for name in wrong["files"]:
        file = tmp_path / "r" / name
        assert file.stat().st_size > 500
        assert name in done.stdout.replace("\n", "").replace(" ", "")
        contents = [file.read_bytes()]
        if file.suffix == ".zip":
            with zipfile.ZipFile(file) as trace:
                contents = [trace.read(each) for each in trace.namelist()]
            assert any(b"<jwt:" in each for each in contents)
        assert not any(_JWT.search(each) for each in contents)


@_NEEDS_BROWSER
def test_a_run_that_is_cancelled_leaves_no_process_and_no_recording_behind(tmp_path: Path) -> None:
    assert chromium.is_available(), "CI installs chromium and the extra browser"
    # A short name: Chromium has a socket in its folder, whose path may have 107 characters.
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, _verifying(tmp_path, folder) as child:
        private = Path(folder)
        until = time.monotonic() + 60
        while sum(each.stat().st_size > _A_PAGE for each in private.rglob("*.network")) < 2:
            assert child.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        started = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 130  # as by Ctrl-C
        _, left = psutil.wait_procs(started, 30)
        files = list(private.iterdir())
    for each in left:
        each.kill()
    assert len(started) > 2
    assert not left
    assert not files


def _verifying(cwd: Path, private: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*_CROSSAPP, "verify", "-s", "browser.*", "--report", "r"],
        cwd=cwd,
        env={**os.environ, "TMPDIR": private},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def test_without_a_browser_the_claims_are_not_tested_and_one_command_is_named(tmp_path: Path) -> None:
    environment = {chromium.VARIABLE: "/there/is/no/chromium/here"}
    done = crossapp("verify", "-s", "C-TC-04", "--json", cwd=tmp_path, environment=environment)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    claim = next(each for each in lines if each["type"] == "claim" and each["claim"] == "C-TC-04")
    assert claim["verdict"] == "not_tested"
    assert "apt-get install chromium && pip install" in claim["reason"]
    assert "Traceback" not in done.stderr


def test_a_selector_that_nobody_knows_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "d.toml").write_text(
        """
        [targets.tuvens-client]
        url = "http://127.0.0.1:1"
        [targets.tuvens-client.selectors]
        enabel = "role=button"
        [credentials]
        shared_secret = "a-secret"
        [[users]]
        role = "organiser"
        account_id = 123
        jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
        """,
        "utf-8",
    )
    done = crossapp("verify", "-d", "d.toml", cwd=tmp_path)
    assert done.returncode == 64
    assert "targets.tuvens-client.selectors.enabel: unknown; did you mean 'enable'?" in done.stderr
