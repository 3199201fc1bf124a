"""The preflight: every call is sent once before the load, recorded as in a verification.

A deployment that does not work is not load tested; the report shows its answers with their curl commands.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial

import openapi
from contracts.hi_events_session import wire as hi_wire
from contracts.recording import recorder_for
from contracts.server_clocks import ServerClocks
from contracts.session_token import wire as session_wire
from contracts.times import iso_millis
from contracts.webhook import wire as webhook_wire
from harness.connection import speaks_only_http_2
from harness.deployment import Deployment
from harness.history import Exchange, History
from harness.http import Answer, Call, WireError
from harness.redact import Redactor
from harness.traffic_limits import TargetGoneError
from load.generate.steps import PREFLIGHT

_HANDSHAKE_SECONDS = 5.0
Send = Callable[[Call], Awaitable[Answer]]


async def preflight(
    deployment: Deployment, history: History, redactor: Redactor, journeys: Collection[str], clocks: ServerClocks
) -> str:
    """Send the calls of the journeys once; returns why the deployment cannot be load tested, empty if it can. The
    answers tell `clocks` the time."""
    for app, target in deployment.targets.items():
        only: bool | None = False
        if target.api_url.startswith("https://"):
            asked = partial(speaks_only_http_2, target.api_url, deployment.tls, seconds=_HANDSHAKE_SECONDS)
            only = await asyncio.to_thread(asked)
        if only:
            return f"{app} speaks HTTP/2 only, and load is sent by HTTP/1.1: let it take HTTP/1.1, too"
    try:
        async with sending(deployment, history, redactor, clocks) as send:
            await _try(deployment, journeys, send, clocks)
    except StoppedError as stopped:
        return str(stopped)
    return ""


class StoppedError(Exception):
    """A call before the load failed; the text names it and says why."""


@asynccontextmanager
async def sending(
    deployment: Deployment, history: History, redactor: Redactor, clocks: ServerClocks | None = None
) -> AsyncIterator[Send]:
    """A function that sends and records calls before the load. The block raises StoppedError at the first call without
    a correct answer."""
    recorder = recorder_for(deployment, history, redactor=redactor)
    tried: list[Exchange] = []

    async def send(call: Call) -> Answer:
        operation = openapi.find(call.operation)
        target = deployment.targets[operation.app]
        exchange, answer = await recorder.send(
            step=PREFLIGHT + call.operation,
            caller="load",
            callee=operation.app,
            base_url=target.url if operation.base == "pages" else target.api_url,
            call=call,
        )
        if clocks is not None:
            clocks.note(operation.app, answer, time.time(), took=exchange.seconds)
        tried.append(exchange)
        wrong = _problem(exchange)
        if wrong or answer is None:
            raise StoppedError(wrong or "no response")
        return answer

    try:
        yield send
    except (WireError, TargetGoneError) as error:
        named = tried[-1].operation if tried else "the first call"
        raise StoppedError(f"{named}, before the run: {error}") from None
    finally:
        await recorder.close()


def _problem(exchange: Exchange) -> str:
    """Why an exchange rules out a load test; empty if it does not."""
    call = exchange.operation
    if exchange.outcome != "answered":
        return f"{call} got no response before the run: {exchange.error}"
    if exchange.status == 429:
        return f"{call} returned 429 before the run: its rate limit is used up"
    if not exchange.is_success:
        return f"{call} returned {exchange.status} before the run: {exchange.method} {exchange.url}"
    problems = exchange.facts.get("problems") or ()
    return f"{call} returned an invalid response before the run: {problems[0]}" if problems else ""


def webhooks_ahead(clocks: ServerClocks) -> float:
    """Seconds by which webhooks are dated ahead of our clock: hi.events dates its own by its clock, and an older one is
    ignored."""
    return clocks.offset("hi.events" if clocks.knows("hi.events") else "tuvens-api")


async def _try(deployment: Deployment, journeys: Collection[str], send: Send, clocks: ServerClocks) -> None:
    user = deployment.user("organiser")
    assert user is not None
    secret = deployment.shared_secret
    token = session_wire.read_session(
        await send(session_wire.generate_session(user.jwt, user.account_id))
    ).session_token
    if "validateSession" in journeys:
        await send(session_wire.validate_session(secret, token))
    if "listUserAccounts" in journeys:
        await send(session_wire.list_user_accounts(secret, token))
    if "validatePermission" in journeys:
        await send(session_wire.validate_permission(secret, token, "manage_ticketing"))
    if "flow" in journeys:
        await send(hi_wire.sign_in(token))
    if "receiveEventStatusChanged" in journeys:
        # An event that no flow changes: hi.events would not know of this change.
        linked = {each.tuvens for each in deployment.linked}
        event = next((each for each in deployment.events if each not in linked), deployment.events[0])
        body = webhook_wire.status_changed_body(
            event_id=int(event) if event.isdecimal() else 1,
            title="Before the load",
            status="DRAFT",
            tuvens_event_id=event,
            sent_at=iso_millis(time.time() + webhooks_ahead(clocks)),
        )
        await send(webhook_wire.event_status_changed(body, webhook_wire.sign(secret, body)))
