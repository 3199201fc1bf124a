"""Faults that only load shows."""

from simulators.kit.faults import Change
from simulators.kit.load_faults import delayed, failing, pooled
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi

_WEBHOOK = "receiveEventStatusChanged"


@registry.fault(kills=["load.generation_takes_less_than_10_ms", "load.generation_takes_8_ms_on_average"], suite="load")
def generation_takes_20_ms(api: TuvensApi) -> Change:
    """Each generation hashes the token with bcrypt: 20 ms."""
    return delayed(api, "generateSession", seconds=0.02)


@registry.fault(
    kills=[
        "load.generation_takes_less_than_10_ms",
        "load.generation_takes_8_ms_on_average",
        "load.generation_is_acceptable",
    ],
    suite="load",
)
def generation_takes_300_ms(api: TuvensApi) -> Change:
    """Each generation requests the user from an identity provider: 300 ms."""
    return delayed(api, "generateSession", seconds=0.3)


@registry.fault(kills=["load.generation_takes_less_than_10_ms"], suite="load")
def one_generation_in_ten_takes_60_ms(api: TuvensApi) -> Change:
    """One generation in ten opens a new connection to the database: 60 ms."""
    return delayed(api, "generateSession", seconds=0.06, every=10)


@registry.fault(kills=["load.validation_is_acceptable"], suite="load")
def validation_takes_150_ms(api: TuvensApi) -> Change:
    """Each validation reads the user's whole history: 150 ms."""
    return delayed(api, "validateSession", seconds=0.15)


@registry.fault(kills=["load.webhook_takes_25_ms_on_average"], suite="load")
def webhook_takes_40_ms(api: TuvensApi) -> Change:
    """Each webhook waits for the search index: 40 ms."""
    return delayed(api, _WEBHOOK, seconds=0.04)


@registry.fault(kills=["load.database_takes_15_ms_on_average"], suite="load")
def queries_take_20_ms(api: TuvensApi) -> Change:
    """Every query scans a table without an index: 20 ms in the database."""
    return delayed(api, seconds=0.02, in_database=True)


@registry.fault(kills=["load.simultaneous_requests_are_handled"], suite="load")
def pool_of_fifty(api: TuvensApi) -> Change:
    """A pool has 50 connections and no queue: further requests get 503."""
    return pooled(api, "validateSession", size=50, seconds=0.01, status=503, code="UNAVAILABLE")


@registry.fault(kills=["load.generation_succeeds"], suite="load")
def one_generation_in_twenty_fails(api: TuvensApi) -> Change:
    """One generation in twenty runs into a deadlock: 500."""
    return failing(api, "generateSession", every=20, status=500, code="INTERNAL_ERROR")


@registry.fault(kills=["load.validation_succeeds"], suite="load")
def one_validation_in_twenty_fails(api: TuvensApi) -> Change:
    """One validation in twenty runs into a deadlock: 500."""
    return failing(api, "validateSession", every=20, status=500, code="INTERNAL_ERROR")


@registry.fault(kills=["load.authentication_errors_are_rare"], suite="load")
def one_secret_in_twenty_refused(api: TuvensApi) -> Change:
    """One of twenty instances has an older shared secret: 401."""
    return failing(
        api, "validateSession", "listUserAccounts", "validatePermission", every=20, status=401, code="UNAUTHORIZED"
    )


@registry.fault(kills=["load.webhook_failures_are_rare"], suite="load")
def one_webhook_in_twenty_fails(api: TuvensApi) -> Change:
    """One webhook in twenty finds its queue full: 503."""
    return failing(api, _WEBHOOK, every=20, status=503, code="UNAVAILABLE")
