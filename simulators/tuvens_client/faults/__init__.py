"""The faults of tuvens-client: each function is one, by its name."""

from simulators.tuvens_client.faults import callback, mock_authentication, pages, scripts, storage, wrapper
from simulators.tuvens_client.faults.registry import registry

__all__ = ["FAULTS", "callback", "mock_authentication", "pages", "scripts", "storage", "wrapper"]

FAULTS = registry.faults
