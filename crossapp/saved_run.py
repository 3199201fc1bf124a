"""A saved history, read to be judged again; also that of a run that was stopped or killed."""

from datetime import UTC, datetime
from pathlib import Path

from contracts.lifetimes import note_lifetimes
from crossapp.run import JWTS, Settings
from harness.history import History
from harness.saved_history import Run, open_history

CUT_OFF = "its last line is cut off, as by a full disk or a kill, and is left out"


def read_saved(file: Path) -> tuple[History, bool]:
    """A saved history, and whether its last line is cut off and left out. Raises OSError, UnicodeDecodeError and
    HistoryError."""
    history, cut_off = open_history(file)
    if history.unfinished:
        # A run notes them at its end.
        note_lifetimes(history, history.context.settings.get(JWTS, {}))
    return history, cut_off


def saved_run(history: History) -> Run:
    """A run as its history tells of it."""
    first, last = history.span
    return Run(history, (), f"{datetime.fromtimestamp(first, UTC):%Y-%m-%dT%H:%M:%SZ}", last - first)


def settings_of(history: History) -> Settings:
    """What the run of a saved history selected; everything if it does not say."""
    chosen = history.context.settings
    return Settings(select=tuple(chosen.get("select", ())), without=tuple(chosen.get("without", ())))
