"""The webhook `event.status_changed`, hi.events to tuvens-api: body, signature, request. No I/O."""

import hmac
import re
from enum import Enum

import openapi
from contracts.calls import call
from harness.http import Call, json_body

SIGNATURE_HEADER = openapi.load("tuvens-api").operations["receiveEventStatusChanged"].schemes[0].field
_SIGNATURE = re.compile(r"sha256=[0-9a-f]{64}", re.ASCII)


class Fate(Enum):
    """The state of a delivery after an attempt."""

    DELIVERED = "delivered"
    TO_RETRY = "to be sent again"
    REFUSED = "refused for good"


def _key(secret: str | bytes) -> bytes:
    return secret.encode() if isinstance(secret, str) else secret


def sign(secret: str | bytes, body: bytes) -> str:
    """`sha256=` and the lower-case hex HMAC-SHA256 of the raw body, keyed by the shared secret."""
    return "sha256=" + hmac.digest(_key(secret), body, "sha256").hex()


def signature_matches(secret: str | bytes, body: bytes, header: str | None) -> bool:
    """Whether a header is the signature of exactly these bytes; compared in constant time."""
    if header is None or _SIGNATURE.fullmatch(header) is None:
        return False
    return hmac.compare_digest(sign(secret, body), header)


def status_changed_body(
    *, event_id: object, title: object, status: object, tuvens_event_id: object, sent_at: str
) -> bytes:
    """The delivery's body; `sent_at` is ISO 8601 UTC, the time of the change, the same on every retry."""
    payload = {"id": event_id, "title": title, "status": status, "tuvens_event_id": tuvens_event_id}
    return json_body({"event_type": "event.status_changed", "event_sent_at": sent_at, "payload": payload})


def event_status_changed(body: bytes, signature: str | None) -> Call:
    """The delivery of a body with a signature (None: without that header)."""
    return call("receiveEventStatusChanged", signature).with_body(body)


def fate_of(status: int | None) -> Fate:
    """What the sender does after an answer with this status (None: no answer): "retried with growing pauses on 5xx,
    429, time-outs and refused connections, not on other 4xx"."""
    if status is not None and 200 <= status < 300:
        return Fate.DELIVERED
    if status is None or status == 429 or status >= 500:
        return Fate.TO_RETRY
    return Fate.REFUSED
