"""Settings of the simulated hi.events."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from simulators.hi_events.policy import DeliveryPolicy
from simulators.kit.errors import StartError
from simulators.kit.origins import is_base_url, origin_of
from simulators.seed import Seed, default_seed
from simulators.tuvens_api.config import LOCAL_SHARED_SECRET


@dataclass(frozen=True, slots=True)
class HiEventsConfig:
    """How a simulated hi.events runs.

    tuvens_url: base URL of the tuvens-api that it calls.
    webhooks_url: base URL of the one that it sends webhooks to; None for the same.
    ca_file: certificates (PEM) by which theirs are checked; empty: the usual authorities.
    client_origins: exact origins that the page goes back to and that may embed an event.
    session_lifetime: seconds by the clock. upstream_timeout: seconds by the clock for one call to tuvens-api.
    delivery: how webhooks are tried.
    database_url: None for a SQLite file in a private directory. database_schema: for PostgreSQL.
    control_token: None leaves the control plane out.
    rate_limits: by operationId (None lifts one); the rest is the contract's.
    faults: armed from the start.
    """

    tuvens_url: str = "http://127.0.0.1:3000"
    webhooks_url: str | None = None
    ca_file: str = ""
    shared_secret: str = LOCAL_SHARED_SECRET
    client_origins: tuple[str, ...] = ("http://localhost:5173",)
    session_lifetime: int = 3600
    upstream_timeout: float = 10.0
    delivery: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    database_url: str | None = None
    database_schema: str | None = None
    control_token: str | None = None
    rate_limits: Mapping[str, int | None] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    seed: Seed = field(default_factory=default_seed)

    def __post_init__(self) -> None:
        if not self.shared_secret or not self.shared_secret.isascii() or not self.shared_secret.isprintable():
            raise StartError("HI_EVENTS_SHARED_SECRET: set a random value of 32 or more printable ASCII characters")
        for what, url in (("of tuvens-api", self.tuvens_url), ("for webhooks", self.webhooks_url or self.tuvens_url)):
            if not is_base_url(url):
                raise StartError(f"the URL {what} is {url[:80]!r}: expected a base URL such as http://127.0.0.1:3000")
        for origin in self.client_origins:
            if origin_of(origin) != origin:
                raise StartError(
                    f"client origin {origin[:80]!r}: expected scheme://host[:port], without a path or slash"
                )
        if self.session_lifetime < 1:
            raise StartError("session_lifetime: expected whole seconds from 1")
        if self.upstream_timeout <= 0:
            raise StartError("upstream_timeout: expected seconds above 0")
