"""Benign variants that fit any application: other ways of being right, that no rule may accuse."""

import asyncio
import gzip
import itertools
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from simulators.kit.faults import Change, Fault, Honest, Registry, Swap, swap
from simulators.kit.messages import Header, Request, Response, json_bytes
from simulators.kit.response_mutations import Mutation, media_type, mutated
from simulators.kit.sending import Receive, Send
from simulators.kit.simulator import Simulator

LATENCY = 0.04
SKEW = 90.0
_ONE_IN = 50
_OURS = b"crossapp"
_TIME = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{3})Z")
# The server gives these three a meaning of its own, by their lower-case names.
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})

Sending = Callable[[Request, Response, list[Header], Send], tuple[list[Header], Send]]
"""What a variant makes of the headers of a response, and of the function that sends its messages."""


def register_variants(registry: Registry) -> None:
    """Register the variants of this module for an application; their names end with `-of-` and its name."""
    suffix = registry.app.replace(".", "-")
    for shape, (sentence, change) in _VARIANTS.items():
        registry.add(
            Fault(
                f"{shape}-of-{suffix}",
                registry.app,
                f"{registry.app}: {sentence}",
                change,
                kind="benign",
                area="variants",
                at_start=shape.startswith("clock-"),
                unsteady=shape == "broken-connections",
            )
        )


# -- the JSON of a response


def _json(change: Callable[[Any], Any]) -> Callable[[Simulator], Change]:
    def rewrite(request: Request, response: Response) -> None:
        response.body = json_bytes(change(json.loads(response.body)))

    return _of_json(rewrite)


def _of_json(change: Mutation) -> Callable[[Simulator], Change]:
    return lambda simulator: mutated(simulator, change, when=_is_json)


def _is_json(request: Request, response: Response) -> bool:
    return bool(response.body) and (response.header("content-type") or "").startswith("application/json")


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


def _pretty(request: Request, response: Response) -> None:
    response.body = json.dumps(json.loads(response.body), indent=4).replace("/", "\\/").encode() + b"\n"


def _times(to: bytes) -> Mutation:
    def rewrite(request: Request, response: Response) -> None:
        response.body = _TIME.sub(to, response.body)

    return rewrite


# -- its way over the network


def _sent_as(sending: Sending, *, when: Callable[[Request, Response], bool]) -> Callable[[Simulator], Sequence[Swap]]:
    async def replaced(
        honest: Honest[..., Any],
        request: Request,
        response: Response,
        headers: list[Header],
        receive: Receive,
        send: Send,
    ) -> None:
        if when(request, response) and not request.lingers:
            honest.count()
            headers, send = sending(request, response, headers, send)
        await honest(request, response, headers, receive, send)

    return lambda simulator: [swap(each.send, replaced) for each in simulator.router.all]


def _gzip(request: Request, response: Response, headers: list[Header], send: Send) -> tuple[list[Header], Send]:
    response.body = gzip.compress(response.body)
    length = b"%d" % len(response.body)
    added = [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding"), (b"content-length", length)]
    return [*_without_length(headers), *added], send


def _takes_gzip(request: Request, response: Response) -> bool:
    return bool(response.body) and response.stream is None and "gzip" in (request.header("accept-encoding") or "")


def _chunked(request: Request, response: Response, headers: list[Header], send: Send) -> tuple[list[Header], Send]:
    async def in_two(message: Any) -> None:
        body = message.get("body", b"")
        if message["type"] == "http.response.body" and body:
            await send({**message, "body": body[:7], "more_body": True})
            message = {**message, "body": body[7:]}
        await send(message)

    return _without_length(headers), in_two


def _closed(request: Request, response: Response, headers: list[Header], send: Send) -> tuple[list[Header], Send]:
    return [*headers, (b"connection", b"close")], send


def _capitalised(request: Request, response: Response, headers: list[Header], send: Send) -> tuple[list[Header], Send]:
    return [(name if name in _FRAMING else _Spelled(name.title()), value) for name, value in headers], send


def _broken(request: Request, response: Response, headers: list[Header], send: Send) -> tuple[list[Header], Send]:
    async def in_half(message: Any) -> None:
        body = message.get("body", b"")
        if message["type"] == "http.response.body" and not message.get("more_body") and body:
            # The server closes the connection of an application that ends in the middle of its response.
            message = {**message, "body": body[: len(body) // 2], "more_body": True}
        await send(message)

    return headers, in_half


def _broken_connections(simulator: Simulator) -> Sequence[Swap]:
    count = itertools.count(1)

    def one_in_fifty(request: Request, response: Response) -> bool:
        ours = (request.header("user-agent") or "").encode().startswith(_OURS)
        return bool(response.body) and ours and next(count) % _ONE_IN == 0

    return _sent_as(_broken, when=one_in_fifty)(simulator)


def _latency(simulator: Simulator) -> Sequence[Swap]:
    async def later(honest: Honest[..., Any], *arguments: Any) -> None:
        honest.count()
        await asyncio.sleep(LATENCY)
        await honest(*arguments)

    return [swap(each.send, later) for each in simulator.router.all]


class _Spelled(bytes):
    """A header name that stays as it is spelled: the server writes `name.lower()`."""

    def lower(self) -> bytes:
        return bytes(self)


def _without_length(headers: list[Header]) -> list[Header]:
    return [each for each in headers if each[0] != b"content-length"]


def _always(request: Request, response: Response) -> bool:
    return True


def _has_body(request: Request, response: Response) -> bool:
    return bool(response.body)


# -- its clock


def _clock_off(seconds: float) -> Callable[[Simulator], Swap]:
    return lambda simulator: swap(simulator.clock_skew, lambda honest: seconds)


_VARIANTS: dict[str, tuple[str, Callable[[Any], Change]]] = {
    "extra-fields": ("Every JSON object of a response has fields that the contract does not name.", _json(_with_more)),
    "other-key-order": ("The keys of every JSON object come in the opposite order.", _json(_reversed)),
    "pretty-json": (
        "JSON is written as PHP writes it when asked for pretty: indented, slashes and accents escaped.",
        _of_json(_pretty),
    ),
    "whole-seconds": ("Times have no fraction.", _of_json(_times(rb"\1Z"))),
    "offset-of-zero": ("Times are written with +00:00, as PHP writes UTC.", _of_json(_times(rb"\1.\2+00:00"))),
    "microseconds": ("Times have six digits after the point.", _of_json(_times(rb"\1.\g<2>000Z"))),
    "no-charset": ("Content-Type is application/json without a charset.", _of_json(media_type("application/json"))),
    "quoted-charset": (
        'Content-Type is application/json;charset="UTF-8".',
        _of_json(media_type('application/json;charset="UTF-8"')),
    ),
    "capitalised-headers": (
        "Header names are capitalised, as in the days of HTTP/1.0.",
        _sent_as(_capitalised, when=_always),
    ),
    "gzip": ("Bodies are compressed for clients that accept gzip.", _sent_as(_gzip, when=_takes_gzip)),
    "chunked": ("Bodies are sent in chunks, without a Content-Length.", _sent_as(_chunked, when=_has_body)),
    "connection-close": ("The connection is closed after each response.", _sent_as(_closed, when=_always)),
    "latency": ("Every response takes 40 ms longer.", _latency),
    "broken-connections": ("One response in fifty breaks off in the middle: the network's fault.", _broken_connections),
    "clock-ahead": ("The server's clock is 90 s ahead.", _clock_off(SKEW)),
    "clock-behind": ("The server's clock is 90 s behind.", _clock_off(-SKEW)),
}
