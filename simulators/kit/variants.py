"""Benign variants: other ways of being right, that no rule may accuse. Those of this module fit any application.

What a variant does to JSON is an operator on answers; what it does to their way over the network is decided here.
"""

import asyncio
import gzip
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.kit.altered import Altered, media_type
from simulators.kit.clock import Clock
from simulators.kit.exchange import Inbound, Reply, json_bytes
from simulators.kit.faults import Fault, FaultRuntime

LATENCY = 0.04
SKEW = 90.0
_ONE_IN = 50
_OURS = "crossapp"
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z")
# The server gives these three a meaning of its own, by their lower-case names.
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection"})

_SENTENCES = {
    "extra-fields": "Every JSON object of an answer has fields that the contract does not name.",
    "other-key-order": "The keys of every JSON object come in the opposite order.",
    "pretty-json": "JSON is written as PHP writes it when asked for pretty: indented, slashes and accents escaped.",
    "whole-seconds": "Times have no fraction.",
    "microseconds": "Times have six digits after the point.",
    "no-charset": "Content-Type is application/json without a charset.",
    "quoted-charset": 'Content-Type is application/json;charset="UTF-8".',
    "capitalised-headers": "Header names are capitalised, as in the days of HTTP/1.0.",
    "gzip": "Bodies are compressed for those who say that they take gzip.",
    "chunked": "Bodies are sent in chunks, without a Content-Length.",
    "connection-close": "The connection is closed after each answer.",
    "latency": "Every answer takes 40 ms longer.",
    "broken-connections": "One answer in fifty breaks off in the middle: the network's fault.",
    "clock-ahead": "The server's clock is 90 s ahead.",
    "clock-behind": "The server's clock is 90 s behind.",
}


def variants(app: str) -> tuple[Fault, ...]:
    """The variants of this module for one application; their names end with `-of-` and its name."""
    return tuple(
        Fault(
            named(shape, app),
            app,
            f"{app}: {sentence}",
            kind="benign",
            at_start=shape.startswith("clock-"),
            unsteady=shape == "broken-connections",
        )
        for shape, sentence in _SENTENCES.items()
    )


def named(shape: str, app: str) -> str:
    """The name of a variant of one application."""
    return f"{shape}-of-{app.replace('.', '-')}"


def shapes(app: str) -> Mapping[str, Altered]:
    """What the variants of one application do to JSON, by name."""
    return {
        named("extra-fields", app): _json(_with_more),
        named("other-key-order", app): _json(_reversed),
        named("pretty-json", app): Altered(_pretty, applies=_is_json),
        named("whole-seconds", app): Altered(_times(rb"\1Z"), applies=_is_json),
        named("microseconds", app): Altered(_times(rb"\1.\g<2>000Z"), applies=_is_json),
        named("no-charset", app): Altered(media_type("application/json"), applies=_is_json),
        named("quoted-charset", app): Altered(media_type('application/json;charset="UTF-8"'), applies=_is_json),
    }


def set_clock(faults: FaultRuntime, app: str, clock: Clock) -> None:
    """Set the clock of a simulator that starts as its variants say."""
    for shape, seconds in (("clock-ahead", SKEW), ("clock-behind", -SKEW)):
        if faults.on(named(shape, app)):
            clock.set(clock.now() + seconds)


@dataclass(slots=True)
class Frames:
    """An answer as it is sent: headers, body in pieces; `breaks`: the connection is cut within the last one."""

    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes] = field(default_factory=list)
    breaks: bool = False


class Framing:
    """How the answers of one application go over the network."""

    def __init__(self, faults: FaultRuntime, app: str) -> None:
        self._faults = faults
        self._app = app
        self._count = itertools.count(1)

    async def frames(self, inbound: Inbound, reply: Reply, headers: list[tuple[str, str]]) -> Frames | None:
        """None for an answer that goes out in one piece and with its length, as honest ones do."""
        if self._faults.quiet:
            return None
        if self._on("latency"):
            await asyncio.sleep(LATENCY)
        content = reply.body
        if (
            self._on("gzip")
            and content
            and reply.stream is None
            and "gzip" in (inbound.header("accept-encoding") or "")
        ):
            content = gzip.compress(content)
            headers = [*_without(headers, "content-length"), ("content-encoding", "gzip"), ("vary", "Accept-Encoding")]
            headers.append(("content-length", str(len(content))))
        pieces = [content]
        if self._on("chunked") and content:
            headers = _without(headers, "content-length")
            pieces = [content[:7], content[7:]]
        if self._on("connection-close"):
            headers = [*headers, ("connection", "close")]
        ours = (inbound.header("user-agent") or "").startswith(_OURS)
        breaks = bool(content) and ours and self._breaks()
        spelled = _capitalised if self._on("capitalised-headers") else _plain
        return Frames([(spelled(name), value.encode("latin-1")) for name, value in headers], pieces, breaks)

    def _breaks(self) -> bool:
        name = named("broken-connections", self._app)
        return self._faults.armed(name) and next(self._count) % _ONE_IN == 0 and self._faults.on(name)

    def _on(self, shape: str) -> bool:
        return self._faults.on(named(shape, self._app))


class _Spelled(bytes):
    """A header name that stays as it is spelled: the server writes `name.lower()`."""

    def lower(self) -> bytes:
        return bytes(self)


def _capitalised(name: str) -> bytes:
    return _plain(name) if name in _FRAMING else _Spelled("-".join(map(str.capitalize, name.split("-"))).encode())


def _plain(name: str) -> bytes:
    return name.encode("latin-1")


def _without(headers: list[tuple[str, str]], name: str) -> list[tuple[str, str]]:
    return [each for each in headers if each[0] != name]


def _is_json(inbound: Inbound, reply: Reply) -> bool:
    return bool(reply.body) and (reply.header("content-type") or "").startswith("application/json")


def _json(change: Callable[[Any], Any]) -> Altered:
    def rewrite(inbound: Inbound, reply: Reply) -> None:
        reply.body = json_bytes(change(json.loads(reply.body)))

    return Altered(rewrite, applies=_is_json)


def _with_more(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_more(each) for each in value]
    if not isinstance(value, dict):
        return value
    # `errors` of a validation error is a table by the names of fields, which must not have others.
    deeper = {name: each if name == "errors" else _with_more(each) for name, each in value.items()}
    return {"apiVersion": "7.3", **deeper, "meta": {"hints": [None, 1]}}


def _reversed(value: Any) -> Any:
    if isinstance(value, list):
        return [_reversed(each) for each in value]
    return {name: _reversed(value[name]) for name in reversed(value)} if isinstance(value, dict) else value


def _pretty(inbound: Inbound, reply: Reply) -> None:
    reply.body = json.dumps(json.loads(reply.body), indent=4).replace("/", "\\/").encode() + b"\n"


def _times(to: bytes) -> Callable[[Inbound, Reply], None]:
    def rewrite(inbound: Inbound, reply: Reply) -> None:
        reply.body = _TIME.sub(to, reply.body)

    return rewrite
