"""The control plane: what a test harness may do to a simulator, under one prefix, for the same machine only."""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from simulators.kit.errors import StartError
from simulators.kit.simulator import NotOffered, Simulator
from simulators.seed import Seed, SeedError

PREFIX = "/__crossapp__"


class ClockSetting(BaseModel):
    """The time to set, Unix seconds; `running` false makes the clock stand still."""

    now: float = Field(ge=0, le=253_000_000_000)
    running: bool | None = None


class Span(BaseModel):
    """Seconds to advance."""

    seconds: float = Field(ge=0, le=400 * 86_400)


class Arming(BaseModel):
    """How often a fault may fire; null for no limit."""

    times: int | None = Field(default=None, ge=1)


class Guard:
    """Lets only the holder of the token through, and only from this machine."""

    def __init__(self, app: Callable[..., Awaitable[None]], token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            refused = self._refusal(scope)
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Any) -> JSONResponse | None:
        client = scope.get("client")
        if client is None or not _loopback(client[0]):
            return JSONResponse({"detail": "the control plane serves only this machine"}, 403)
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        if len(given) == 1 and hmac.compare_digest(given[0], b"Bearer " + self._token):
            return None
        return JSONResponse(
            {"detail": "Authorization: Bearer <control token> is missing or wrong"},
            401,
            {"WWW-Authenticate": "Bearer"},
        )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def build(simulator: Simulator) -> FastAPI:
    """The control plane of one simulator; mount it behind a Guard."""
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

    @app.get("/ready")
    async def ready() -> dict[str, Any]:
        """Whether the simulator takes requests."""
        return {"ready": True, "app": simulator.name, "edition": simulator.document.edition}

    @app.get("/health")
    async def health() -> dict[str, Any]:
        """Uptime (real seconds), counts, and the breaches of the document by answers of our own."""
        return simulator.health()

    @app.post("/reset")
    async def reset() -> dict[str, Any]:
        """Back to the seed: state, rate-limit counters, journal. Clock, limits in force and faults stay."""
        simulator.reset()
        return {"reset": True}

    @app.post("/seed")
    async def seed(value: dict[str, Any]) -> dict[str, Any]:
        """Take another seed, and reset to it."""
        try:
            parsed = Seed.from_json(value)
        except SeedError as error:
            raise HTTPException(422, str(error)) from None
        simulator.reset(parsed)
        return {"seeded": True}

    @app.get("/seed")
    async def read_seed() -> dict[str, Any]:
        """The seed in force."""
        return simulator.seed.to_json()

    def clock_now() -> dict[str, Any]:
        return {"now": simulator.clock.now(), "running": simulator.clock.running}

    @app.get("/clock")
    async def read_clock() -> dict[str, Any]:
        """The simulator's time, Unix seconds."""
        return clock_now()

    @app.put("/clock")
    async def set_clock(setting: ClockSetting) -> dict[str, Any]:
        """Jump to a time."""
        simulator.clock.set(setting.now, running=setting.running)
        return clock_now()

    @app.post("/clock/advance")
    async def advance_clock(span: Span) -> dict[str, Any]:
        """Move forward; returns after everything that fell due on the way has run."""
        fired = await simulator.clock.advance(span.seconds)
        return {**clock_now(), "fired": fired}

    @app.get("/faults")
    async def list_faults() -> dict[str, Any]:
        """All faults of this simulator."""
        return {"faults": simulator.faults.report()}

    @app.put("/faults/{name}")
    async def arm_fault(name: str, arming: Arming | None = None) -> dict[str, Any]:
        """Arm a fault, for a number of times or until it is disarmed."""
        try:
            simulator.faults.arm(name, None if arming is None else arming.times)
        except StartError as error:
            raise HTTPException(404, str(error)) from None
        return simulator.faults.describe(name)

    @app.delete("/faults/{name}")
    async def disarm_fault(name: str) -> dict[str, Any]:
        """Disarm a fault; its count stays until it is armed again."""
        if name not in simulator.faults.known:
            raise HTTPException(404, f"no fault is named {name!r}")
        simulator.faults.disarm(name)
        return simulator.faults.describe(name)

    @app.delete("/faults")
    async def disarm_faults() -> dict[str, Any]:
        """Disarm all faults."""
        simulator.faults.disarm_all()
        return {"faults": simulator.faults.report()}

    @app.get("/journal")
    async def read_journal(
        after: int = Query(0, ge=0),
        operation: str | None = None,
        caller: str | None = None,
        wait: float = Query(0, ge=0, le=60),
        at_least: int = Query(1, ge=1, alias="min"),
    ) -> JSONResponse:
        """Exchanges numbered above `after`; with `wait` (real seconds) once there are `min` of them."""
        found = await simulator.journal.wait(
            after=after, operation=operation, caller=caller, at_least=at_least, seconds=wait
        )
        return JSONResponse({"exchanges": [each.to_json() for each in found], "last": simulator.journal.last})

    @app.get("/sessions")
    async def list_sessions() -> dict[str, Any]:
        """The sessions, tokens as fingerprints."""
        return {"sessions": simulator.sessions()}

    @app.get("/deliveries")
    async def list_deliveries() -> dict[str, Any]:
        """The delivery log."""
        return {"deliveries": simulator.deliveries()}

    @app.get("/deliveries/{number}")
    async def read_delivery(number: int) -> Mapping[str, Any]:
        """One delivery with its bytes and attempts."""
        return simulator.delivery(number)

    @app.post("/deliveries/{number}/replay")
    async def replay_delivery(number: int) -> Mapping[str, Any]:
        """Send a delivery once more, byte for byte."""
        return await simulator.replay(number)

    @app.get("/rate-limits")
    async def read_limits() -> dict[str, int | None]:
        """Requests a window by operationId; null for no limit."""
        return simulator.limits.table()

    @app.put("/rate-limits")
    async def set_limits(limits: dict[str, int | None]) -> dict[str, int | None]:
        """Change limits, and clear all counters."""
        try:
            simulator.limits.configure(limits)
        except ValueError as error:
            raise HTTPException(422, str(error)) from None
        return simulator.limits.table()

    @app.get("/audit")
    async def read_audit(after: int = Query(0, ge=0)) -> dict[str, Any]:
        """Audit records numbered above `after`."""
        return {"records": simulator.audit(after)}

    return app
