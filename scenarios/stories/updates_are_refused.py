"""Updates that tuvens-api must refuse: wrongly signed, altered, or malformed."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from contracts.webhook.wire import sign
from harness.effects import Effect
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.updates import TITLE, Updates, event_with_status, unknown_id
from scenarios.catalogue import story

OPERATIONS = ("receiveEventStatusChanged", "getEvent")
_OTHER_KEY = "a-key-that-nobody-has-configured"
_DEEP = 10_000
_LONG = 8_192


class Forgery(NamedTuple):
    """A delivery that is not correctly signed; `signature` is the header, None for no header."""

    step: str
    body: bytes
    signature: str | None


@story(does={Effect.READ, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE}, needs=("events",), operations=OPERATIONS)
async def strangers_send_updates(cast: Cast) -> None:
    """An event is live; strangers report that it was cancelled, with every signature but the right one."""
    async with event_with_status(cast, "LIVE") as (updates, state):
        for forgery in _forgeries(cast.secret, updates.body("CANCELLED")):
            await _tries(updates, await cast.delivers(forgery.step, forgery.body, signature=forgery.signature))
        for step, body in _nonsense(updates):
            await _tries(updates, await cast.delivers(f"nonsense/{step}", body, signature=None))
        wrong = sign(_OTHER_KEY, b"[]")
        await _tries(updates, await cast.delivers("nonsense/wrongly signed", b"[]", signature=wrong))
        stranger = _update(updates, tuvens_event_id=unknown_id(updates.event_id, cast.stage.random))
        await cast.delivers("nonsense/unknown event", stranger, signature=sign(_OTHER_KEY, stranger))
        await updates.reads_unchanged("afterwards", state)


@story(does={Effect.READ, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE}, needs=("events",), operations=OPERATIONS)
async def senseless_updates_are_sent(cast: Cast) -> None:
    """An event is live; hi.events itself sends what is no update, half an update, and an update of no event."""
    async with event_with_status(cast, "LIVE") as (updates, state):
        for step, body in _nonsense(updates):
            await _tries(updates, await cast.delivers(f"nonsense/{step}", body))
        for field in ("event_type", "event_sent_at", "payload", "id", "title", "status", "tuvens_event_id"):
            await _tries(updates, await cast.delivers(f"missing/{field}", _without(_update(updates), field)))
        for step, changes in _ILL_TYPED.items():
            await _tries(updates, await cast.delivers(f"ill-typed/{step}", _update(updates, **changes)))
        other_type = _update(updates, event_type="event.title_changed")
        await _tries(updates, await cast.delivers("other type", other_type))
        unknown = _update(updates, tuvens_event_id=unknown_id(updates.event_id, cast.stage.random))
        await cast.delivers("unknown event", unknown)
        await updates.reads_unchanged("afterwards", state)


async def _tries(updates: Updates, reply: Reply) -> None:
    """If the server accepted a bad update, restore the event, so that each update is judged by itself."""
    if reply.ok:
        await updates.sends("restored", "LIVE")
        await updates.reads_until_reported("restored/event", "LIVE")


def _forgeries(secret: str, body: bytes) -> list[Forgery]:
    right = sign(secret, body)
    digest = right.removeprefix("sha256=")
    key = secret.encode()
    sha1 = hmac.new(key, body, hashlib.sha1).hexdigest()
    sha512 = hmac.new(key, body, hashlib.sha512).hexdigest()
    in_base64 = base64.b64encode(bytes.fromhex(digest)).decode()
    value = json.loads(body)
    found = {
        "missing/absent": None,
        "missing/empty": "",
        "without prefix/hex alone": digest,
        "without prefix/equals sign": f"={digest}",
        "other key/another": sign(_OTHER_KEY, body),
        "other key/empty": sign("", body),
        "other key/zeros": "sha256=" + "0" * 64,
        "other algorithm/sha1": f"sha1={sha1}",
        "other algorithm/sha1 as sha256": f"sha256={sha1}",
        "other algorithm/sha512": f"sha512={sha512}",
        "other algorithm/digest without a key": "sha256=" + hashlib.sha256(body).hexdigest(),
        "upper case/hex": f"sha256={digest.upper()}",
        "upper case/prefix": f"SHA256={digest}",
        "malformed/prefix alone": "sha256=",
        "malformed/cut": right[:-1],
        "malformed/one digit more": right + "0",
        "malformed/space inside": f"sha256= {digest}",
        "malformed/twice": f"{right}, {right}",
        "malformed/base64": f"sha256={in_base64}",
        "unusual/not ASCII": "sha256=" + "é" * 64,
        "unusual/very long": right + "0" * _LONG,
    }
    altered = {
        "one character": body.replace(TITLE.encode(), TITLE.replace("v", "w", 1).encode()),
        "newline appended": body + b"\n",
        "other white space": json.dumps(value).encode(),
        "other order": json.dumps(dict(reversed(value.items())), separators=(",", ":")).encode(),
        "other body": json.dumps({**value, "payload": {**value["payload"], "status": "ENDED"}}).encode(),
    }
    return [
        *(Forgery(name, body, signature) for name, signature in found.items()),
        *(Forgery(f"altered body/{name}", other, right) for name, other in altered.items()),
    ]


def _nonsense(updates: Updates) -> Iterator[tuple[str, bytes]]:
    """Bodies that no JSON parser reads as an object."""
    yield "no body", b""
    yield "not JSON", _update(updates)[:-2]
    yield "a list", b"[" + _update(updates) + b"]"
    yield "text", b'"LIVE"'
    # Before the first brace: inside a string many parsers insert a replacement character.
    yield "not UTF-8", b"\xff\xfe" + _update(updates)
    yield "deeply nested", b"[" * _DEEP + b"]" * _DEEP


_ILL_TYPED: dict[str, dict[str, Any]] = {
    # Nothing that a lenient parser converts to the right type: no digits as text, no number for a text.
    "id is a word": {"id": "two"},
    "id is an object": {"id": {"value": 2}},
    "title is a list": {"title": ["Evening"]},
    "status is null": {"status": None},
    "status is an object": {"status": {"value": "DRAFT"}},
    "tuvens_event_id is an object": {"tuvens_event_id": {"value": "11"}},
    "payload is a list": {"payload": []},
    "event_sent_at is no time": {"event_sent_at": "yesterday"},
}


def _update(updates: Updates, **changes: Any) -> bytes:
    """A new update to CANCELLED, with `changes` to its fields or those of its payload."""
    value = json.loads(updates.body("CANCELLED"))
    for name, new in changes.items():
        (value if name in value else value["payload"])[name] = new
    return json.dumps(value, separators=(",", ":")).encode()


def _without(body: bytes, field: str) -> bytes:
    value = json.loads(body)
    del (value if field in value else value["payload"])[field]
    return json.dumps(value, separators=(",", ":")).encode()
