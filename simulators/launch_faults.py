"""The faults that simulators are started with."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from types import ModuleType
from typing import TYPE_CHECKING

from simulators.kit.errors import StartError
from simulators.kit.faults import Fault
from simulators.kit.simulator import Simulator

if TYPE_CHECKING:
    from simulators.kit.generic_faults import FaultsByHeader


def check_faults(names: Iterable[str], apps: Collection[str]) -> None:
    """Raise StartError for a name that is no fault of one of these applications."""
    for name in names:
        if ":" in name:
            app = _app_of_made(name)
        elif name in all_faults().FAULTS:
            app = all_faults().FAULTS[name].app
        else:
            close = get_close_matches(name, all_faults().FAULTS, n=3)
            hint = f"did you mean {' or '.join(close)}?" if close else "crossapp faults --all shows all"
            raise StartError(f"no fault is named {name!r}; {hint}")
        if app not in apps:
            raise StartError(f"the fault {name} belongs to {app}, which is not started")


def faults_of(app: str, names: Iterable[str]) -> tuple[str, ...]:
    """The faults of an application that functions define."""
    return tuple(each for each in names if ":" not in each and all_faults().FAULTS[each].app == app)


def made_faults(app: str, names: Iterable[str]) -> list[tuple[Fault, int | None]]:
    """The faults of an application that are made by their names, and how often each is to fire (None: no limit)."""
    mine = [each for each in names if ":" in each and _app_of_made(each) == app]
    if not mine:
        return []
    from simulators.kit.named_faults import named_fault

    return [found for each in mine for found in [named_fault(app, each)] if found is not None]


def by_header(simulator: Simulator) -> "FaultsByHeader":
    """The simulator's application, where a request's header may say what happens to it."""
    from simulators.kit.generic_faults import FaultsByHeader

    return FaultsByHeader(simulator)


def all_faults() -> ModuleType:
    """`simulators.faults`, imported where a fault is named: it imports every application."""
    from simulators import faults

    return faults


def _app_of_made(name: str) -> str:
    """The application of a fault that is made by its name. Raises StartError."""
    from simulators.kit.fault_specs import read_spec
    from simulators.kit.mutants import find

    mutant = find(name)
    return read_spec(name).app if mutant is None else mutant.app
