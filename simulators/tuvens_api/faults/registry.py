"""Where the faults of tuvens-api are registered."""

from simulators.kit.faults import Registry

registry = Registry("tuvens-api")
