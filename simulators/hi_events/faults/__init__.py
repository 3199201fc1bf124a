"""The faults of hi.events: each function is one, by its name."""

from simulators.hi_events.faults import (
    arrival,
    events,
    laravel,
    load,
    mock_authentication,
    routes,
    sessions,
    sign_in,
    users,
    webhooks,
)
from simulators.hi_events.faults.registry import registry
from simulators.kit.variants import register_variants

__all__ = [
    "FAULTS",
    "arrival",
    "events",
    "laravel",
    "load",
    "mock_authentication",
    "routes",
    "sessions",
    "sign_in",
    "users",
    "webhooks",
]

register_variants(registry)
registry.list_for_front_end(
    "embed-forbids-frames",
    "return-parameters-new-only",
    "return-parameters-old-only",
    "sign-in-takes-6-s",
    "widget-loads-slowly",
)
FAULTS = registry.faults
