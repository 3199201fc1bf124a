"""The control plane of a simulator: reset it, move its clock, arm faults, read its journal; for this machine only."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, StreamingResponse

from harness.inspector.feed import Feed
from harness.inspector.guard import TokenGuard
from harness.inspector.page import OPEN, page_routes
from openapi.recorded import LANES
from simulators.kit.errors import StartError
from simulators.kit.fault_specs import ACTIONS
from simulators.kit.inspecting import JournalSource
from simulators.kit.named_faults import named_fault
from simulators.kit.simulator import NotOffered, NotShared, Simulator
from simulators.seed import Seed, SeedError

_UNCACHED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class ClockSetting(BaseModel):
    """now: the time to set, Unix seconds. running: false stops the clock, true starts it, null leaves it as it is."""

    now: float = Field(ge=0, le=253_000_000_000)
    running: bool | None = None


class Span(BaseModel):
    """Seconds to advance."""

    seconds: float = Field(ge=0, le=400 * 86_400)


class Arming(BaseModel):
    """How often a fault may fire; null for no limit."""

    times: int | None = Field(default=None, ge=1)


class ControlPlane:
    """The control plane of one simulator, with the inspector, and below /apps/<name> those of others in its process.

    `app` checks no token; `guarded` does.
    """

    def __init__(self, simulator: Simulator) -> None:
        self.name = simulator.name
        self.source = JournalSource(simulator)
        self.offers = [*([] if simulator.is_shared else ["clock", "faults"]), *simulator.keeps]
        self.feed = Feed(lambda: [each.source for each in self._together])
        self._together: tuple[ControlPlane, ...] = (self,)
        self.app = build(simulator)
        self._add_inspector()

    def guarded(self, token: str, *, anywhere: bool = False) -> TokenGuard:
        """The application behind a check of the token; `anywhere`: for other machines, too."""
        return TokenGuard(self.app, token, (OPEN,), anywhere=anywhere)

    def join(self, planes: Sequence["ControlPlane"]) -> None:
        """Also serve the others' routes below /apps/<name>, and show all of them in the inspector. Call it once."""
        self._together = tuple(planes)
        for each in planes:
            if each is not self:
                self.app.mount(f"/apps/{each.name}", each.app)

    def _add_inspector(self) -> None:
        app = self.app

        @app.get("/lanes")
        async def lanes() -> dict[str, Any]:
            """The applications in the inspector's order, and which of them have a control plane here."""
            return {"title": "simulators", "lanes": LANES, "outside": "browser, others", "apps": self._offers()}

        @app.get("/feed", response_class=StreamingResponse)
        async def feed(after: str = Query("", max_length=1000)) -> StreamingResponse:
            """New exchanges of all applications as server-sent events, after a cursor (the `id` of the last one)."""
            return StreamingResponse(self.feed.stream(after), media_type="text/event-stream", headers=_UNCACHED)

        @app.get("/exchanges/{number}")
        async def read_exchange(number: int) -> Mapping[str, Any]:
            """One exchange with validation result, signature and curl command."""
            found = self.source.detail(number)
            if found is None:
                raise HTTPException(404, f"{self.name} does not have exchange {number}, or no longer has it")
            return found

        app.mount(f"/apps/{self.name}", app)
        app.router.routes.extend(page_routes())

    def _offers(self) -> list[dict[str, Any]]:
        return [{"name": each.name, "offers": each.offers} for each in self._together]


def build(simulator: Simulator) -> FastAPI:
    """The routes of one simulator's control plane."""
    app = FastAPI(
        title=f"crossapp control plane of {simulator.name}",
        version="1",
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )

    @app.exception_handler(NotOffered)
    async def not_offered(_request: Any, error: NotOffered) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 404)

    @app.exception_handler(NotShared)
    async def not_shared(_request: Any, error: NotShared) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 409)

    for routes in (_state_routes, _clock_routes, _fault_routes, _record_routes, _delivery_routes, _limit_routes):
        app.include_router(routes(simulator))
    return app


def _state_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter()

    @routes.get("/ready")
    async def ready() -> dict[str, Any]:
        """Whether the simulator takes requests."""
        return {"ready": True, "app": simulator.name, "edition": simulator.document.edition}

    @routes.get("/health")
    async def health() -> dict[str, Any]:
        """Uptime (real seconds) and counts; `contract_problems` counts own responses that broke the document."""
        return simulator.health()

    @routes.post("/reset")
    async def reset(everything: bool = False) -> dict[str, Any]:
        """Reset state, rate-limit counters and journal to the seed. Clock, limits and faults stay as they are; with
        `everything` they, and the seed, are again those of the start."""
        if everything:
            simulator.restore()
        else:
            simulator.reset()
        return {"reset": True}

    @routes.post("/seed")
    async def seed(value: dict[str, Any]) -> dict[str, Any]:
        """Replace the seed, and reset to it."""
        simulator.alone("the seed")
        try:
            parsed = Seed.from_json(value)
        except SeedError as error:
            raise HTTPException(422, str(error)) from None
        simulator.reset(parsed)
        return {"seeded": True}

    @routes.get("/seed")
    async def read_seed() -> dict[str, Any]:
        """The seed."""
        return simulator.seed.to_json()

    return routes


def _clock_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter(prefix="/clock")

    def clock_now() -> dict[str, Any]:
        return {"now": simulator.clock.now(), "running": simulator.clock.running}

    @routes.get("")
    async def read_clock() -> dict[str, Any]:
        """The simulator's time, Unix seconds."""
        return clock_now()

    @routes.put("")
    async def set_clock(setting: ClockSetting) -> dict[str, Any]:
        """Set the time."""
        simulator.alone("the clock")
        simulator.clock.set(setting.now, running=setting.running)
        return clock_now()

    @routes.post("/advance")
    async def advance_clock(span: Span) -> dict[str, Any]:
        """Move the clock forward; returns when all jobs that fell due have ended. `fired`: how many there were."""
        simulator.alone("the clock")
        fired = await simulator.clock.advance(span.seconds)
        return {**clock_now(), "fired": fired}

    return routes


def _fault_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter(prefix="/faults")

    @routes.get("")
    async def list_faults() -> dict[str, Any]:
        """All faults of this simulator. `operations` and `actions`: of what faults of any operation are made."""
        return {
            "faults": simulator.faults.report(),
            "operations": list(simulator.document.operations),
            "actions": list(ACTIONS.values()),
        }

    @routes.put("/{name:path}")
    async def arm_fault(name: str, arming: Arming | None = None) -> dict[str, Any]:
        """Arm a fault, a mutant (`mutate:<operationId>:<status>:<place>:<kind>`) or a fault of any operation
        (`<operationId>:respond=503x2`, `…:delay=3s`, `…:hang`, `…:drop`, `…:malformed`), for a number of times or until
        it is disarmed."""
        simulator.alone("a fault")
        times = None if arming is None else arming.times
        try:
            made = named_fault(simulator.name, name)
        except StartError as error:
            raise HTTPException(422, str(error)) from None
        if made is not None:
            fault, counted = made
            name, times = fault.name, times or counted
            simulator.faults.known.setdefault(name, fault)
        try:
            simulator.faults.arm(name, times)
        except StartError as error:
            raise HTTPException(404, str(error)) from None
        return simulator.faults.describe(name)

    @routes.delete("/{name:path}")
    async def disarm_fault(name: str) -> dict[str, Any]:
        """Disarm a fault. Its count stays until it is armed again."""
        if name not in simulator.faults.known:
            raise HTTPException(404, f"no fault is named {name!r}")
        simulator.faults.disarm(name)
        return simulator.faults.describe(name)

    @routes.delete("")
    async def disarm_faults() -> dict[str, Any]:
        """Disarm all faults."""
        simulator.faults.disarm_all()
        return {"faults": simulator.faults.report()}

    return routes


def _record_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter()

    @routes.get("/journal")
    async def read_journal(
        after: int = Query(0, ge=0),
        operation: str | None = None,
        caller: str | None = None,
        wait: float = Query(0, ge=0, le=60),
        at_least: int = Query(1, ge=1, alias="min"),
        limit: int | None = Query(None, ge=1),
    ) -> JSONResponse:
        """At most `limit` exchanges numbered above `after`. Waits up to `wait` real seconds until there are `min`."""
        found = await simulator.journal.wait(
            after=after, operation=operation, caller=caller, at_least=at_least, seconds=wait
        )
        return JSONResponse({"exchanges": [each.to_json() for each in found[:limit]], "last": simulator.journal.last})

    @routes.get("/sessions")
    async def list_sessions(limit: int | None = Query(None, ge=1)) -> dict[str, Any]:
        """The sessions, or the last `limit`, with fingerprints of their tokens. `now`: the simulator's time."""
        return {
            "sessions": simulator.list_sessions(limit),
            "total": simulator.session_count(),
            "now": simulator.clock.now(),
        }

    @routes.post("/streams/close")
    async def close_streams() -> dict[str, Any]:
        """Close all open event streams, of this process; their clients reconnect. `closed`: how many there were."""
        return {"closed": simulator.close_streams()}

    @routes.get("/audit")
    async def read_audit(after: int = Query(0, ge=0)) -> dict[str, Any]:
        """Audit records numbered above `after`."""
        return {"records": simulator.audit(after)}

    return routes


def _delivery_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter(prefix="/deliveries")

    @routes.get("")
    async def list_deliveries(limit: int | None = Query(None, ge=1)) -> dict[str, Any]:
        """The delivery log, or its last `limit` entries. `now`: the simulator's time."""
        return {"deliveries": simulator.deliveries(limit), "now": simulator.clock.now()}

    @routes.get("/{number}")
    async def read_delivery(number: int) -> Mapping[str, Any]:
        """One delivery with its bytes and attempts."""
        return simulator.delivery(number)

    @routes.post("/{number}/replay")
    async def replay_delivery(number: int) -> Mapping[str, Any]:
        """Send a delivery once more, byte for byte."""
        return await simulator.replay(number)

    return routes


def _limit_routes(simulator: Simulator) -> APIRouter:
    routes = APIRouter(prefix="/rate-limits")

    @routes.get("")
    async def read_limits() -> dict[str, int | None]:
        """Requests in a window by operationId; null for no limit."""
        return simulator.limits.table()

    @routes.put("")
    async def set_limits(limits: dict[str, int | None]) -> dict[str, int | None]:
        """Change limits, and clear all counters."""
        try:
            simulator.limits.configure(limits)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return simulator.limits.table()

    return routes
