"""Answers as a serialiser that is wrong, or merely different, writes them: small operators, by the name of a fault.

What a bug does to an answer on its way out (a field is missing, a status is another, a header is gone) stands in a
table of the application; what it does before that has its hook at the place of the behaviour.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from simulators.kit.exchange import Inbound, Reply, json_bytes
from simulators.kit.faults import FaultRuntime

Change = Callable[[Inbound, Reply], None]
Applies = Callable[[Inbound, Reply], bool]


@dataclass(frozen=True, slots=True)
class Altered:
    """What is done to the answers of some operations (none named: of all) where `applies` says so."""

    change: Change
    operations: frozenset[str] = field(default_factory=frozenset)
    applies: Applies = lambda inbound, reply: True


def alter(faults: FaultRuntime, table: Mapping[str, Altered], inbound: Inbound, reply: Reply) -> None:
    """Do to an answer what the armed faults of a table say."""
    for name in faults.armed_names:
        altered = table.get(name)
        if altered is None:
            continue
        operation = inbound.operation
        named = not altered.operations or (operation is not None and operation.id in altered.operations)
        if named and altered.applies(inbound, reply) and faults.on(name):
            altered.change(inbound, reply)


def succeeds(inbound: Inbound, reply: Reply) -> bool:
    """Whether an answer is a success with a body that is there at once."""
    return reply.status < 300 and reply.stream is None


def fails(inbound: Inbound, reply: Reply) -> bool:
    """Whether an answer is an error."""
    return reply.status >= 400


def answers(change: Change, *operations: str) -> Altered:
    """Change the successes of operations."""
    return Altered(change, frozenset(operations), succeeds)


def errors(change: Change, *operations: str) -> Altered:
    """Change the errors of operations."""
    return Altered(change, frozenset(operations), fails)


def status(value: int) -> Change:
    """Answer with another status."""

    def change(inbound: Inbound, reply: Reply) -> None:
        reply.status = value

    return change


def media_type(value: str) -> Change:
    """Say another Content-Type."""

    def change(inbound: Inbound, reply: Reply) -> None:
        reply.without("content-type").headers.append(("content-type", value))

    return change


def without_header(name: str) -> Change:
    """Leave out a header, named in lower case."""

    def change(inbound: Inbound, reply: Reply) -> None:
        reply.without(name)

    return change


def drop(*path: str) -> Change:
    """Leave out a field of the JSON body; `*` in the path stands for every element of a list."""

    def change(holder: dict[str, Any], name: str) -> None:
        holder.pop(name, None)

    return body(lambda value: _each(value, path, change))


def put(*path: str, value: object) -> Change:
    """Write another value into a field of the JSON body, which may not have it; a callable is given the old value."""

    def change(holder: dict[str, Any], name: str) -> None:
        holder[name] = value(holder.get(name)) if callable(value) else value

    return body(lambda found: _each(found, path, change))


def body(change: Callable[[Any], None]) -> Change:
    """Change the JSON body in place; what is no JSON stays as it is."""

    def rewrite(inbound: Inbound, reply: Reply) -> None:
        if not reply.body:
            return
        try:
            value = json.loads(reply.body)
        except ValueError:
            return
        change(value)
        reply.body = json_bytes(value)

    return rewrite


def all_of(*changes: Change) -> Change:
    """One change after the other."""

    def change(inbound: Inbound, reply: Reply) -> None:
        for each in changes:
            each(inbound, reply)

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
