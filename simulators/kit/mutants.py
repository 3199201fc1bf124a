"""Mutants: faults that are generated from an OpenAPI document, one for each thing that it says of a response.

A mutant drops, nulls or retypes one field of the JSON responses of an operation (or of the messages of its stream), or
drops or garbles one header. Its name says which: `mutate:generateSession:200:/session_token:drop`. Errors of an
operation are mutated together: their status is `error`.

What the document itself allows (an optional field left out, null where it may be null) breaks nothing. Such a mutant is
`permitted`: nothing need notice it, but no other application may be blamed for it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import openapi
from openapi import Operation, ResponsePart

PREFIX = "mutate:"
ERRORS = "error"
Kind = Literal["drop", "null", "retype"]
_KINDS: tuple[Kind, ...] = ("drop", "null", "retype")
GARBLED = "soon"
"""What a garbled header says: no number."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to the responses of one operation.

    status: a status, or `error` for all errors. statuses: the ones that it changes.
    place: a header's name or a field's JSON pointer, in which `*` stands for every entry.
    becomes: the JSON type that a retyped field gets.
    permitted: whether the document allows what it makes.
    """

    app: str
    operation: str
    status: str
    statuses: frozenset[int]
    place: str
    kind: Kind
    becomes: str = ""
    permitted: bool = False

    @property
    def name(self) -> str:
        """The name under which it is armed."""
        return f"{PREFIX}{self.operation}:{self.status}:{self.place}:{self.kind}"

    @property
    def sentence(self) -> str:
        """What it does, as a fault's sentence."""
        what = f"the header {self.place}" if self.is_header else self.place
        how = {"drop": f"without {what}", "null": f"with null in {what}", "retype": f"with {self._other} in {what}"}
        answers = "an error" if self.status == ERRORS else self.status
        return f"{self.operation} answers {answers} {how[self.kind]}."

    @property
    def is_header(self) -> bool:
        """Whether it changes a header."""
        return not self.place.startswith("/")

    @property
    def _other(self) -> str:
        return repr(GARBLED) if self.is_header else f"{'a' if self.becomes == 'string' else 'an'} {self.becomes}"

    def change(self, value: Any) -> bool:
        """Change a parsed JSON body, or message of a stream, in place. Whether it had what was to be changed."""
        *way, name = self.place.split("/")[1:]
        found = False
        for holder, key in list(_entries(value, way, name)):
            if self.kind == "drop":
                del holder[key]
            elif holder[key] is None:
                continue
            else:
                holder[key] = None if self.kind == "null" else _retyped(holder[key], self.becomes)
            found = True
        return found

    def change_text(self, text: bytes) -> bytes:
        """A JSON text with the change; the text itself where there is nothing to change, or no JSON."""
        try:
            value = json.loads(text)
        except ValueError:
            return text
        return json.dumps(value, ensure_ascii=False).encode() if self.change(value) else text

    def change_frame(self, chunk: bytes) -> bytes:
        """A piece of a stream with the change in each message."""
        lines = chunk.split(b"\n")
        return b"\n".join(
            b"data: " + self.change_text(each[5:].strip()) if each.startswith(b"data:") else each for each in lines
        )


@cache
def mutants_of(app: str) -> Mapping[str, Mutant]:
    """The mutants of an application, by name, in the order of its document."""
    found = (mutant for operation in openapi.load(app).operations.values() for mutant in _of_operation(operation))
    return {each.name: each for each in found}


def find(name: str) -> Mutant | None:
    """The mutant of this name; None where there is none."""
    return next((found[name] for found in map(mutants_of, openapi.APPS) if name in found), None)


def _of_operation(operation: Operation) -> Iterator[Mutant]:
    groups: dict[str, list[int]] = {}
    for status in sorted(operation.statuses):
        groups.setdefault(ERRORS if status >= 400 else str(status), []).append(status)
    for group, statuses in groups.items():
        parts: dict[str, dict[int, ResponsePart]] = {}
        for status in statuses:
            for part in operation.response_parts(status):
                parts.setdefault(part.place, {})[status] = part
        for place, by_status in parts.items():
            for kind in _KINDS:
                yield from _mutant(operation, group, place, kind, by_status)


def _mutant(
    operation: Operation, status: str, place: str, kind: Kind, parts: Mapping[int, ResponsePart]
) -> Iterator[Mutant]:
    """The mutant of one kind, by the part in each status; none where the change makes no sense."""
    possible = {each: part for each, part in parts.items() if _makes_sense(part, kind)}
    if not possible:
        return
    broken = frozenset(each for each, part in possible.items() if not _allows(part, kind))
    statuses = broken or frozenset(possible)
    becomes = _other_type(possible[min(statuses)]) if kind == "retype" else ""
    yield Mutant(operation.app, operation.id, status, statuses, place, kind, becomes, permitted=not broken)


def _makes_sense(part: ResponsePart, kind: Kind) -> bool:
    match kind:
        case "drop":  # the names in a map are not documented, so none can be missing
            return not part.place.endswith("/*")
        case "null":
            return not part.is_header
        case "retype":
            return "string" not in part.types if part.is_header else bool(part.types)


def _allows(part: ResponsePart, kind: Kind) -> bool:
    match kind:
        case "drop":
            return not part.required
        case "null":
            return not part.types or "null" in part.types
        case "retype":
            return False


def _other_type(part: ResponsePart) -> str:
    """The type that a serialiser would most likely write instead, and that the document does not allow."""
    if "string" not in part.types:
        return "string"
    return "object" if part.types & {"integer", "number"} else "integer"


def _retyped(value: Any, becomes: str) -> Any:
    if becomes == "object":
        return {"value": value}
    if becomes == "integer":
        return int(value) if isinstance(value, str) and value.isdecimal() else 0
    return json.dumps(value)


def _entries(value: Any, way: Sequence[str], name: str) -> Iterator[tuple[Any, Any]]:
    """The lists and maps at the end of a way, with the key in each that a pointer names."""
    if way:
        step, *rest = way
        for holder, key in list(_entries(value, (), step)):
            yield from _entries(holder[key], rest, name)
    elif isinstance(value, list) and name == "*":
        yield from ((value, index) for index in range(len(value)))
    elif isinstance(value, dict):
        yield from ((value, key) for key in value if name in ("*", key))
