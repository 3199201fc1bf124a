"""Where the faults of hi.events are registered."""

from simulators.kit.faults import Registry

registry = Registry("hi.events")
