"""Faults that no function defines: mutants and faults of any operation, found by their name."""

from simulators.kit.errors import StartError
from simulators.kit.faults import Fault
from simulators.kit.generic_faults import generic_fault
from simulators.kit.mutant_faults import mutant_fault


def named_fault(app: str, name: str) -> tuple[Fault, int | None] | None:
    """The fault of an application that is made by its name, and how often it is to fire (None: no limit); None for a
    name of another form. Raises StartError."""
    mutant = mutant_fault(app, name)
    if mutant is not None:
        return mutant, None
    found = generic_fault(name)
    if found is not None and found[0].app != app:
        raise StartError(f"the fault {name!r} belongs to {found[0].app}")
    return found
