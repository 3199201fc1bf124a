"""Every fault of the simulators, by name."""

from collections.abc import Iterable, Mapping

from simulators.hi_events.faults import FAULTS as _HI_EVENTS
from simulators.kit.faults import Fault
from simulators.kit.mutants import find
from simulators.tuvens_api.faults import FAULTS as _TUVENS_API
from simulators.tuvens_client.faults import FAULTS as _TUVENS_CLIENT

FAULTS: dict[str, Fault] = {**_TUVENS_API, **_HI_EVENTS, **_TUVENS_CLIENT}

UNBREAKABLE: dict[str, str] = {
    "deployment_file.*": "either the file is wrong or the application, so nobody is accused; simulators describe "
    "themselves",
    "routes.*_answers": "who answers nothing is not accused: a network never breaks a rule",
    "metrics.*": "no simulator has metrics",
    "transport.*": "no simulator is served by https",
    "hi_events_delivery.an_attempt_waits_30_seconds_at_most": "only a receiver shows it, which embedded simulators are "
    "not given",
    "hi_events_delivery.retries_after_a_broken_connection": "only a receiver shows it, as above",
}
"""Requirements that no simulator can be made to break, by pattern, and why: their proof are example histories."""


def app_of(fault: str) -> str:
    """The application that a fault, or a mutant, is of. Raises KeyError for a name that there is not."""
    mutant = find(fault)
    return mutant.app if mutant is not None else FAULTS[fault].app


def environment_read(environment: Mapping[str, str], armed: Iterable[str]) -> dict[str, str]:
    """The environment without the variables that the armed faults ignore."""
    ignored = frozenset().union(*(FAULTS[name].ignores for name in armed if name in FAULTS))
    return {name: value for name, value in environment.items() if name not in ignored}
