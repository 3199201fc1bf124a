"""Runs that are kept: their reports in one SQLite file, by environment, commit and date."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from harness.render.saved import parse_report
from harness.report import Report

_TABLE = """
CREATE TABLE IF NOT EXISTS runs (
    environment TEXT NOT NULL,
    sha TEXT NOT NULL,
    started TEXT NOT NULL,
    report BLOB NOT NULL,
    PRIMARY KEY (environment, sha, started)
)
"""
_MADE_BY = 0x63617070
"""The application_id of such a file (https://www.sqlite.org/fileformat.html, 1.3.19)."""


class KeptRunsError(ValueError):
    """A file of runs that cannot be read or written; the text names it."""


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run of an environment. `sha`: the commit that was deployed there."""

    environment: str
    sha: str
    report: Report

    @property
    def started(self) -> datetime:
        """When it began, UTC."""
        return datetime.fromisoformat(self.report.header.started)


def keep(path: Path, environment: str, sha: str, report: Report) -> None:
    """Add a run, or put it in place of the same one. Raises KeptRunsError."""
    lines = "".join(line + "\n" for line in report.lines()).encode()
    with _opened(path) as database:
        database.execute(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?)", (environment, sha, report.header.started, lines)
        )
        database.commit()


def kept(path: Path, environment: str, sha: str = "") -> list[KeptRun]:
    """The runs of an environment, of commits that begin with `sha`, the newest first. Raises KeptRunsError, and
    ReportError for a report that cannot be read."""
    if not path.exists():
        raise KeptRunsError(f"{path}: there is no such file: keep a run first, with crossapp keep")
    with _opened(path) as database:
        rows = database.execute(
            "SELECT sha, report FROM runs WHERE environment = ? AND substr(sha, 1, ?) = ? ORDER BY started DESC",
            (environment, len(sha), sha),
        ).fetchall()
    return [KeptRun(environment, found, parse_report(report)) for found, report in rows]


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(path, timeout=10)) as database:
            (made_by,) = database.execute("PRAGMA application_id").fetchone()
            (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if tables and made_by != _MADE_BY:
                raise KeptRunsError(f"{path}: is a database, but none of crossapp's runs: name another file")
            database.execute(f"PRAGMA application_id = {_MADE_BY}")
            database.execute(_TABLE)
            yield database
    except sqlite3.Error as error:
        raise KeptRunsError(f"{path}: cannot be used as a file of runs ({error})") from None
