"""One simulator: an application bound to its document, with its clock, database, journal, faults and limits."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from openapi import Document
from simulators.kit.application import Application, Asgi
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.endpoint import Audit, Errors, Handler, Headers, OperationEndpoint, SecurityGuard, Services
from simulators.kit.errors import StartError
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.ratelimit import RateLimits
from simulators.kit.router import Router
from simulators.kit.stream_log import StreamLog
from simulators.seed import Seed

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.routing import Route

    from simulators.kit.control import ControlPlane


class NotOffered(LookupError):  # noqa: N818  # an answer of the control plane, not a failure
    """The control plane asked for something that this simulator has not (404)."""


class NotShared(RuntimeError):  # noqa: N818  # an answer of the control plane, not a failure
    """The control plane was asked to change what only one of several processes would know (409)."""


class Simulator:
    """Composes the kit into one ASGI application, `app`.

    A subclass builds its parts, calls `__init__`, and overrides `reset` and what it has to show to the control
    plane. `address` is the base URL at which it is served, empty until that is known; `together` the simulators that
    one control plane shows; `waiting` the requests that wait for something, but no longer when the server stops.
    `served_to_others`: other machines may use its control plane, too.

    There is no module-level state: any number of simulators live in one process and on one event loop.
    """

    def __init__(
        self,
        *,
        document: Document,
        handlers: Mapping[str, Handler],
        guards: Mapping[str, SecurityGuard],
        errors: Errors,
        headers: Headers,
        audit: Audit | None = None,
        clock: Clock,
        database: Database | None,
        faults: FaultRuntime,
        journal: Journal,
        limits: RateLimits,
        seed: Seed,
        messages: StreamLog | None = None,
        control_token: str | None = None,
        prefixes: Mapping[str, str] | None = None,
        extra_routes: Sequence["Route"] = (),
        workers: int = 1,
    ) -> None:
        self.document = document
        self.name = document.app
        self.clock = clock
        self.database = database
        self.faults = faults
        self.journal = journal
        self.messages = messages or StreamLog()
        self.limits = limits
        self.seed = seed
        self.address = ""
        self.served_to_others = False
        self.together: Sequence[Simulator] = (self,)
        self.is_shared = workers > 1
        self._workers = workers
        self._seed_at_start, self._limits_at_start = seed, limits.table()
        self._faults_at_start: dict[str, int | None] = {name: None for name in faults.known if faults.armed(name)}
        self._born = time.monotonic()
        self.waiting: set[asyncio.Future[None]] = set()
        self._running = False
        self._stopped = False
        self.services = Services(document.app, clock, journal, limits, guards, errors, headers, audit)
        self.router = Router(document, handlers, self.services, prefixes)
        self.app = Application(
            self.router,
            document,
            extra_routes=extra_routes,
            control=(lambda: self._guarded_control(control_token)) if control_token else None,
            start=self.start,
            stop=self.stop,
            # Looked up when it is called: a fault may replace it.
            interrupt=lambda: self.interrupt(),
        )
        faults.attach(self)

    @property
    def fastapi(self) -> "FastAPI":
        """The simulator as a FastAPI application."""
        return self.app.fastapi

    def clock_skew(self) -> float:
        """By how many seconds its clock is ahead when it starts."""
        return 0.0

    def endpoint(self, operation: str) -> OperationEndpoint:
        """The endpoint of an operation. Raises KeyError for an unknown operationId."""
        return self.router.endpoints[operation]

    def endpoints(self, operations: Iterable[str]) -> list[OperationEndpoint]:
        """The endpoints of operations."""
        return [self.router.endpoints[each] for each in operations]

    async def start(self) -> None:
        """Begin scheduled work; called by the application's lifespan, or by hand where there is none. Idempotent.

        Raises StartError for a simulator that was stopped.
        """
        if self._stopped:
            raise StartError(f"{self.name} was stopped; make another one")
        if not self._running:
            self._running = True
            self._warm_up()
            self.clock.start()

    async def stop(self) -> None:
        """End streams and scheduled work, close the database. Idempotent; a simulator does not start again."""
        self._running = False
        if not self._stopped:
            self._stopped = True
            self.interrupt()
            self.clock.close()
            if self.database is not None:
                self.database.close()

    def _warm_up(self) -> None:
        """Compile every schema now, so that no request has to wait for it."""
        for operation in self.document.operations.values():
            operation.request_problems(path={}, query=(), content_type="application/json", body=b"{}")
            for status in operation.statuses:
                operation.response_problems(status=status, headers=(), body=b"")

    def interrupt(self) -> None:
        """End what would keep the server from stopping: open streams, requests that are never answered."""
        if "control" in self.__dict__:
            self.control.feed.close()
        for each in self.waiting:
            if not each.done():
                each.set_result(None)

    def reset(self, seed: Seed | None = None) -> None:
        """Back to the seed, or to another one: state, rate-limit counters, journal.

        Clock, limits in force and faults stay: they have verbs of their own. Subclasses rewrite their tables, then
        call this.
        """
        if seed is not None:
            self.seed = seed
        self.limits.clear()
        self.journal.clear()
        self.messages.clear()
        self.faults.renew()

    def restore(self) -> None:
        """Everything as at the start: seed, state, clock, faults, limits, journal. Raises NotShared."""
        self.alone("everything")
        self.clock.restore()
        self.faults.disarm_all()
        for name, times in self._faults_at_start.items():
            self.faults.arm(name, times)
        self.limits.configure(self._limits_at_start)
        self.reset(self._seed_at_start)

    def reseed(self, seed: Seed) -> None:
        """Another seed from now on, also after `restore`; resets to it."""
        self._seed_at_start = seed
        self.reset(seed)

    def arm_at_start(self, fault: Fault, times: int | None) -> None:
        """Arm a fault that is made by its name, and again at each `restore`."""
        self.faults.known.setdefault(fault.name, fault)
        self._faults_at_start[fault.name] = times
        self.faults.arm(fault.name, times)

    def alone(self, what: str) -> None:
        """Raise NotShared where several processes serve, which would not agree on `what`."""
        if self.is_shared:
            raise NotShared(
                f"{what} would change in one of {self._workers} processes; start {self.name} without --workers for that"
            )

    def health(self) -> dict[str, Any]:
        """Uptime in real seconds and counts."""
        return {
            "app": self.name,
            "uptime": round(time.monotonic() - self._born, 3),
            "requests": self.services.requests,
            "failures": self.services.failures,
            "contract_problems": self.journal.breaches,
            "journal_last": self.journal.last,
            "database": None if self.database is None else self.database.name,
            "faults_armed": sorted(name for name in self.faults.known if self.faults.armed(name)),
        }

    def list_sessions(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The sessions, or the last `limit`, without their tokens."""
        raise NotOffered(f"{self.name} keeps no sessions here")

    def session_count(self) -> int:
        """How many sessions there are."""
        raise NotOffered(f"{self.name} keeps no sessions here")

    def audit(self, after: int) -> list[dict[str, Any]]:
        """Audit records numbered above `after`."""
        raise NotOffered(f"{self.name} keeps no audit log here")

    def close_streams(self) -> int:
        """Close all open event streams; returns how many there were."""
        raise NotOffered(f"{self.name} has no event stream")

    @property
    def keeps(self) -> list[str]:
        """Which of sessions and deliveries it has."""
        verbs = {"sessions": "list_sessions", "deliveries": "deliveries"}
        return [what for what, verb in verbs.items() if getattr(type(self), verb) is not getattr(Simulator, verb)]

    def upstream(self, operation: str | None) -> str:
        """The base URL at which this simulator calls an operation of another application; empty for none."""
        return ""

    def deliveries(self, limit: int | None = None) -> list[dict[str, Any]]:
        """The delivery log, or its last `limit` entries."""
        raise NotOffered(f"{self.name} sends no webhooks")

    def delivery(self, number: int) -> Mapping[str, Any]:
        """One delivery with its bytes."""
        raise NotOffered(f"{self.name} sends no webhooks")

    async def replay(self, number: int) -> Mapping[str, Any]:
        """Send a delivery once more."""
        raise NotOffered(f"{self.name} sends no webhooks")

    @cached_property
    def control(self) -> "ControlPlane":
        """The control plane without a guard; made when somebody asks for it, as FastAPI is."""
        from simulators.kit.control import ControlPlane

        return ControlPlane(self)

    def _guarded_control(self, token: str) -> Asgi:
        self.control.join([each.control for each in self.together])
        return self.control.guarded(token, anywhere=self.served_to_others)
