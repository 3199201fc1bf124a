"""The record of a run, kept in a file while the run goes on."""

import threading
from pathlib import Path

from harness.drive import ENDS, Progress
from harness.history import History
from harness.redact import Redactor
from harness.saving import HistoryFile

_SECONDS = 10.0


class KeptRecord:
    """Appends to a file what was recorded, whenever a story ends, until the file cannot be written; without a path, to
    none. `progress` is told of it, and of all that `tell` is told."""

    def __init__(self, path: Path | None, history: History, redactor: Redactor, progress: Progress) -> None:
        self._path = path
        self._progress = progress
        self._lock = threading.Lock()
        self._file: HistoryFile | None = None
        if path is not None:
            try:
                self._file = HistoryFile(path, history, redactor)
            except OSError as error:
                self._failed(error)

    def tell(self, story: str, state: str) -> None:
        """Take and pass on the progress of a story."""
        if state in ENDS:
            self.append()
        self._progress(story, state)

    def append(self) -> None:
        """Append what is new. Another thread may do so too."""
        if not self._lock.acquire(timeout=_SECONDS):
            return
        try:
            if self._file is not None:
                self._file.append()
        except OSError as error:
            self._file = None
            self._failed(error)
        finally:
            self._lock.release()

    def _failed(self, error: OSError) -> None:
        self._progress("the record", f"is kept in memory only: {self._path} cannot be written ({error.strerror})")
