"""Mutants as faults of a simulator: armed by their name, they change responses on their way out."""

from collections.abc import Callable, Sequence
from typing import Any

from simulators.kit.faults import Fault, Honest, Swap, swap
from simulators.kit.messages import BodyStream, Header, Request, Response
from simulators.kit.mutants import GARBLED, Mutant, mutants_of
from simulators.kit.sending import Receive
from simulators.kit.simulator import Simulator


def mutant_fault(app: str, name: str) -> Fault | None:
    """The fault that a mutant of an application is; None where it has none of this name."""
    mutant = mutants_of(app).get(name)
    if mutant is None:
        return None
    change = _header_changed if mutant.is_header else _body_changed
    return Fault(name, app, mutant.sentence, lambda simulator: change(simulator, mutant), kind="mutant")


def _body_changed(simulator: Simulator, mutant: Mutant) -> Sequence[Swap]:
    async def respond(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        response: Response = await honest(request, receive)
        if response.status not in mutant.statuses:
            return response
        if response.stream is not None:
            response.stream = _ChangedStream(response.stream, mutant, honest.count)
        else:
            body = mutant.change_text(response.body)
            if body is not response.body:
                response.body = body
                honest.count()
        return response

    return [swap(simulator.endpoint(mutant.operation).respond, respond)]


class _ChangedStream:
    """A stream with a mutant's change in each message."""

    def __init__(self, stream: BodyStream, mutant: Mutant, count: Callable[[], None]) -> None:
        self._stream = stream
        self._mutant = mutant
        self._count = count

    async def __anext__(self) -> bytes:
        chunk = await self._stream.__anext__()
        changed = self._mutant.change_frame(chunk)
        if changed != chunk:
            self._count()
        return changed

    async def aclose(self) -> None:
        await self._stream.aclose()


def _header_changed(simulator: Simulator, mutant: Mutant) -> Sequence[Swap]:
    name = mutant.place.lower().encode()

    def complete(honest: Honest[..., Any], request: Request, response: Response) -> list[Header]:
        headers: list[Header] = honest(request, response)
        if response.status not in mutant.statuses:
            return headers
        others = [each for each in headers if each[0] != name]
        garbled = [(name, GARBLED.encode())] if mutant.kind == "retype" and len(others) < len(headers) else []
        return [*others, *garbled]

    return [swap(simulator.endpoint(mutant.operation).complete, complete)]
