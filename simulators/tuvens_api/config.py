"""Settings of the simulated tuvens-api, from code or from the documented environment variables."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from simulators.kit.errors import StartError
from simulators.seed import Seed, default_seed

LOCAL_SHARED_SECRET = "local-development-shared-secret-0123456789abcdef"
LOCAL_JWT_SECRET = "local-development-jwt-secret-0123456789abcdef"


@dataclass(frozen=True, slots=True)
class TuvensApiConfig:
    """How a simulated tuvens-api runs.

    session_expiry: seconds. client_origins: exact origins of tuvens-client that CORS admits beside
    `https://<hi_events_domain>`. hi_events_url: where hi.events' pages are, for hi_events_event_url (None: the
    domain). database_url None is a SQLite file in a private directory; database_schema is for PostgreSQL.
    control_token None leaves the control plane out. rate_limits by operationId (None lifts one); the rest is the
    contract's. faults are armed from the start. workers: how many processes serve it together; worker: which of them
    this is, from 1; the first makes and seeds the database.
    """

    shared_secret: str = LOCAL_SHARED_SECRET
    jwt_secret: str = LOCAL_JWT_SECRET
    session_expiry: int = 900
    hi_events_domain: str = "tickets.tuvens.com"
    hi_events_url: str | None = None
    client_origins: tuple[str, ...] = ("http://localhost:5173",)
    database_url: str | None = None
    database_schema: str | None = None
    control_token: str | None = None
    rate_limits: Mapping[str, int | None] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    seed: Seed = field(default_factory=default_seed)
    workers: int = 1
    worker: int = 1

    def __post_init__(self) -> None:
        if not self.shared_secret:
            raise StartError("HI_EVENTS_SHARED_SECRET: is empty; set a random value of 32 characters or more")
        if not self.shared_secret.isascii() or not self.shared_secret.isprintable():
            raise StartError(
                "HI_EVENTS_SHARED_SECRET: has characters that do not fit into a header; use printable ASCII"
            )
        if len(self.jwt_secret.encode()) < 32:
            raise StartError("JWT_SECRET: is shorter than 32 bytes, which HS256 needs; set a longer one")
        if not 1 <= self.session_expiry <= 10 * 365 * 86_400:
            raise StartError("CROSS_APP_SESSION_EXPIRY: expected whole seconds from 1 (the contract says 900)")
        if not self.hi_events_domain or set("/:@ ") & set(self.hi_events_domain):
            raise StartError(
                "HI_EVENTS_DOMAIN: expected a host name without scheme or path, such as tickets.tuvens.com"
            )
        for origin in self.client_origins:
            parts = urlsplit(origin)
            if parts.scheme not in ("http", "https") or origin != f"{parts.scheme}://{parts.netloc}":
                raise StartError(f"client origin {origin!r}: expected scheme://host[:port], without a path or slash")

    @property
    def origins(self) -> frozenset[str]:
        """The origins that CORS admits."""
        return frozenset({f"https://{self.hi_events_domain}", *self.client_origins})

    @property
    def pages(self) -> str:
        """The base of hi.events' pages, without a slash at its end."""
        return (self.hi_events_url or f"https://{self.hi_events_domain}").rstrip("/")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **settings: Any) -> "TuvensApiConfig":
        """The documented variables, where they are set; `settings` go before them. Raises StartError naming one.

        HI_EVENTS_SHARED_SECRET goes before CROSS_APP_SHARED_SECRET, its older name.
        """
        found: dict[str, Any] = {}
        for variable, name in _VARIABLES:
            if variable in environment:
                found[name] = environment[variable]
        expiry = environment.get("CROSS_APP_SESSION_EXPIRY")
        if expiry is not None:
            if not (expiry.isascii() and expiry.isdecimal()):
                raise StartError(f"CROSS_APP_SESSION_EXPIRY: expected whole seconds such as 900, found {expiry[:40]!r}")
            found["session_expiry"] = int(expiry[:12])
        return cls(**{**found, **settings})


_VARIABLES = (
    ("CROSS_APP_SHARED_SECRET", "shared_secret"),
    ("HI_EVENTS_SHARED_SECRET", "shared_secret"),
    ("JWT_SECRET", "jwt_secret"),
    ("HI_EVENTS_DOMAIN", "hi_events_domain"),
)
