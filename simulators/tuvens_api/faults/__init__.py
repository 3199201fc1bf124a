"""The faults of tuvens-api: each function is one, by its name."""

from simulators.kit.variants import register_variants
from simulators.tuvens_api.faults import authentication, edge, events, load, permissions, sessions, settings, webhook
from simulators.tuvens_api.faults.registry import registry

__all__ = ["FAULTS", "authentication", "edge", "events", "load", "permissions", "sessions", "settings", "webhook"]

register_variants(registry)
FAULTS = registry.faults
