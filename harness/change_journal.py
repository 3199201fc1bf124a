"""What a run changes at a deployment, written to a file before each request is sent, so that it can be undone: at the
end of the run, or by another process if this one is killed."""

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.deployment import DeploymentError
from harness.traffic_limits import TargetGoneError

State = Mapping[str, str | int | bool | None]
"""What is known of an event, as far as it can be restored; it holds no secret."""


def journal_file(deployment_file: Path) -> Path:
    """Where the journal of a deployment file is: `staging.changes.jsonl` beside `staging.toml`, or, where that folder
    cannot be written to, such as a mounted one, in the user's state folder."""
    path = deployment_file.absolute()
    if os.access(path.parent, os.W_OK):
        return path.with_name(f"{path.stem}.changes.jsonl")
    from platformdirs import user_state_path

    mark = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    return user_state_path("crossapp") / "changes" / f"{path.stem}-{mark}.changes.jsonl"


@dataclass(slots=True)
class NotedEvent:
    """An event of one application. `before`: its state before the first change, None if it could not be read.
    `changed_at`: Unix seconds of the last request that may have changed it, 0 if none did."""

    before: State | None = None
    changed_at: float = 0.0


@dataclass(slots=True)
class NotedSessions:
    """How many sessions began at an application, and when the last of them expires (Unix seconds)."""

    count: int = 0
    until: float = 0.0


@dataclass(slots=True)
class _Notes:
    events: dict[tuple[str, str], NotedEvent] = field(default_factory=dict)
    drafts: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, NotedSessions] = field(default_factory=dict)


class ChangeJournal:
    """The journal of a deployment, beside its file; without one it is kept in memory. Other applications than `apps`
    are not noted.

    Runs on the same deployment share it: each reads what the others note, and the first state that anybody read of an
    event is the one that counts. That of a run that was killed is continued. Raises DeploymentError if it cannot be
    opened; methods that note something raise TargetGoneError if it cannot be written.
    """

    def __init__(self, apps: Collection[str], deployment_file: Path | None = None) -> None:
        self._apps = frozenset(apps)
        self._notes = _Notes()
        self._file = -1
        self._read = 0
        self._path = None if deployment_file is None else journal_file(deployment_file)
        self.remedy = f"To undo the rest, run crossapp cleanup {deployment_file}." if deployment_file else ""
        if self._path is not None:
            self._open(self._path)
            self._begin()

    @property
    def changed(self) -> dict[tuple[str, str], NotedEvent]:
        """The events that were or may have been changed and are not restored, by application and id."""
        self._refresh()
        return {key: each for key, each in self._notes.events.items() if each.changed_at}

    @property
    def drafts(self) -> dict[str, str]:
        """The events that were made at hi.events, by id, each with the id of its Tuvens event."""
        self._refresh()
        return dict(self._notes.drafts)

    @property
    def sessions(self) -> dict[str, NotedSessions]:
        """The sessions that began, by application."""
        self._refresh()
        return dict(self._notes.sessions)

    def knows(self, app: str, event: str) -> bool:
        """Whether the state of an event before the run is noted, or need not be."""
        self._refresh()
        return app not in self._apps or (app, event) in self._notes.events

    def found(self, app: str, event: str, state: State | None) -> None:
        """Note the state of an event before anything changes it."""
        self._write(what="found", app=app, event=event, state=state)

    def changes(self, app: str, event: str) -> None:
        """Note that an event is about to be changed."""
        self._write(what="changes", app=app, event=event, at=round(time.time(), 3))

    def made(self, app: str, event: str, tuvens_event: str) -> None:
        """Note an event that an application made for a Tuvens event."""
        self._write(what="made", app=app, event=event, tuvens=tuvens_event)

    def begins_session(self, app: str, until: float) -> None:
        """Note that a session is about to begin, which expires at a time in Unix seconds."""
        self._write(what="session", app=app, until=round(until))

    def restored(self, app: str, event: str) -> None:
        """Note that an event is as it was, as far as that is possible."""
        self._write(what="restored", app=app, event=event)

    def is_alone(self) -> bool:
        """Whether no other process uses the journal; from then on, none can."""
        if self._file < 0:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            # What could not be changed into another lock is lost.
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
        return True

    def close(self) -> None:
        """Close the file, and remove it if nothing is left to restore and nobody else uses it."""
        if self._file < 0:
            return
        if not self.changed and self._path is not None and self.is_alone():
            self._path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1

    def _open(self, path: Path) -> None:
        while True:
            try:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                raise DeploymentError(
                    f"{path}: what a run changes is noted there, and it cannot be written ({error.strerror}): set "
                    "XDG_STATE_HOME to a folder that can be written to, or let nothing be changed: [safety] "
                    "change_events = false"
                ) from None
            try:
                fcntl.flock(self._file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                os.close(self._file)
                raise DeploymentError(
                    f"{path}: another process restores what a run changed at this deployment: wait until it has ended"
                ) from None
            if path.exists() and os.path.samestat(os.fstat(self._file), path.stat()):
                return
            os.close(self._file)  # another process removed it meanwhile

    def _begin(self) -> None:
        """Continue what a process left that was killed: the states of events that it did not change may be old."""
        if self.is_alone():
            self._write(what="begins")
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def _write(self, **line: Any) -> None:
        if line.get("app", next(iter(self._apps), "")) not in self._apps:
            return
        if self._file < 0:
            _apply(self._notes, line)
            return
        # After a line that a killed process did not finish, another one begins.
        text = b"\n" + json.dumps(line).encode() + b"\n"
        try:
            # One write, which the system appends in one piece: other processes write, too.
            whole = os.write(self._file, text) == len(text)
            why = "the disk is full"
        except OSError as error:
            whole, why = False, error.strerror or str(error)
        if not whole:
            raise TargetGoneError(f"nothing more is changed: {self._path} cannot be written ({why})")
        self._refresh()

    def _refresh(self) -> None:
        """Take over what this and other processes have written since."""
        if self._file < 0:
            return
        text = os.pread(self._file, max(os.fstat(self._file).st_size - self._read, 0), self._read)
        whole = text[: text.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in whole.splitlines():
            try:
                _apply(self._notes, json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # of a process that was killed, or of a full disk


def _apply(notes: _Notes, line: Mapping[str, Any]) -> None:
    match line["what"]:
        case "begins":
            notes.events = {key: each for key, each in notes.events.items() if each.changed_at}
        case "found":
            notes.events.setdefault((line["app"], line["event"]), NotedEvent(line["state"]))
        case "changes":
            noted = notes.events.setdefault((line["app"], line["event"]), NotedEvent())
            noted.changed_at = max(noted.changed_at, float(line["at"]))
        case "made":
            notes.drafts.setdefault(line["event"], line["tuvens"])
        case "session":
            noted_sessions = notes.sessions.setdefault(line["app"], NotedSessions())
            noted_sessions.count += 1
            noted_sessions.until = max(noted_sessions.until, float(line["until"]))
        case "restored":
            notes.events.pop((line["app"], line["event"]), None)
