"""The table of what faults turn red names faults and requirements that exist, and every requirement is in it."""

from crossapp.prove.matrix import BROWSER, LOAD, SCENARIOS, breakable, requirements, suite_of
from simulators.faults import FAULTS


def test_every_fault_names_requirements_that_exist() -> None:
    assert {name for fault in FAULTS.values() for name in fault.kills} <= {*requirements()}


def test_every_fault_breaks_something_and_nothing_else_does() -> None:
    assert {name for name, fault in FAULTS.items() if fault.kills} == {
        name for name, fault in FAULTS.items() if fault.kind == "fault"
    }


def test_every_requirement_that_a_simulator_can_break_is_broken_by_a_fault() -> None:
    broken = {requirement for fault in FAULTS.values() for requirement in fault.kills}
    # Rules of whole interfaces, Pact's and Schemathesis', are broken by many faults: docs/kill-matrix.md names them.
    listed = [each.id for each in breakable() if suite_of(each.id) in (SCENARIOS, BROWSER, LOAD)]
    assert [each for each in listed if each not in broken] == []


def test_there_are_enough_of_them() -> None:
    kinds = [fault.kind for fault in FAULTS.values()]
    assert kinds.count("fault") >= 100
    assert kinds.count("benign") >= 20
