"""The table of what faults turn red names faults and requirements that exist, and every requirement is in it."""

from contracts.catalogue import catalogue
from crossapp.matrix import SCENARIOS, breakable, suite_of
from simulators.faults import FAULTS
from simulators.turns_red import TURNS_RED


def test_every_fault_names_requirements_that_exist() -> None:
    known = {each.id for each in catalogue()}
    assert set(TURNS_RED) <= set(FAULTS)
    assert {name for names in TURNS_RED.values() for name in names} <= known


def test_every_fault_breaks_something_and_nothing_else_does() -> None:
    seen_here = {name: fault for name, fault in FAULTS.items() if fault.suite == "verify"}
    assert {name for name, fault in seen_here.items() if fault.requirements} == {
        name for name, fault in seen_here.items() if fault.kind == "fault"
    }


def test_every_requirement_of_the_scenarios_that_a_simulator_can_break_is_broken_by_a_fault() -> None:
    broken = {requirement for fault in FAULTS.values() for requirement in fault.requirements}
    apis = [each for each in breakable() if suite_of(each.id) == SCENARIOS and each.obliged != "tuvens-client"]
    assert [each.id for each in apis if each.id not in broken] == []


def test_there_are_enough_of_them() -> None:
    kinds = [fault.kind for fault in FAULTS.values()]
    assert kinds.count("fault") >= 100
    assert kinds.count("benign") >= 20
