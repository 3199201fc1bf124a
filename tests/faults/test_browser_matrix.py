"""Every fault that only a browser sees turns its requirements red and nothing else of the browser's.

Slow (`tox -e faults`), and only where there is a browser: all stories in a browser for each fault.
"""

import os
from collections.abc import Callable, Iterator

import pytest

from contracts.catalogue import catalogue
from crossapp.prove import World, world
from crossapp.run import Settings
from harness import chromium
from harness.verdict import VerdictName
from simulators.faults import FAULTS

_REQUIRED = os.environ.get("CI") == "true"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"),
]
# Faults of messages that show in a browser, too.
_ALSO = {
    "open-redirect": {"browser.a_foreign_return_url_is_not_followed"},
    "return-parameters-old-only": {
        "browser.a_dead_session_leads_back_with_an_error",
        "browser.hi_events_comes_back_with_the_ids",
    },
    "shared-secret-in-script": {"browser.nothing_in_the_browser_holds_a_secret"},
}
_NAMES = sorted(name for name, fault in FAULTS.items() if fault.suite == "browser")
_SETTINGS = Settings(select=("browser.*",), quick=True)


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    with world() as found:
        yield found


@pytest.mark.parametrize("name", ["", *_NAMES, *_ALSO])
def test_a_fault_turns_its_requirements_red_and_nothing_else(
    name: str, running: World, record_property: Callable[[str, object], None]
) -> None:
    report = running.verify([name] if name else [], _SETTINGS)
    red = {each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED}
    blocked = [each for each in report.findings if each.verdict is VerdictName.BLOCKED]
    record_property("matrix", f"{name or 'honest'}: {', '.join(sorted(red)) or 'none'} ({len(blocked)} blocked)")
    assert red == (_ALSO.get(name) or set(FAULTS[name].requirements) if name else set())
    assert {each.blocked_by for each in blocked} <= red
    decided = {VerdictName.HELD, VerdictName.VIOLATED, VerdictName.BLOCKED}
    seen = {each.requirement: (each.verdict, each.reason) for each in report.findings}
    assert {name: found for name, found in seen.items() if found[0] not in decided} == {}


def test_no_fault_of_a_browser_goes_unnoticed_and_every_requirement_has_one() -> None:
    assert [name for name in _NAMES if not FAULTS[name].requirements] == []
    killed = {each for name in _NAMES for each in FAULTS[name].requirements}.union(*_ALSO.values())
    assert {each.id for each in catalogue() if each.id.startswith("browser.")} - killed == set()
