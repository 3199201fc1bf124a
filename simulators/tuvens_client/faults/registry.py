"""Where the faults of tuvens-client are registered."""

from simulators.kit.faults import Registry

registry = Registry("tuvens-client")
