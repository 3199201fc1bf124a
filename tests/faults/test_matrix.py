"""Every named fault turns its requirements red and nothing else; the honest simulators turn none.

Slow (`tox -e faults`): a whole verification for each fault. The matrix is printed at the end of the run.
"""

from collections.abc import Callable, Iterator

import pytest

from crossapp.run import Settings, report_of
from harness.report import Report
from harness.verdict import VerdictName
from simulators.faults import FAULTS
from tests.faults.world import ARMED_AT_START, World, world

pytestmark = pytest.mark.slow
_NAMES = sorted(name for name, fault in FAULTS.items() if fault.kind == "fault" and fault.suite == "verify")


@pytest.fixture(scope="session")
def running() -> Iterator[World]:
    with world() as found:
        yield found


def _verify(running: World, name: str) -> Report:
    if name not in ARMED_AT_START:
        return running.verify([name])
    with world(name) as other:
        settings = Settings(quick=True)
        return report_of(other.drive(settings), settings)


@pytest.mark.parametrize("name", _NAMES)
def test_a_fault_turns_its_requirements_red_and_nothing_else(
    name: str, running: World, record_property: Callable[[str, object], None]
) -> None:
    report = _verify(running, name)
    red = {each.requirement for each in report.findings if each.verdict is VerdictName.VIOLATED}
    blocked = [each for each in report.findings if each.verdict is VerdictName.BLOCKED]
    record_property("matrix", f"{name}: {', '.join(sorted(red)) or 'SURVIVED'} ({len(blocked)} blocked)")
    assert red == set(FAULTS[name].requirements)
    assert {each.blocked_by for each in blocked} <= red
    undecided = {VerdictName.INCONCLUSIVE, VerdictName.HARNESS_FAULT}
    assert [each.requirement for each in report.findings if each.verdict in undecided] == []


def test_the_honest_simulators_turn_nothing_red(running: World) -> None:
    report = running.verify([])
    verdicts = {each.requirement: each.verdict for each in report.findings}
    wrong = {name: verdict for name, verdict in verdicts.items() if verdict not in ("held", "not_applicable")}
    assert wrong == {}


def test_no_fault_goes_unnoticed_and_no_trouble_is_a_fault() -> None:
    seen_here = {name: fault for name, fault in FAULTS.items() if fault.suite == "verify"}
    assert {name for name, fault in seen_here.items() if not fault.requirements} == {
        name for name, fault in seen_here.items() if fault.kind == "trouble"
    }
