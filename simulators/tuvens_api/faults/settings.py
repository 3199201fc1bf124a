"""Faults of settings: environment variables that are not read."""

from simulators.kit.faults import Change
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi


@registry.fault(
    kills=["configuration.shared_secret_is_a_setting"],
    at_start=True,
    ignores=["CROSS_APP_SHARED_SECRET", "HI_EVENTS_SHARED_SECRET"],
)
def secret_setting_ignored(api: TuvensApi) -> Change:
    """HI_EVENTS_SHARED_SECRET is not read: the secret in the source code is used."""
    return ()


@registry.fault(
    kills=["configuration.session_expiry_is_a_setting"], at_start=True, ignores=["CROSS_APP_SESSION_EXPIRY"]
)
def expiry_setting_ignored(api: TuvensApi) -> Change:
    """CROSS_APP_SESSION_EXPIRY is not read: sessions live 900 s."""
    return ()


@registry.fault(kills=["configuration.hi_events_domain_is_a_setting"], at_start=True, ignores=["HI_EVENTS_DOMAIN"])
def domain_setting_ignored(api: TuvensApi) -> Change:
    """HI_EVENTS_DOMAIN is not read: the origin in the source code is admitted."""
    return ()
