"""Every fault of the simulators, by name."""

from simulators.hi_events.faults import FAULTS as _HI_EVENTS
from simulators.kit.faults import Fault
from simulators.tuvens_api.faults import FAULTS as _TUVENS_API
from simulators.tuvens_client.faults import FAULTS as _TUVENS_CLIENT

FAULTS: dict[str, Fault] = {fault.name: fault for fault in (*_TUVENS_API, *_HI_EVENTS, *_TUVENS_CLIENT)}
