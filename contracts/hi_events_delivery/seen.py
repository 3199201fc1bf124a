"""Deliveries as they stand in a history."""

from collections.abc import Iterable, Mapping
from typing import Any

from harness.history import Exchange, History
from harness.http import WireError, read_json

OPERATION = "receiveEventStatusChanged"
RECEIVER = "receiver"
"""Who told of deliveries that came to our own receiver; else it is an application's journal, by its name."""


def payload_of(body: bytes) -> Mapping[str, Any]:
    """The payload of a delivery's body; empty where it has none."""
    value = _object(body)
    payload = value.get("payload")
    return payload if isinstance(payload, dict) else {}


def event_of(body: bytes) -> str:
    """The Tuvens event that a delivery is about, as text; empty where it names none."""
    named = payload_of(body).get("tuvens_event_id")
    return str(named) if isinstance(named, str | int) else ""


def body_of(exchange: Exchange) -> Mapping[str, Any]:
    """A delivery's body; empty where it is no JSON object."""
    return _object(exchange.request_body)


def status_of(exchange: Exchange) -> str:
    """The status that a delivery tells, as text."""
    return str(payload_of(exchange.request_body).get("status"))


def deliveries(history: History, step: str) -> list[Exchange] | None:
    """What hi.events delivered, in the order of arrival; None where neither our receiver nor a journal could tell."""
    if not watched(history, step):
        return None
    seen = history.exchanges(OPERATION, story=step.partition("/")[0])
    return [each for each in seen if each.step == step and each.facts.get("delivery")]


def watched(history: History, step: str) -> bool:
    """Whether deliveries were looked for at a step. Raises NothingObservedError where the story never came there."""
    return history.observation(step).values.get("told by") is not None


def distinct(found: Iterable[Exchange]) -> list[Exchange]:
    """Deliveries without those that repeat an earlier one byte for byte: at least once is allowed."""
    bodies: dict[bytes, Exchange] = {}
    for each in found:
        bodies.setdefault(each.request_body, each)
    return list(bodies.values())


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = read_json(body)
    except WireError:
        return {}
    return value if isinstance(value, dict) else {}
