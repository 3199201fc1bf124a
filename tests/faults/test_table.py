"""The table of what faults turn red names faults and requirements that exist."""

from contracts.catalogue import catalogue
from simulators.faults import FAULTS
from simulators.turns_red import TURNS_RED


def test_every_fault_names_requirements_that_exist() -> None:
    known = {each.id for each in catalogue()}
    assert set(TURNS_RED) <= set(FAULTS)
    assert {name for names in TURNS_RED.values() for name in names} <= known
