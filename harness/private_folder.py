"""Temporary folders for secrets. What a killed process leaves behind, the next one removes."""

import fcntl
import os
import shutil
import tempfile
import weakref
from functools import cache
from pathlib import Path

_PREFIX = "crossapp-private-"


class PrivateFolder:
    """A temporary folder for its user alone, until `close`, the end of the block or that of the process.

    Its process holds a lock on it, which the system releases when that is killed: a process id may be given again, and
    that of a container says nothing outside. The first folder of a process removes this user's folders without a lock.
    """

    def __init__(self) -> None:
        _remove_left_behind(tempfile.gettempdir())
        path, lock = _locked_folder()
        self.path = path
        self._remove = weakref.finalize(self, _remove, path, lock)

    def close(self) -> None:
        """Remove the folder."""
        self._remove()

    def __enter__(self) -> Path:
        """The folder's path."""
        return self.path

    def __exit__(self, *_: object) -> None:
        self.close()


def _locked_folder() -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
        try:
            lock = _opened(path)
        except FileNotFoundError:
            continue  # another process removed it before it had its lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:
            return path, lock  # a file system without locks: there nobody else gets one either
        if path.exists():
            return path, lock
        os.close(lock)


def _opened(path: Path) -> int:
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)


@cache
def _remove_left_behind(folder: str) -> None:
    for path in Path(folder).glob(f"{_PREFIX}*"):
        try:
            lock = _opened(path)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(lock).st_uid == os.getuid():
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            pass  # its process lives
        finally:
            os.close(lock)


def _remove(path: Path, lock: int) -> None:
    shutil.rmtree(path, ignore_errors=True)
    os.close(lock)
