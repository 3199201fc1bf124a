"""The simulated tuvens-api with its faults."""

from simulators.kit.clock import Clock
from simulators.tuvens_api.config import TuvensApiConfig
from simulators.tuvens_api.faults import FAULTS
from simulators.tuvens_api.simulator import TuvensApi

__all__ = ["TuvensApi", "TuvensApiConfig", "create"]


def create(config: TuvensApiConfig | None = None, *, clock: Clock | None = None) -> TuvensApi:
    """A simulated tuvens-api with its database made and seeded. Raises StartError naming the setting at fault."""
    return TuvensApi(config or TuvensApiConfig(), clock, FAULTS)
