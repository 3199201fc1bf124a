"""The simulated hi.events, composed of its parts."""

import base64
from collections.abc import Mapping
from typing import Any

import openapi
from contracts.webhook.wire import signature_matches
from harness.redact import fingerprint
from simulators.hi_events.admission import Admission
from simulators.hi_events.arrival import Arrival
from simulators.hi_events.authentication import BearerGuard
from simulators.hi_events.config import HiEventsConfig
from simulators.hi_events.errors import LaravelErrors
from simulators.hi_events.event_pages import EventPages
from simulators.hi_events.events import Announcer, ManagedEvents
from simulators.hi_events.headers import STYLE, SecurityHeaders
from simulators.hi_events.manage import ManagePage
from simulators.hi_events.outbox import Attempt, Delivery, Outbox
from simulators.hi_events.session_queries import SessionQueries
from simulators.hi_events.sign_in import CrossAppSignIn
from simulators.hi_events.store import HiEventsStore
from simulators.hi_events.tables import metadata
from simulators.hi_events.upstream import TuvensGateway
from simulators.hi_events.webhooks import Courier
from simulators.kit.assets import Assets
from simulators.kit.caller import Caller
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import StartError
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits, rules_of
from simulators.kit.simulator import NotOffered, Simulator
from simulators.kit.templates import Templates
from simulators.seed import Seed


class HiEvents(Simulator):
    """hi.events as the contract wants it; see Simulator for what it offers.

    `known` are the faults that can be armed, by name. An existing database that holds a seed is taken as it is, its
    pending deliveries included. Raises StartError naming the setting at fault.
    """

    database: Database

    def __init__(self, config: HiEventsConfig, clock: Clock | None, known: Mapping[str, Fault]) -> None:
        document = openapi.load("hi.events")
        self.config = config
        faults = FaultRuntime(known, config.faults)
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
        database = Database(metadata, config.database_url, schema=config.database_schema)
        database.create()
        self.store = HiEventsStore(database)
        self.outbox = Outbox(database)
        if self.store.is_empty():
            self.store.seed(config.seed)
        self._callers = [
            Caller("tuvens-api", url, clock=clock, journal=journal, ca_file=config.ca_file)
            for url in (config.tuvens_url, config.webhooks_url or config.tuvens_url)
        ]
        asked, notified = self._callers
        self.tuvens = TuvensGateway(asked, config.shared_secret, config.upstream_timeout)
        self.courier = Courier(self.outbox, clock, journal, notified, config.shared_secret, config.delivery)
        self.admission = Admission(self.store)
        self.sign_in = CrossAppSignIn(self.store, clock, journal, self.tuvens, self.admission, config.session_lifetime)
        self.queries = SessionQueries(self.store, self.tuvens)
        self.announcer = Announcer(self.outbox, self.courier)
        self.events = ManagedEvents(self.store, clock, self.announcer, self.courier)
        self.templates = Templates(__package__, style=STYLE)
        origins = config.client_origins
        self.manage = ManagePage(self.store, clock, self.templates, origins)
        self.arrival = Arrival(document, self.store, clock, journal, self.tuvens, self.admission, self.sign_in, origins)
        self.event_pages = EventPages(self.store, self.templates)
        self.bearer = BearerGuard(self.store, clock)
        self.errors = LaravelErrors(
            self.templates,
            {"validateCrossAppSession": self.sign_in.form_error, "openCrossAppPage": self.arrival.form_error},
        )
        self.security_headers = SecurityHeaders(document, origins)
        super().__init__(
            document=document,
            handlers={
                "validateCrossAppSession": self.sign_in.validate,
                "getCrossAppStatus": self.queries.status,
                "listCrossAppAccounts": self.queries.list_accounts,
                "validateCrossAppPermission": self.queries.validate_permission,
                "setEventStatus": self.events.set_status,
                "readEvent": self.events.read,
                "openCrossAppPage": self.arrival.open,
                "showEventPage": self.event_pages.show,
                "showEventEmbed": self.event_pages.show_embedded,
                "showWidget": self.event_pages.show_embedded,
            },
            guards={"hiEventsBearer": self.bearer},
            errors=self.errors,
            headers=self.security_headers,
            clock=clock,
            database=database,
            faults=faults,
            journal=journal,
            limits=limits,
            seed=config.seed,
            control_token=config.control_token,
            extra_routes=[Assets(__package__).route(), self.manage.route()],
        )

    async def start(self) -> None:
        """Take up the deliveries that are pending, those of an earlier process too."""
        if not self._running:
            self.courier.start()
        await super().start()

    async def stop(self) -> None:
        """End deliveries under way; what is pending stays in the outbox."""
        if self._running:
            await self.courier.close()
            for caller in self._callers:
                await caller.close()
        await super().stop()

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed: no deliveries, no sessions."""
        self.courier.forget()
        super().reset(seed)
        self.store.seed(self.seed)

    def health(self) -> dict[str, Any]:
        """Uptime and counts. `unlinked_users` are local users who have not come from Tuvens yet: id and email."""
        unlinked = [{"id": each.id, "email": each.email} for each in self.store.unlinked_users()]
        return {**super().health(), **self.store.counts(), "unlinked_users": unlinked}

    def session_count(self) -> int:
        """How many sessions are stored, expired or not."""
        return self.store.counts()["sessions"]

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
            for each in self.store.sessions(limit)
        ]

    def upstream(self, operation: str | None) -> str:
        """tuvens-api, or where webhooks go."""
        webhooks = self.config.webhooks_url if operation == "receiveEventStatusChanged" else None
        return webhooks or self.config.tuvens_url

    def deliveries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The delivery log, or its last `limit` entries, without bytes."""
        listed = self.outbox.deliveries(limit)
        tries = self.outbox.tries_of([each.id for each in listed])
        return [{**_delivery(each, len(tries[each.id])), "tries": tries[each.id]} for each in listed]

    def delivery(self, number: int) -> Mapping[str, Any]:
        """One delivery with its exact bytes and its attempts."""
        found = self.outbox.delivery(number)
        if found is None:
            raise NotOffered(f"there is no delivery {number}")
        attempts = self.outbox.attempts_of(number)
        return {
            **_delivery(found, len(attempts)),
            "body": found.body.decode("utf-8", "replace"),
            "body_base64": base64.b64encode(found.body).decode("ascii"),
            "attempts": [self._attempt(found, each) for each in attempts],
        }

    async def replay(self, number: int) -> Mapping[str, Any]:
        """Send a delivery once more, now; what became of the attempt."""
        attempt = await self.courier.replay(number)
        if attempt is None:
            raise NotOffered(f"there is no delivery {number}")
        found = self.outbox.delivery(number)
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
