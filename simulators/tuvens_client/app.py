"""The simulated tuvens-client with its faults."""

from simulators.kit.clock import Clock
from simulators.tuvens_client.config import TuvensClientConfig
from simulators.tuvens_client.faults import FAULTS
from simulators.tuvens_client.simulator import TuvensClient

__all__ = ["TuvensClient", "TuvensClientConfig", "create"]


def create(config: TuvensClientConfig | None = None, *, clock: Clock | None = None) -> TuvensClient:
    """A simulated tuvens-client. Raises StartError naming the setting at fault."""
    return TuvensClient(config or TuvensClientConfig(), clock, FAULTS)
