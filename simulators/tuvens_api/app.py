"""The simulated tuvens-api with its faults."""

from simulators.kit.clock import Clock
from simulators.tuvens_api.config import Config
from simulators.tuvens_api.faults import FAULTS
from simulators.tuvens_api.simulator import TuvensApi

__all__ = ["Config", "TuvensApi", "create"]


def create(config: Config | None = None, *, clock: Clock | None = None) -> TuvensApi:
    """A simulated tuvens-api with its database made and seeded. Raises StartError naming the setting at fault."""
    return TuvensApi(config or Config(), clock, FAULTS)
