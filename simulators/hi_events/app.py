"""The simulated hi.events, composed."""

import base64
from collections.abc import Mapping
from typing import Any

import openapi
from contracts.webhook.wire import signature_matches
from harness.redact import fingerprint
from simulators.hi_events.config import HiEventsConfig
from simulators.hi_events.edge import Edge
from simulators.hi_events.faults import FAULTS
from simulators.hi_events.manage import Manage
from simulators.hi_events.outbox import Attempt, Delivery, Outbox
from simulators.hi_events.pages import Pages
from simulators.hi_events.routes import Routes
from simulators.hi_events.sign_in import SignIn
from simulators.hi_events.store import HiEventsStore
from simulators.hi_events.tables import metadata
from simulators.hi_events.upstream import Tuvens
from simulators.hi_events.views import STYLE
from simulators.hi_events.webhooks import Courier
from simulators.kit.assets import asset_route
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import StartError
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits, rules_of
from simulators.kit.simulator import NotOffered, Simulator
from simulators.kit.templates import Templates
from simulators.seed import Seed

__all__ = ["HiEvents", "HiEventsConfig", "create"]


class HiEvents(Simulator):
    """hi.events as the contract wants it; see Simulator for what it offers."""

    database: Database

    def __init__(self, config: HiEventsConfig, clock: Clock | None = None) -> None:
        document = openapi.load("hi.events")
        faults = FaultRuntime(FAULTS, config.faults)
        faults.start(self)
        clock = clock or Clock()
        skew = self.clock_skew()
        if skew:
            clock.set(clock.now() + skew)
        limits = RateLimits(clock, rules_of(document))
        try:
            limits.configure(config.rate_limits)
        except ValueError as error:
            raise StartError(f"rate limits: {error}") from None
        journal = Journal(
            document.app,
            {config.shared_secret: "shared-secret", config.control_token or "": "control-token"},
            document.secret_fields,
        )
        self.config = config
        database = Database(metadata, config.database_url, schema=config.database_schema)
        database.create()
        self._store = HiEventsStore(database)
        self._outbox = Outbox(database)
        if self._store.is_empty():
            self._store.seed(config.seed)
        self._tuvens, self._webhooks = (
            Tuvens(
                url,
                secret=config.shared_secret,
                timeout=config.upstream_timeout,
                clock=clock,
                journal=journal,
                faults=faults,
            )
            for url in (config.tuvens_url, config.webhooks_url or config.tuvens_url)
        )
        self._courier = Courier(
            outbox=self._outbox,
            clock=clock,
            journal=journal,
            faults=faults,
            tuvens=self._webhooks,
            secret=config.shared_secret,
            policy=config.delivery,
        )
        self._sign_in = SignIn(store=self._store, clock=clock, faults=faults, tuvens=self._tuvens)
        self._routes = routes = Routes(
            store=self._store,
            outbox=self._outbox,
            clock=clock,
            journal=journal,
            faults=faults,
            tuvens=self._tuvens,
            sign_in=self._sign_in,
            courier=self._courier,
            session_lifetime=config.session_lifetime,
        )
        templates = Templates(__package__, style=STYLE)
        manage = Manage(store=self._store, clock=clock, templates=templates, client_origins=config.client_origins)
        pages = Pages(
            document=document,
            store=self._store,
            clock=clock,
            journal=journal,
            faults=faults,
            tuvens=self._tuvens,
            sign_in=self._sign_in,
            manage=manage,
            templates=templates,
            session_lifetime=config.session_lifetime,
            client_origins=config.client_origins,
        )
        edge = Edge(
            store=self._store, clock=clock, faults=faults, templates=templates, client_origins=config.client_origins
        )
        super().__init__(
            document=document,
            handlers=routes.handlers(pages),
            guards={"hiEventsBearer": edge},
            errors=edge,
            headers=edge,
            clock=clock,
            database=database,
            faults=faults,
            journal=journal,
            limits=limits,
            seed=config.seed,
            control_token=config.control_token,
            extra_routes=[asset_route(__package__), *manage.routes()],
        )

    async def start(self) -> None:
        """Take up the deliveries that are pending, those of an earlier process too."""
        if not self._running:
            self._courier.start()
        await super().start()

    async def stop(self) -> None:
        """End deliveries under way; what is pending stays in the outbox."""
        if self._running:
            await self._courier.close()
            await self._tuvens.close()
            await self._webhooks.close()
        await super().stop()

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed: no deliveries, no sessions."""
        self._courier.forget()
        self._sign_in.forget()
        self._routes.forget()
        super().reset(seed)
        self._store.seed(self.seed)

    def health(self) -> dict[str, Any]:
        """Uptime and counts. `unlinked_users` are local users who have not come from Tuvens yet: id and email."""
        unlinked = [{"id": each.id, "email": each.email} for each in self._store.unlinked_users()]
        return {**super().health(), **self._store.counts(), "unlinked_users": unlinked}

    def session_count(self) -> int:
        """How many sessions are stored, living or dead."""
        return self._store.counts()["sessions"]

    def list_sessions(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The sessions, or the last `limit`, tokens as fingerprints; times are Unix seconds."""
        return [
            {
                "id": each.id,
                "token_fingerprint": each.token_sha256[:8],
                "tuvens_token_fingerprint": fingerprint(each.tuvens_session_token),
                "user_id": each.user.id,
                "external_user_id": each.user.external_user_id,
                "account_id": each.account.id,
                "external_account_id": each.account.external_account_id,
                "created_at": each.created_at,
                "expires_at": each.expires_at,
            }
            for each in self._store.sessions(limit)
        ]

    def upstream(self, operation: str | None) -> str:
        """tuvens-api, or where webhooks go."""
        webhooks = self.config.webhooks_url if operation == "receiveEventStatusChanged" else None
        return webhooks or self.config.tuvens_url

    def deliveries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The delivery log, or its last `limit` entries, without bytes."""
        listed = self._outbox.deliveries(limit)
        tries = self._outbox.tries_of([each.id for each in listed])
        return [{**_delivery(each, len(tries[each.id])), "tries": tries[each.id]} for each in listed]

    def delivery(self, number: int) -> Mapping[str, Any]:
        """One delivery with its exact bytes and its attempts."""
        found = self._outbox.delivery(number)
        if found is None:
            raise NotOffered(f"there is no delivery {number}")
        attempts = self._outbox.attempts_of(number)
        return {
            **_delivery(found, len(attempts)),
            "body": found.body.decode("utf-8", "replace"),
            "body_base64": base64.b64encode(found.body).decode("ascii"),
            "attempts": [self._attempt(found, each) for each in attempts],
        }

    async def replay(self, number: int) -> Mapping[str, Any]:
        """Send a delivery once more, now; what became of the attempt."""
        attempt = await self._courier.replay(number)
        if attempt is None:
            raise NotOffered(f"there is no delivery {number}")
        found = self._outbox.delivery(number)
        if found is None:
            raise NotOffered(f"delivery {number} was removed by a reset")
        return {"delivery": number, "attempt": self._attempt(found, attempt)}

    def _attempt(self, delivery: Delivery, attempt: Attempt) -> dict[str, Any]:
        return {
            "number": attempt.number,
            "started_at": attempt.started_at,
            "seconds": attempt.duration,
            "status": attempt.status,
            "error": attempt.error,
            "answer": attempt.answer,
            "signature": attempt.signature,
            "signature_valid": signature_matches(self.config.shared_secret, delivery.body, attempt.signature),
            "replay": attempt.replay,
        }


def _delivery(delivery: Delivery, attempts: int) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "event_sent_at": delivery.event_sent_at,
        "state": delivery.state,
        "attempts_made": attempts,
        "due_at": delivery.due_at,
    }


def create(config: HiEventsConfig | None = None, *, clock: Clock | None = None) -> HiEvents:
    """A simulated hi.events with its database made and seeded. Raises StartError naming the setting at fault.

    An existing database that holds a seed already is taken as it is, its pending deliveries included.
    """
    return HiEvents(config or HiEventsConfig(), clock)
