"""The faults of tuvens-api: each function is one, by its name."""

from simulators.kit.variants import register_variants
from simulators.tuvens_api.faults import (
    audit,
    authentication,
    errors,
    events,
    headers,
    load,
    mock_authentication,
    permissions,
    routes,
    sessions,
    settings,
    storage,
    webhook,
)
from simulators.tuvens_api.faults.registry import registry

__all__ = [
    "FAULTS",
    "audit",
    "authentication",
    "errors",
    "events",
    "headers",
    "load",
    "mock_authentication",
    "permissions",
    "routes",
    "sessions",
    "settings",
    "storage",
    "webhook",
]

register_variants(registry)
registry.list_for_front_end(
    "event-without-page-url",
    "generation-takes-300-ms",
    "sse-not-sent",
    "sse-reconnect-starts-anew",
    "sse-sent-twice",
    "stream-is-json",
    "unknown-event-answers-null",
)
FAULTS = registry.faults
