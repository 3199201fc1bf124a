"""Every fault of the simulators, by name."""

from collections.abc import Iterable, Mapping

from simulators.hi_events.faults import FAULTS as _HI_EVENTS
from simulators.kit.faults import Fault
from simulators.tuvens_api.faults import FAULTS as _TUVENS_API
from simulators.tuvens_client.faults import FAULTS as _TUVENS_CLIENT

FAULTS: dict[str, Fault] = {**_TUVENS_API, **_HI_EVENTS, **_TUVENS_CLIENT}


def environment_read(environment: Mapping[str, str], armed: Iterable[str]) -> dict[str, str]:
    """The environment without the variables that the armed faults ignore."""
    ignored = frozenset().union(*(FAULTS[name].ignores for name in armed if name in FAULTS))
    return {name: value for name, value in environment.items() if name not in ignored}
