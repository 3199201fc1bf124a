"""Prints the matrix of faults and what they turned red at the end of the run."""

from collections.abc import Iterable

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line a fault, from the properties that the tests recorded."""
    reports: Iterable[pytest.TestReport] = (
        each for outcome in ("passed", "failed") for each in terminalreporter.stats.get(outcome, ())
    )
    lines = sorted(str(text) for each in reports for name, text in each.user_properties if name == "matrix")
    if lines:
        terminalreporter.section("faults and the requirements that they turned red")
        for line in lines:
            terminalreporter.write_line(line)
