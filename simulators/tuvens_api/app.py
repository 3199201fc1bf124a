"""The simulated tuvens-api, composed."""

from typing import Any

import openapi
from simulators.kit.binding import rules_of
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import StartError
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits
from simulators.kit.simulator import Simulator
from simulators.kit.variants import set_clock
from simulators.seed import Seed
from simulators.tuvens_api.config import Config
from simulators.tuvens_api.edge import Edge
from simulators.tuvens_api.faults import FAULTS
from simulators.tuvens_api.routes import Routes
from simulators.tuvens_api.state import State
from simulators.tuvens_api.stream import Hub
from simulators.tuvens_api.tables import build

CLEAN_UP = 60.0
"""Seconds between two removals of expired sessions."""

__all__ = ["Config", "TuvensApi", "create"]


class TuvensApi(Simulator):
    """tuvens-api as the contract wants it; see Simulator for what it offers."""

    database: Database

    def __init__(self, config: Config, clock: Clock | None = None) -> None:
        document = openapi.load("tuvens-api")
        clock = clock or Clock()
        faults = FaultRuntime(FAULTS, config.faults)
        set_clock(faults, document.app, clock)
        limits = RateLimits(clock, rules_of(document))
        try:
            limits.configure(config.rate_limits)
        except ValueError as error:
            raise StartError(f"rate limits: {error}") from None
        journal = Journal(
            document.app,
            {
                config.shared_secret: "shared-secret",
                config.jwt_secret: "jwt-secret",
                config.control_token or "": "control-token",
            },
        )
        self.config = config
        self._orphans = faults.on("user-sessions-orphaned")
        tables = build(
            foreign_keys=not self._orphans,
            app_id=not faults.on("app-id-not-stored"),
            expiry_index=not faults.on("expiry-not-indexed"),
        )
        database = Database(tables.metadata, config.database_url, schema=config.database_schema)
        database.create()
        self._state = State(database, tables)
        if self._state.is_empty():
            self._state.seed(config.seed)
        self._hub = Hub(clock, faults)
        self._routes = Routes(config, self._state, database, clock, faults, journal, self._hub)
        self._edge = Edge(config, self._state, clock, faults, self._routes.publish_status)
        super().__init__(
            document=document,
            handlers=self._routes.handlers(),
            behaviour=self._edge,
            clock=clock,
            database=database,
            faults=faults,
            journal=journal,
            limits=limits,
            seed=config.seed,
            control_token=config.control_token,
        )

    async def start(self) -> None:
        """Begin heartbeats and the clean-up of sessions."""
        if not self._running:
            self._hub.start()
            self.clock.every(CLEAN_UP, self._routes.remove_expired)
        await super().start()

    def interrupt(self) -> None:
        """End open streams and hanging requests."""
        super().interrupt()
        self._hub.close()
        self._edge.release()

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed; crossAppSession's foreign keys follow the fault `user-sessions-orphaned`."""
        super().reset(seed)
        orphans = self.faults.armed("user-sessions-orphaned")
        if orphans != self._orphans:
            self._orphans = orphans and self.faults.on("user-sessions-orphaned")
            self.database.drop()
            self.database.metadata = build(foreign_keys=not self._orphans).metadata
            self.database.create()
        self._state.seed(self.seed)
        self._routes.forget()

    def health(self) -> dict[str, Any]:
        """Uptime, counts, open streams."""
        return {**super().health(), "streams": self._hub.listeners}

    def sessions(self) -> list[dict[str, Any]]:
        """The sessions, tokens as fingerprints; times are Unix seconds."""
        return self._state.sessions()

    def audit(self, after: int) -> list[dict[str, Any]]:
        """Audit records numbered above `after`."""
        return self._state.audit(after)


def create(config: Config | None = None, *, clock: Clock | None = None) -> TuvensApi:
    """A simulated tuvens-api with its database made and seeded. Raises StartError naming the setting at fault.

    An existing database that holds a seed already is taken as it is.
    """
    return TuvensApi(config or Config(), clock)
