"""Every fault that only a browser sees turns its requirements red and nothing else of the browser's.

Slow (`tox -e faults`), and only where there is a browser: all stories in a browser for each fault.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from crossapp.run import Settings
from harness import chromium
from harness.verdict import VerdictName
from simulators.faults import FAULTS
from tests.faults.world import World, world

_REQUIRED = os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"),
]
_NAMES = sorted(name for name, fault in FAULTS.items() if fault.suite == "browser")
_SETTINGS = Settings(select=("browser.*",), quick=True)


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with world() as found:
        yield found


@pytest.mark.parametrize("name", ["", *_NAMES])
def test_a_fault_turns_its_requirements_red_and_nothing_else(
    name: str, running: World, record_property: Callable[[str, object], None]
) -> None:
    report = running.verify([name] if name else [], _SETTINGS)
    red = {each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED}
    blocked = [each for each in report.findings if each.verdict is VerdictName.BLOCKED]
    record_property("matrix", f"{name or 'honest'}: {', '.join(sorted(red)) or 'none'} ({len(blocked)} blocked)")
    assert red == (set(FAULTS[name].requirements) if name else set())
    assert {each.blocked_by for each in blocked} <= red
    decided = {VerdictName.HELD, VerdictName.VIOLATED, VerdictName.BLOCKED}
    seen = {each.requirement: (each.verdict, each.reason) for each in report.findings}
    assert {name: found for name, found in seen.items() if found[0] not in decided} == {}


def test_no_fault_of_a_browser_goes_unnoticed() -> None:
    assert [name for name in _NAMES if not FAULTS[name].requirements] == []
