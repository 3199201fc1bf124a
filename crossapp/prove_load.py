"""A short load run against simulators with a fault: what the standard budgets say of it."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from crossapp.commands.load import judged
from crossapp.load_world import loaded
from crossapp.run import Run, Settings, book_of, context_of
from harness.report import Report
from harness.verdict import VerdictName
from load.arrivals import Model, Schedule, steady
from load.budgets import read_budgets
from load.conduct import Options, conduct
from load.settings import MIX, Bursts

_RATE = 60.0
_SECONDS = 12.0
_WARM_UP = 2.0
_TRIES = 3


def under_load(faults: Sequence[str]) -> Report:
    """A report of the standard budgets. A run that cannot be trusted, as the machine was busy, is made again, twice at
    most. Raises EmbeddedError and GeneratorError."""
    for _ in range(_TRIES - 1):
        report = _once(faults)
        if not any(each.verdict is VerdictName.HARNESS_FAULT for each in report.findings):
            return report
    return _once(faults)


def _once(faults: Sequence[str]) -> Report:
    settings = Settings()
    budgets = read_budgets()
    with tempfile.TemporaryDirectory(prefix="crossapp-") as private, loaded(None, None, Path(private), faults) as world:
        options = Options(
            schedule=Schedule(steady(_RATE, _SECONDS, _WARM_UP), Model.POISSON, settings.seed, MIX),
            budgets=budgets,
            listeners=2,
            bursts=Bursts(2, 100),
            calibrate=False,
        )
        began, clock = datetime.now(UTC), time.monotonic()
        history, lines = conduct(world, context_of(world, settings), book_of(world), options, None, lambda text: None)
        run = Run(history, lines, f"{began:%Y-%m-%dT%H:%M:%SZ}", time.monotonic() - clock)
    return judged(run, settings, budgets)
