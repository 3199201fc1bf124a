"""Response mutations: what a wrong, or merely different, serialiser makes of a response on its way out.

A fault of this kind returns `mutated(...)` with one of the operators below.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simulators.kit.faults import Honest, Swap, swap
from simulators.kit.messages import Request, Response, json_bytes
from simulators.kit.sending import Receive
from simulators.kit.simulator import Simulator

Mutation = Callable[[Request, Response], None]
When = Callable[[Request, Response], bool]


def succeeds(request: Request, response: Response) -> bool:
    """Whether a response is a success with a body that is complete."""
    return response.status < 300 and response.stream is None


def fails(request: Request, response: Response) -> bool:
    """Whether a response is an error."""
    return response.status >= 400


def has_status(status: int) -> When:
    """Responses of one status."""
    return lambda request, response: response.status == status


def mutated(simulator: Simulator, change: Mutation, *operations: str, when: When = succeeds) -> Sequence[Swap]:
    """Change the responses of some operations (none named: of all, and of unknown routes), as `when` says."""

    async def mutate(honest: Honest[..., Any], request: Request, receive: Receive) -> Response:
        response: Response = await honest(request, receive)
        if when(request, response):
            change(request, response)
            honest.count()
        return response

    endpoints = simulator.endpoints(operations) if operations else simulator.router.all
    return [swap(each.respond, mutate) for each in endpoints]


def status(value: int) -> Mutation:
    """Another status."""

    def change(request: Request, response: Response) -> None:
        response.status = value

    return change


def media_type(value: str) -> Mutation:
    """Another Content-Type."""

    def change(request: Request, response: Response) -> None:
        response.without("content-type").headers.append((b"content-type", value.encode("latin-1")))

    return change


def without_header(name: str) -> Mutation:
    """A header less, named in lower case."""

    def change(request: Request, response: Response) -> None:
        response.without(name)

    return change


def drop(*path: str) -> Mutation:
    """A field of the JSON body less; `*` in the path stands for every element of a list."""

    def change(holder: dict[str, Any], name: str) -> None:
        holder.pop(name, None)

    return body(lambda value: _each(value, path, change))


def put(*path: str, value: object) -> Mutation:
    """Another value in a field of the JSON body, which may not have it; a callable is given the old value."""

    def change(holder: dict[str, Any], name: str) -> None:
        holder[name] = value(holder.get(name)) if callable(value) else value

    return body(lambda found: _each(found, path, change))


def body(change: Callable[[Any], None]) -> Mutation:
    """Change the JSON body in place; a body that is not JSON stays as it is."""

    def rewrite(request: Request, response: Response) -> None:
        if not response.body:
            return
        try:
            value = json.loads(response.body)
        except ValueError:
            return
        change(value)
        response.body = json_bytes(value)

    return rewrite


def all_of(*changes: Mutation) -> Mutation:
    """One mutation after the other."""

    def change(request: Request, response: Response) -> None:
        for each in changes:
            each(request, response)

    return change


def _each(value: Any, path: tuple[str, ...], change: Callable[[dict[str, Any], str], None]) -> None:
    *way, last = path
    for holder in _holders(value, way):
        if isinstance(holder, dict):
            change(holder, last)


def _holders(value: Any, way: list[str]) -> Iterator[Any]:
    if not way:
        yield value
        return
    step, *rest = way
    if step == "*":
        below = value if isinstance(value, list) else []
    else:
        below = [value[step]] if isinstance(value, dict) and step in value else []
    for each in below:
        yield from _holders(each, rest)
