"""Temporary folders: those of killed processes are removed by the next one, and those of living ones never."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

_MAKES_ONE = """
import sys
from harness.private_folder import PrivateFolder
with PrivateFolder() as folder:
    (folder / "secret").write_text("x")
    print(folder, flush=True)
    sys.stdin.read()
"""


def start(inside: Path) -> tuple["subprocess.Popen[str]", Path]:
    child = subprocess.Popen(
        [sys.executable, "-c", _MAKES_ONE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(inside)},
    )
    assert child.stdout is not None
    return child, Path(child.stdout.readline().strip())


def test_the_next_process_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "crossapp-private-link").symlink_to(elsewhere)
    (inside / "crossapp-private-file").write_text("x", "utf-8")
    killed, left = start(inside)
    living, kept = start(inside)
    with killed, living:
        killed.send_signal(signal.SIGKILL)
        killed.wait(30)
        assert left.is_dir()
        after, last = start(inside)
        with after:
            assert not left.exists()
            assert (kept / "secret").exists()
            assert after.communicate()[0] == ""
        assert not last.exists()
        living.communicate()
    assert sorted(each.name for each in inside.iterdir()) == ["crossapp-private-file", "crossapp-private-link"]
    assert elsewhere.is_dir()


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to make a folder of another user's")
def test_folders_of_other_users_are_left_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "crossapp-private-theirs"
    theirs.mkdir()
    os.chown(theirs, 65_534, 65_534)
    child, _ = start(tmp_path)
    with child:
        assert theirs.is_dir()
        child.communicate()
