"""The journal of changes: shared by processes, continued after a kill, without effect where it cannot be written."""

import errno
import os
import stat
from pathlib import Path

import pytest

from harness.change_journal import ChangeJournal, journal_file
from harness.deployment import DeploymentError
from harness.traffic_limits import TargetGoneError

APPS = ("tuvens-api", "hi.events")
BEFORE = {"status": "LIVE"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "staging.toml"


def test_what_a_killed_run_noted_is_read_by_the_next_one_and_removed_once_it_is_undone(file: Path) -> None:
    killed = ChangeJournal(APPS, file)
    killed.found("hi.events", "2", BEFORE)
    killed.found("hi.events", "3", BEFORE)
    killed.changes("hi.events", "2")
    killed.made("hi.events", "31", "11")
    os.close(killed._file)  # as the system does
    path = journal_file(file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open("a", encoding="utf-8") as cut_off:
        cut_off.write('{"what": "chan')
    found = ChangeJournal(APPS, file)
    assert {key: each.before for key, each in found.changed.items()} == {("hi.events", "2"): BEFORE}
    assert found.drafts == {"31": "11"}
    assert not found.knows("hi.events", "3"), "it was not changed, and its state may be another one by now"
    found.close()
    assert path.exists(), "something is left to undo"
    again = ChangeJournal(APPS, file)
    again.restored("hi.events", "2")
    again.close()
    assert not path.exists()


def test_runs_at_once_share_the_first_state_and_the_last_one_undoes(file: Path) -> None:
    one, other = ChangeJournal(APPS, file), ChangeJournal(APPS, file)
    one.found("hi.events", "2", BEFORE)
    one.changes("hi.events", "2")
    assert other.knows("hi.events", "2")
    other.found("hi.events", "2", {"status": "DRAFT"})
    assert other.changed["hi.events", "2"].before == BEFORE
    assert not one.is_alone()
    one.close()
    assert journal_file(file).exists()
    assert other.is_alone()
    with pytest.raises(DeploymentError, match="another process restores"):
        ChangeJournal(APPS, file)
    other.restored("hi.events", "2")
    other.close()
    assert not journal_file(file).exists()


def test_what_is_simulated_is_not_noted(file: Path) -> None:
    journal = ChangeJournal(("tuvens-api",), file)
    assert journal.knows("hi.events", "2")
    journal.changes("hi.events", "2")
    journal.begins_session("hi.events", 1.0)
    journal.made("hi.events", "31", "11")
    assert (journal.changed, journal.sessions, journal.drafts) == ({}, {}, {})
    journal.close()


def test_a_journal_that_cannot_be_made_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_folder = tmp_path / "a file"
    no_folder.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(no_folder))
    with pytest.raises(DeploymentError, match=r"changes\.jsonl.*XDG_STATE_HOME.*change_events = false"):
        ChangeJournal(APPS, tmp_path / "no such folder" / "staging.toml")


def test_nothing_is_changed_once_the_disk_is_full(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = ChangeJournal(APPS, file)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(TargetGoneError, match="nothing more is changed"):
        journal.changes("hi.events", "2")
    monkeypatch.undo()
    journal.close()


def test_a_file_in_a_folder_that_cannot_be_written_to_has_its_journal_in_the_state_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = file.parent / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    # Root may write wherever permissions say otherwise; a mounted folder can be written to by nobody.
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != file.parent)
    journal = ChangeJournal(APPS, file)
    assert journal_file(file).exists()
    assert journal_file(file).is_relative_to(state / "crossapp" / "changes")
    assert journal_file(file) != journal_file(file.parent / "other" / file.name)
    journal.close()
