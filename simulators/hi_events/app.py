"""The simulated hi.events with its faults."""

from simulators.hi_events.config import HiEventsConfig
from simulators.hi_events.faults import FAULTS
from simulators.hi_events.simulator import HiEvents
from simulators.kit.clock import Clock

__all__ = ["HiEvents", "HiEventsConfig", "create"]


def create(config: HiEventsConfig | None = None, *, clock: Clock | None = None) -> HiEvents:
    """A simulated hi.events with its database made and seeded. Raises StartError naming the setting at fault."""
    return HiEvents(config or HiEventsConfig(), clock, FAULTS)
