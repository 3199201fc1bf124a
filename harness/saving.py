"""Writes files atomically."""

import os
from collections.abc import Iterable
from pathlib import Path

from harness.history import History
from harness.redact import Redactor
from harness.saved_history import entry_lines, history_lines


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """Write lines to a file atomically: until it is complete, the old file stays. Raises OSError."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        with beside.open("w", encoding="utf-8") as file:
            file.writelines(line + "\n" for line in lines)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


class HistoryFile:
    """The file of a history that grows; readable at any time, complete after `finish`.

    If the process is killed, entries since the last `append` are lost. Only `finish` marks exchanges as sent again that
    were written before. Raises OSError if the file cannot be written.
    """

    def __init__(self, path: Path, history: History, redactor: Redactor) -> None:
        if path.exists() and not path.is_file():
            raise OSError(0, "is no ordinary file")
        self._path = path
        self._history = history
        self._redactor = redactor
        self._written = len(history.entries)
        write_whole(path, history_lines(history, redactor))

    def append(self) -> None:
        """Append the new entries."""
        lines = list(entry_lines(self._history.entries[self._written :], self._redactor))
        if lines:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in lines))
            self._written += len(lines)

    def finish(self) -> None:
        """Rewrite the whole file."""
        write_whole(self._path, history_lines(self._history, self._redactor))
