"""Writes files atomically."""

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from harness.history import History
from harness.redact import Redactor
from harness.saved_history import entry_lines, history_lines, story_lines


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

    If the process is killed, entries since the last `append` are lost. An entry that was changed is appended once more.
    Raises OSError if the file cannot be written: its last line may then be cut off.
    """

    def __init__(self, path: Path, history: History, redactor: Redactor) -> None:
        if path.exists() and not path.is_file():
            raise OSError(0, "is not an ordinary file")
        self._path = path
        self._history = history
        self._redactor = redactor
        write_whole(path, history_lines(history, redactor))
        self._entries, self._changed, self._stories = self._sizes()

    def append(self) -> None:
        """Append what is new: entries, entries that were changed, and how stories ended."""
        history, sizes = self._history, self._sizes()
        _, changed, stories = sizes
        new = history.entries[self._entries - history.forgotten :]
        # Of an entry that is in it twice, the later line counts.
        numbers = dict.fromkeys(history.changed[self._changed : changed])
        again = [each for each in map(history.numbered, numbers) if each is not None]
        ended = islice(history.stories.values(), self._stories, stories)
        lines = [*entry_lines([*new, *again], self._redactor), *story_lines(ended, self._redactor)]
        if lines:
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in lines))
        self._entries, self._changed, self._stories = sizes

    def finish(self) -> None:
        """Rewrite the whole file, redacted once more; only append what is new if entries were forgotten."""
        if self._history.forgotten:
            self.append()
        else:
            write_whole(self._path, history_lines(self._history, self._redactor))

    def _sizes(self) -> tuple[int, int, int]:
        history = self._history
        return history.forgotten + len(history.entries), len(history.changed), len(history.stories)
