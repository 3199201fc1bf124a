"""A simulator of tuvens-api's document whose handlers a test gives."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

import openapi
from openapi import Problem
from simulators.kit.clock import Clock
from simulators.kit.endpoint import Audit, Handler
from simulators.kit.errors import Refusal
from simulators.kit.faults import Fault, FaultRuntime
from simulators.kit.form_errors import describe
from simulators.kit.journal import Journal
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.kit.ratelimit import RateLimits, rules_of
from simulators.kit.simulator import Simulator
from simulators.seed import Seed

DOCUMENT = openapi.load("tuvens-api")
EVENT = {
    "id": "11",
    "title": "T",
    "startDate": "2030-01-01T00:00:00Z",
    "ticketing_enabled": False,
    "ticketing_status": None,
    "account_id": 1,
}


class _Surroundings:
    """Admits everybody, in the contract's error shape, with no headers."""

    def check(self, request: Request) -> None:
        if request.header("x-nobody"):
            raise Refusal(401, "UNAUTHORIZED", "nobody is not admitted")

    def response(self, request: Request, refusal: Refusal) -> Response:
        value = {
            "statusCode": refusal.status,
            "timestamp": "2030-01-01T00:00:00Z",
            "path": "/",
            "message": refusal.message,
        }
        return json_response(value, refusal.status)

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        return Refusal(400, "VALIDATION_ERROR", describe(problems))

    def headers(self, request: Request) -> Sequence[Header]:
        return ()

    def preflight(self, request: Request) -> Sequence[Header]:
        return ()


def get_event(request: Request) -> Response:
    return json_response({**EVENT, "id": request.path_params["id"]})


def _unused(request: Request) -> Response:
    raise NotImplementedError


def handlers(**own: Handler) -> dict[str, Handler]:
    return {**dict.fromkeys(DOCUMENT.operations, _unused), "getEvent": get_event, **own}


def simulator(
    known: Mapping[str, Fault] | None = None,
    armed: Sequence[str] = (),
    *,
    audit: Audit | None = None,
    control_token: str | None = None,
    own: Mapping[str, Handler] | None = None,
) -> Simulator:
    clock = Clock(1000, running=False)
    around = _Surroundings()
    return Simulator(
        document=DOCUMENT,
        handlers=handlers(**(own or {})),
        guards=dict.fromkeys(("userJwt", "sharedSecret", "webhookSignature"), around),
        errors=around,
        headers=around,
        audit=audit,
        clock=clock,
        database=None,
        faults=FaultRuntime(known or {}, armed),
        journal=Journal("tuvens-api", {}),
        limits=RateLimits(clock, rules_of(DOCUMENT)),
        seed=Seed(),
        control_token=control_token,
    )


def ask(app: Any, *calls: tuple[str, str], **more: Any) -> list[httpx.Response]:
    """The responses to calls (method, path), one after the other."""

    async def ask_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://x", trust_env=False) as client:
            return [await client.request(method, path, **more) for method, path in calls]

    return asyncio.run(ask_all())
