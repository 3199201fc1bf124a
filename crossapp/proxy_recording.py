"""What `crossapp proxy` records: in memory the newest exchanges, in files all of them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.har import to_har
from harness.history import Entry, Exchange
from harness.private_folder import PrivateFolder
from harness.recorder import Recorder
from harness.saved_history import saved_entries
from harness.saving import HistoryFile, write_whole


class Recording:
    """Writes what a recorder records to the file of a history (`record`), and at the end to a HAR file; once memory is
    full, the older half of the history is in the files only. Raises OSError if a file cannot be written."""

    def __init__(self, recorder: Recorder, record: Path | None, har: Path | None) -> None:
        self._recorder = recorder
        self._har = har
        self._private = PrivateFolder() if har is not None and record is None else None
        self._path = record or (self._private.path / "history.jsonl" if self._private else None)
        self._forgotten: Counter[str] = Counter()
        self._file = None if self._path is None else HistoryFile(self._path, recorder.history, recorder.redactor)
        if har is not None:
            self._write_har(())
        recorder.forgetting = self._forget

    def append(self) -> None:
        """Append what is new to the file of the history."""
        if self._file is not None:
            self._file.append()

    def finish(self) -> None:
        """Complete the files."""
        history = self._recorder.history
        if self._file is not None:
            self._file.finish()
        if self._har is not None and self._path is not None:
            whole = saved_entries(self._path, set(history.changed)) if history.forgotten else history.entries
            self._write_har(whole)
        if self._private is not None:
            self._private.close()

    def callers(self) -> Counter[str]:
        """How many exchanges were recorded, by caller."""
        return self._forgotten + _callers(self._recorder.history.entries)

    def _forget(self, entries: Sequence[Entry]) -> None:
        self.append()
        self._forgotten += _callers(entries)

    def _write_har(self, entries: Iterable[Entry]) -> None:
        assert self._har is not None
        write_whole(self._har, to_har(self._recorder.history.context, entries, self._recorder.redactor))


def _callers(entries: Iterable[Entry]) -> Counter[str]:
    return Counter(each.caller for each in entries if isinstance(each, Exchange))
