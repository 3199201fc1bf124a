"""Faults of reading events: a template, to copy into a module of simulators/<app>/faults/."""

from simulators.kit.faults import Change
from simulators.kit.response_mutations import has_status, mutated, status
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi


# The function's name is the fault's (unknown-event-is-forbidden), its docstring says what a developer did wrong, and
# `kills` names the rules that it must turn red. The body replaces a part of the application, or mutates responses.
@registry.fault(kills=["template.an_unknown_event_is_not_found"])
def unknown_event_is_forbidden(api: TuvensApi) -> Change:
    """The account of an event is checked before its existence: an unknown event returns 403."""
    return mutated(api, status(403), "getEvent", when=has_status(404))
