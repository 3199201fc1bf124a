"""The simulated tuvens-api, composed of its parts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy.schema import CreateIndex, CreateTable

import openapi
from simulators.kit import shared
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import StartError
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits, rules_of
from simulators.kit.simulator import Simulator
from simulators.seed import Seed
from simulators.tuvens_api.audit import AuditLog
from simulators.tuvens_api.authentication import SharedSecretGuard, SignatureGuard, UserGuard
from simulators.tuvens_api.config import TuvensApiConfig
from simulators.tuvens_api.cors import Cors
from simulators.tuvens_api.errors import ApiErrors
from simulators.tuvens_api.events import Events
from simulators.tuvens_api.jwts import JwtReader
from simulators.tuvens_api.permissions import Permissions
from simulators.tuvens_api.sessions import Sessions
from simulators.tuvens_api.store import TuvensApiStore
from simulators.tuvens_api.stream import Hub, SharedHub
from simulators.tuvens_api.tables import Schema, build
from simulators.tuvens_api.webhook import WebhookReceiver

CLEAN_UP = 60.0
"""Seconds between two removals of expired sessions."""


class TuvensApi(Simulator):
    """tuvens-api as the contract wants it; see Simulator for what it offers.

    `known` are the faults that can be armed, by name. An existing database that holds a seed is taken as it is. Raises
    StartError naming the setting at fault.
    """

    database: Database

    def __init__(self, config: TuvensApiConfig, clock: Clock | None, known: Mapping[str, Fault]) -> None:
        document = openapi.load("tuvens-api")
        self.config = config
        self.schema = Schema()
        faults = FaultRuntime(known, config.faults)
        faults.start(self)
        clock = clock or Clock()
        skew = self.clock_skew()
        if skew:
            clock.set(clock.now() + skew)
        tables = build(self.schema)
        several = config.workers > 1
        database = Database(tables.metadata, config.database_url, schema=config.database_schema)
        first = config.worker == 1
        if first:
            database.create()
        if first and several:
            shared.create(database)
        channel = f"crossapp {config.database_schema or 'public'}" if several else None
        self.store = TuvensApiStore(database, tables, channel=channel)
        if first and self.store.is_empty():
            self.store.seed(config.seed)
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
                is_token=self.store.is_session_token,
                first=first,
            )
            self.hub: Hub = SharedHub(clock, address=database.address, channel=channel, missed=self.store.messages)
        else:
            limits = RateLimits(clock, rules)
            journal = Journal(document.app, constants, document.secret_fields)
            self.hub = Hub(clock)
        try:
            if first:
                limits.configure(config.rate_limits)
        except ValueError as error:
            raise StartError(f"rate limits: {error}") from None
        self.sessions = Sessions(self.store, clock, journal, config.session_expiry)
        self.permissions = Permissions(self.store, self.sessions)
        self.webhook = WebhookReceiver(self.store, clock, self.hub)
        self.events = Events(self.store, self.hub, config.pages)
        self.errors = ApiErrors(clock)
        self.cors = Cors(config.origins)
        self.audit_log = AuditLog(self.store, clock)
        self.jwts = JwtReader(config.jwt_secret)
        self.shared_secret = SharedSecretGuard(config.shared_secret)
        self.signature = SignatureGuard(config.shared_secret)
        super().__init__(
            document=document,
            handlers={
                "generateSession": self.sessions.generate,
                "validateSession": self.sessions.validate,
                "listUserAccounts": self.permissions.list_accounts,
                "validatePermission": self.permissions.validate,
                "receiveEventStatusChanged": self.webhook.receive,
                "getEvent": self.events.get,
                "updateEvent": self.events.update,
                "streamEventUpdates": self.events.stream,
            },
            guards={
                "sharedSecret": self.shared_secret,
                "userJwt": UserGuard(self.jwts, self.store, clock),
                "webhookSignature": self.signature,
            },
            errors=self.errors,
            headers=self.cors,
            audit=self.audit_log,
            clock=clock,
            database=database,
            faults=faults,
            journal=journal,
            limits=limits,
            seed=config.seed,
            messages=self.hub.log,
            control_token=config.control_token,
            workers=config.workers,
        )

    async def start(self) -> None:
        """Begin heartbeats and the removal of expired sessions and of what is old."""
        if not self._running:
            if isinstance(self.hub, SharedHub):
                await self.hub.listen()
            if isinstance(self.limits, shared.SharedLimits):
                self.clock.every(CLEAN_UP, self.limits.forget)
            self.hub.start()
            self.clock.every(CLEAN_UP, self._remove_old)
        await super().start()

    async def _remove_old(self) -> None:
        self.sessions.clean_up(self.clock.now())
        self.store.forget_old()

    def interrupt(self) -> None:
        """End open streams and requests that are never answered."""
        super().interrupt()
        self.hub.close()

    def close_streams(self) -> int:
        """Close all open event streams; returns how many there were."""
        closed = self.hub.listeners
        self.hub.end_all()
        return closed

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed; a fault of the schema that was armed or disarmed since the start takes effect."""
        self.faults.start(self)
        super().reset(seed)
        tables = build(self.schema)
        if not _same(tables.metadata, self.database.metadata):
            self.database.drop()
            self.database.metadata = tables.metadata
            self.database.create()
            self.store.tables = tables
        self.store.seed(self.seed)

    def health(self) -> dict[str, Any]:
        """Uptime, counts, open streams; of one process, where several serve."""
        which = {"worker": self.config.worker} if self.config.workers > 1 else {}
        return {**super().health(), "streams": self.hub.listeners, **which}

    def list_sessions(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The sessions, or the last `limit`, tokens as fingerprints; times are Unix seconds."""
        return self.store.sessions(limit)

    def session_count(self) -> int:
        """How many sessions are stored, expired or not."""
        return self.store.session_count()

    def audit(self, after: int) -> list[dict[str, Any]]:
        """Audit records numbered above `after`."""
        return self.store.audit(after)


def _same(one: MetaData, other: MetaData) -> bool:
    """Whether two definitions of the tables give the same statements."""
    return _statements(one) == _statements(other)


def _statements(metadata: MetaData) -> list[str]:
    tables = metadata.sorted_tables
    return [str(CreateTable(each)) for each in tables] + sorted(
        str(CreateIndex(i)) for each in tables for i in each.indexes
    )
