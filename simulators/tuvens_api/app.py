"""The simulated tuvens-api, composed."""

from typing import Any

import openapi
from simulators.kit import shared
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
from simulators.tuvens_api.stream import Hub, SharedHub
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
        self.config = config
        self._orphans = faults.on("user-sessions-orphaned")
        tables = build(
            foreign_keys=not self._orphans,
            app_id=not faults.on("app-id-not-stored"),
            expiry_index=not faults.on("expiry-not-indexed"),
        )
        several = config.workers > 1
        database = Database(tables.metadata, config.database_url, schema=config.database_schema)
        first = config.worker == 1
        if first:
            database.create()
        if first and several:
            shared.create(database)
        channel = f"crossapp {config.database_schema or 'public'}" if several else None
        self._state = State(database, tables, channel=channel)
        if first and self._state.is_empty():
            self._state.seed(config.seed)
        constants = {
            config.shared_secret: "shared-secret",
            config.jwt_secret: "jwt-secret",
            config.control_token or "": "control-token",
        }
        rules = rules_of(document)
        if channel is not None:
            limits: RateLimits = shared.SharedLimits(clock, rules, database, first=first)
            journal: Journal = shared.SharedJournal(
                document.app,
                constants,
                document.secret_fields,
                database,
                is_token=self._state.is_session_token,
                first=first,
            )
            self._hub: Hub = SharedHub(
                clock, faults, address=database.address, channel=channel, missed=self._state.messages
            )
        else:
            limits = RateLimits(clock, rules)
            journal = Journal(document.app, constants, document.secret_fields)
            self._hub = Hub(clock, faults)
        try:
            if first:
                limits.configure(config.rate_limits)
        except ValueError as error:
            raise StartError(f"rate limits: {error}") from None
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
            workers=config.workers,
        )

    async def start(self) -> None:
        """Begin heartbeats and the clean-up of sessions."""
        if not self._running:
            if isinstance(self._hub, SharedHub):
                await self._hub.listen()
            if isinstance(self.limits, shared.SharedLimits):
                self.clock.every(CLEAN_UP, self.limits.forget)
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
        """Uptime, counts, open streams; of one process, where several serve."""
        which = {"worker": self.config.worker} if self.config.workers > 1 else {}
        return {**super().health(), "streams": self._hub.listeners, **which}

    def sessions(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The sessions, or the last `limit`, tokens as fingerprints; times are Unix seconds."""
        return self._state.sessions(limit)

    def session_count(self) -> int:
        """How many sessions are stored, expired or not."""
        return self._state.session_count()

    def audit(self, after: int) -> list[dict[str, Any]]:
        """Audit records numbered above `after`."""
        return self._state.audit(after)


def create(config: Config | None = None, *, clock: Clock | None = None) -> TuvensApi:
    """A simulated tuvens-api with its database made and seeded. Raises StartError naming the setting at fault.

    An existing database that holds a seed already is taken as it is.
    """
    return TuvensApi(config or Config(), clock)
