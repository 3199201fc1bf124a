"""Every route of the contract is probed: which of them are served?"""

import asyncio
from contextlib import suppress
from dataclasses import asdict
from secrets import token_hex

import openapi
from contracts.every_operation.rules_routes import connection_step, unknown_path_step
from harness.connection import examine
from harness.effects import Effect
from harness.history import Outcome
from harness.http import Call, Headers
from harness.story import Phase
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import BROWSER, Cast
from scenarios.catalogue import story

NOBODYS_EVENT = "0"
"""The event that is named where a route could change one, and no event may be changed: none."""


@story(does={Effect.READ}, also={Effect.MINT, Effect.MALFORMED, Effect.FORGE}, phase=Phase.FIRST)
async def every_route_is_probed(cast: Cast) -> None:
    """Someone without credentials knocks at every route of the contract."""
    for app in cast.deployment.targets:
        with suppress(TargetGoneError):  # the next application may answer
            await _probe(cast, app)
        await _connect(cast, app)


async def _probe(cast: Cast, app: str) -> None:
    await _probe_unknown_path(cast, app)
    for operation in _to_probe(cast, app):
        if operation.streams:
            async with cast.listens(f"{operation.id}"):
                pass
            continue
        path = {"id": _event_of(cast, operation)} if "{id}" in operation.path else None
        body = b"{}" if operation.method in ("POST", "PUT", "PATCH") else None
        call = Call(operation.id, operation.method, operation.target(path), _headers(body), body)
        await cast.send(operation.id, BROWSER, call, repeatable=True)


def _to_probe(cast: Cast, app: str) -> list[openapi.Operation]:
    """The operations of the contract; where only questions are allowed, those that need nothing but a path, one at
    least."""
    operations = list(openapi.load(app, cast.deployment.edition).operations.values())
    if not cast.can(Effect.FORGE):
        operations = [each for each in operations if each.method == "GET" and not each.required_secrets]
    return [each for each in operations if each.contract.served is not None] or operations[:1]


async def _connect(cast: Cast, app: str) -> None:
    """See how far a connection comes, which tells more than a failed request."""
    target = cast.stage.target(app)
    if target.kind == "simulated" or cast.deployment.proxy:
        return
    answered = (each.outcome is Outcome.ANSWERED for each in cast.stage.recorder.history.exchanges(callee=app))
    found = await asyncio.to_thread(
        examine,
        target.api_url,
        cast.deployment.tls,
        seconds=min(5.0, cast.deployment.safety.seconds),
        silent=not any(answered),
    )
    cast.observe(connection_step(app), asdict(found))


async def _probe_unknown_path(cast: Cast, app: str) -> None:
    """Ask the API for a path that does not exist: what responds alike on a route proves no route."""
    base_url = cast.stage.target(app).api_url
    for method, body in (("GET", None), ("POST", b"{}")):
        if body is not None and not cast.can(Effect.MALFORMED):
            continue
        call = Call("", method, f"/no-such-path-{token_hex(8)}", _headers(body), body)
        await cast.send_once(unknown_path_step(app, method), BROWSER, app, base_url, call)


def _headers(body: bytes | None) -> Headers:
    accept: Headers = (("Accept", "application/json"),)
    return accept if body is None else (*accept, ("Content-Type", "application/json"))


def _event_of(cast: Cast, operation: openapi.Operation) -> str:
    if operation.changes and not cast.can(Effect.CHANGE):
        return NOBODYS_EVENT
    if operation.app == "hi.events" and cast.deployment.linked:
        return cast.deployment.linked[0].hi
    return cast.some_event
