"""Faults of any operation: it responds with an error, late, never, by closing the connection, or with half a body."""

import http
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from harness.http_protocol import close_connection
from simulators.kit.errors import Refusal
from simulators.kit.fault_specs import FaultSpec, FaultSpecError, Misbehaviour, is_spec, read_misbehaviour, read_spec
from simulators.kit.faults import Fault, Honest, Swap, swap
from simulators.kit.messages import BodyStream, Request, Response
from simulators.kit.outages import hold
from simulators.kit.sending import Gone, Receive, Send, gone
from simulators.kit.simulator import Simulator

HEADER = "X-Crossapp-Fault"
"""The header of a request that says what happens to it, such as `respond=503`."""

BY_HEADER = "by-request-header"
_HEADER = HEADER.lower()
_HEADER_BYTES = _HEADER.encode()

Choice = Callable[[Request], Misbehaviour | None]


def generic_fault(name: str) -> tuple[Fault, int | None] | None:
    """The fault that is written so, and how often it is to fire; None for a name of another form. Raises
    FaultSpecError."""
    if not is_spec(name):
        return None
    spec = read_spec(name)
    return _fault(spec), spec.what.times


def _fault(spec: FaultSpec) -> Fault:
    what = spec.what

    def change(simulator: Simulator) -> Sequence[Swap]:
        return _swaps(simulator, (spec.operation,), lambda request: what)

    sentence = f"{spec.operation} {what.sentence}."
    return Fault(spec.name, spec.app, sentence, change, kind="trouble", area="any operation", unsteady=True)


class FaultsByHeader:
    """A simulator's application, where a request may say in a header what is to happen to it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._fault = Fault(
            BY_HEADER,
            simulator.name,
            f"A request's {HEADER} says what happens to it.",
            lambda built: _swaps(built, built.router.endpoints, _choice_of_header),
            kind="trouble",
            area="any operation",
            unsteady=True,
        )

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Serve a request, or the server's lifespan."""
        if scope["type"] == "http" and any(name == _HEADER_BYTES for name, _ in scope["headers"]):
            faults = self._simulator.faults
            # Not armed before: it takes time from every request.
            if not faults.armed(BY_HEADER):
                faults.known.setdefault(BY_HEADER, self._fault)
                faults.arm(BY_HEADER)
        await self._simulator.app(scope, receive, send)

    def interrupt(self) -> None:
        """End what would keep the server from stopping."""
        self._simulator.app.interrupt()


def _choice_of_header(request: Request) -> Misbehaviour | None:
    text = request.header(_HEADER)
    if text is None:
        return None
    try:
        what = read_misbehaviour(text.strip(), f"{HEADER}: ")
    except FaultSpecError as error:
        raise Refusal(400, "INVALID_FAULT", str(error)) from None
    if what.times is not None:
        raise Refusal(400, "INVALID_FAULT", f"{HEADER}: a header is for one request; leave out x{what.times}")
    return what


def _swaps(simulator: Simulator, operations: Iterable[str], choice: Choice) -> Sequence[Swap]:
    async def serve(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        try:
            what = choice(request)
        except Refusal:
            honest.count()
            raise
        action = None if what is None else what.action
        if what is None or action == "malformed":
            response: Response = await honest(request, receive)
            return response
        honest.count()
        if action == "respond":
            phrase = http.HTTPStatus(what.status).phrase if what.status in set(http.HTTPStatus) else "Error"
            raise Refusal(what.status, phrase.upper().replace(" ", "_").replace("-", "_"), phrase)
        if action == "drop":
            close_connection(receive)
            await gone(receive)
            raise Gone("the connection was closed")
        await hold(simulator, receive, what.seconds if action == "delay" else None)
        late: Response = await honest(request, receive)
        return late

    async def respond(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        response: Response = await honest(request, receive)
        try:
            what = choice(request)
        except Refusal:
            return response
        if what is not None and what.action == "malformed":
            honest.count()
            if response.stream is not None:
                response.stream = _Halved(response.stream)
            else:
                response.body = _half(response.body)
        return response

    endpoints = simulator.endpoints(operations)
    return [
        *(swap(each.serve, serve) for each in endpoints),
        *(swap(each.respond, respond) for each in endpoints),
    ]


class _Halved:
    """A stream whose messages break off in the middle of their data."""

    def __init__(self, stream: BodyStream) -> None:
        self._stream = stream

    async def __anext__(self) -> bytes:
        chunk = await self._stream.__anext__()
        lines = chunk.split(b"\n")
        return b"\n".join(_half(each) if each.startswith(b"data:") else each for each in lines)

    async def aclose(self) -> None:
        await self._stream.aclose()


def _half(body: bytes) -> bytes:
    return body[: (len(body) + 1) // 2]
