"""A fixture for page loads: an event on sale, whose page shows tickets."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.hi_events_session import wire as hi_wire
from contracts.session_token import wire as session_wire
from contracts.tuvens_event import wire as event_wire
from harness.deployment import Deployment, Linked
from harness.history import History
from harness.redact import Redactor
from load.generate.preflight import Send, StoppedError, sending

_LOOKED_AT = 10
_FOLLOWS = 10.0
_PAUSE = 0.1
_LIVE, _UNKNOWN = "LIVE", "DRAFT"


@asynccontextmanager
async def given_live_event(deployment: Deployment, history: History, redactor: Redactor) -> AsyncIterator[str]:
    """The id at tuvens-api of a live event: one that is, or one that is set live inside the block. Raises StoppedError
    if neither is possible."""
    async with sending(deployment, history, redactor) as send:
        known = dict.fromkeys((*(each.tuvens for each in deployment.linked), *deployment.events))
        for event in list(known)[:_LOOKED_AT]:
            if await _sells(send, event):
                yield event
                return
        linked = _changeable(deployment)
        bearer = await _bearer(deployment, send)
        before = await _status(send, bearer, linked)
        try:
            await _put_on_sale(deployment, send, bearer, linked)
            yield linked.tuvens
        finally:
            await send(hi_wire.set_event_status(bearer, linked.hi, before))


def _changeable(deployment: Deployment) -> Linked:
    if not deployment.safety.change_events or not deployment.linked:
        raise StoppedError(
            "no event is on sale, and none may be put on sale: name some in events.linked, with "
            "safety.change_events = true, or an event of tuvens-api that is active in events.tuvens"
        )
    return deployment.linked[0]


async def _put_on_sale(deployment: Deployment, send: Send, bearer: str, linked: Linked) -> None:
    user = deployment.user("organiser")
    assert user is not None
    changes = {"hasTicketing": True, "hiEventsEventId": linked.hi}
    await send(event_wire.update_event(user.jwt, linked.tuvens, changes))
    await send(hi_wire.set_event_status(bearer, linked.hi, _LIVE))
    deadline = time.monotonic() + _FOLLOWS
    while not await _sells(send, linked.tuvens):
        if time.monotonic() > deadline:
            raise StoppedError(f"tuvens-api's event {linked.tuvens} does not become active when hi.events sets it live")
        await asyncio.sleep(_PAUSE)


async def _bearer(deployment: Deployment, send: Send) -> str:
    user = deployment.user("organiser")
    assert user is not None
    session = session_wire.read_session(await send(session_wire.generate_session(user.jwt, user.account_id)))
    return hi_wire.read_sign_in(await send(hi_wire.sign_in(session.session_token))).bearer


async def _status(send: Send, bearer: str, linked: Linked) -> str:
    """The event's status at hi.events; DRAFT if the deployment does not tell."""
    try:
        value = (await send(hi_wire.read_event(bearer, linked.hi))).json()
    except StoppedError:
        return _UNKNOWN
    return str(hi_wire.event_of(value).get("status") or _UNKNOWN)


async def _sells(send: Send, event: str) -> bool:
    value = (await send(event_wire.get_event(event))).json()
    return (
        isinstance(value, dict)
        and (value.get("ticketing_status") or value.get("ticketStatus")) == "active"
        and bool(value.get("hi_events_event_url"))
    )
