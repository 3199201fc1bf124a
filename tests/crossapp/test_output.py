"""Outputs that cannot be written: one line says so, and the verdict and the exit code stay."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from crossapp.commands.output import save_report
from tests.harness.render import sample

_FULL = Path("/dev/full")
_needs_full = pytest.mark.skipif(not _FULL.exists(), reason="needs /dev/full, a file on a full disk")
_MAIN = [sys.executable, "-c", "from crossapp.cli import main; main()"]
_ENDS = """
import errno, sys
from crossapp import cli
def app(**_):
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/history.jsonl")
cli.app = app
cli.main()
"""


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A report whose run ended with 0."""
    file = tmp_path / "saved.jsonl"
    file.write_text("".join(f"{line}\n" for line in sample.honest().lines()), "utf-8")
    return file


@pytest.mark.parametrize(
    "arguments",
    [["report"], ["report", "--markdown", "-"], ["diff"], ["requirements"], ["mocks"], ["openapi", "hi.events"]],
)
def test_a_reader_that_goes_away_changes_no_exit_code(arguments: list[str], saved: Path) -> None:
    files = [str(saved)] * {"report": 1, "diff": 2}.get(arguments[0], 0)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run([*_MAIN, *arguments, *files], stdout=writing, stderr=subprocess.PIPE, check=False)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_closed_output_changes_no_exit_code(saved: Path) -> None:
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *_MAIN, "report", str(saved)]
    done = subprocess.run(closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@_needs_full
def test_an_output_on_a_full_disk_is_said_in_a_line(saved: Path) -> None:
    with _FULL.open("wb") as full:
        done = subprocess.run([*_MAIN, "report", str(saved)], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0
    assert done.stderr == b"crossapp report: standard output cannot be written (No space left on device)\n"


@_needs_full
def test_a_report_that_cannot_be_written_is_said_and_no_part_of_it_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "report.html").symlink_to(_FULL)
    assert not save_report(sample.honest(), tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["junit.xml", "report.jsonl", "report.md"]
    assert capsys.readouterr().err.splitlines() == [
        f"crossapp: {tmp_path / 'report.html'} cannot be written (No space left on device)"
    ]
    assert save_report(sample.honest(), tmp_path)


def test_a_machine_at_its_end_is_no_fault_of_crossapp() -> None:
    done = subprocess.run([sys.executable, "-c", _ENDS], stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert (
        done.stderr
        == "crossapp: this machine is out of resources (No space left on device): /somewhere/history.jsonl\n"
    )
