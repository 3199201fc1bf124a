"""What a run changes at a deployment, and what requests of the contract can undo."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.request_effects import SentRequest
from harness.change_journal import State
from harness.deployment import Deployment
from harness.effects import Effect

CLEAN_UP = "clean_up"
"""The story of the requests that undo changes."""
LEFT = f"{CLEAN_UP}/left"
"""The observation of what was undone and what is left, as `lines`."""

_AT_TUVENS, _AT_HI_EVENTS = (
    ("generateSession", "wrapGenerateSession"),
    ("validateCrossAppSession", "openCrossAppPage"),
)
_TUVENS_SESSION, _HI_EVENTS_SESSION = 900, 3_600
_STATUS = {"active": "LIVE", "setup": "DRAFT", "inactive": "ENDED"}
_LONGEST = 200


def sessions_begun(deployment: Deployment, sent: SentRequest) -> Iterator[tuple[str, float]]:
    """The application at which a request begins a session, and when that expires by the deployment file, else by the
    contract; Unix seconds."""
    if not sent.effects & {Effect.MINT, Effect.CHANGE}:
        return
    if sent.operation in _AT_TUVENS:
        lasts = getattr(deployment.targets.get("tuvens-api"), "session_expiry", None) or _TUVENS_SESSION
        yield "tuvens-api", time.time() + lasts
    elif sent.operation in _AT_HI_EVENTS:
        yield "hi.events", time.time() + _HI_EVENTS_SESSION


def tuvens_state(event: Mapping[str, Any]) -> State:
    """What of an event's JSON at tuvens-api webhooks and PATCH change."""
    contact = event.get("contactData")
    contact = contact if isinstance(contact, dict) else {}
    return {
        "title": _plain(event.get("title")),
        "hasTicketing": _plain(event.get("ticketing_enabled", event.get("hasTicketing"))),
        "ticketing_status": _plain(event.get("ticketing_status", event.get("ticketStatus"))),
        "hiEventsEventId": _plain(event.get("hi_events_event_id", event.get("hiEventsEventId"))),
        "contactData.hiEventsEventId": _plain(contact.get("hiEventsEventId")),
        "contactData.hiEventsStatus": _plain(contact.get("hiEventsStatus")),
    }


def hi_events_state(event: Mapping[str, Any]) -> State:
    """What of an event's JSON at hi.events a run changes."""
    return {"status": _plain(event.get("status"))}


def differences(before: State, now: State) -> list[str]:
    """The names of the fields that differ. Ids are the same as text or number."""
    return [name for name, value in before.items() if not _same(value, now.get(name))]


def status_to_send(before: State) -> str | None:
    """The status whose webhook leads to the state of an event before; None if no webhook does: it had no ticketing."""
    reported = before.get("contactData.hiEventsStatus")
    return str(reported) if reported is not None else _STATUS.get(str(before.get("ticketing_status")))


def webhook_is_needed(before: State, now: State) -> bool:
    """Whether a webhook brings an event nearer to its state before."""
    names = ("ticketing_status", "contactData.hiEventsEventId", "contactData.hiEventsStatus")
    return status_to_send(before) is not None and any(not _same(before.get(each), now.get(each)) for each in names)


def patch_to_send(before: State, now: State) -> dict[str, Any]:
    """The fields of the PATCH that restores what PATCH changes; empty if nothing differs."""
    names = ("hasTicketing", "hiEventsEventId")
    return {each: before.get(each) for each in names if not _same(before.get(each), now.get(each))}


def _same(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    return str(one) == str(other)


def _plain(value: object) -> str | int | bool | None:
    """A value as it can be sent back; None for what no event has."""
    if isinstance(value, bool) or value is None:
        return value
    return value if isinstance(value, int) or (isinstance(value, str) and len(value) <= _LONGEST) else None
