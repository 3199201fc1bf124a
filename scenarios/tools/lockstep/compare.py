"""Comparing two answers to the same call, and learning which differences do not count."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import openapi
from harness.http import WireError
from scenarios.cast.sending import Reply

ABSENT = "(absent)"
_NUMBER = re.compile(r"/\d+(?=/|$)")


@dataclass(frozen=True)
class Difference:
    """A difference between two answers. `at` is `status`, `media type`, `form` (one of them has a problem by the
    document) or the JSON pointer of a value; `left` and `right` are the values there, `ABSENT` for none."""

    operation: str
    status: int
    at: str
    left: object
    right: object

    @property
    def place(self) -> tuple[str, int, str]:
        """Operation, status and pointer, without positions in lists."""
        return self.operation, self.status, _NUMBER.sub("/*", self.at)

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.place[2].rpartition("/")[2]

    @property
    def is_value(self) -> bool:
        """Whether it is about a value in the body, not about the answer as a whole."""
        return self.at.startswith("/")


@dataclass(frozen=True)
class Seen:
    """What is compared of an answer: scalars by JSON pointer, and its problems by the document."""

    operation: str
    status: int
    media_type: str
    values: Mapping[str, object]
    problems: frozenset[str]


def seen(operation: str, reply: Reply, addresses: Mapping[str, str]) -> Seen | None:
    """What is compared of a reply, with the side's base URLs replaced by the names of their applications; None without
    an answer, or for a 429."""
    answer = reply.answer
    if answer is None or answer.status == 429:
        return None
    found = openapi.find(operation).response_problems(status=answer.status, headers=answer.headers, body=answer.body)
    try:
        values = {at: _without(addresses, value) for at, value in _scalars(answer.json(), "")}
    except WireError:
        values = {}
    media_type = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    return Seen(operation, answer.status, media_type, values, frozenset(f"{at}: {what}" for at, what in found))


def differences(left: Seen, right: Seen) -> Iterator[Difference]:
    """Where two answers differ: as a whole, or else value by value."""

    def at(place: str, one: object, other: object) -> Difference:
        return Difference(left.operation, left.status, place, one, other)

    if left.status != right.status:
        choices = openapi.find(left.operation).status_choices
        if not any({left.status, right.status} <= each for each in choices):
            yield at("status", left.status, right.status)
        return
    if left.media_type != right.media_type:
        yield at("media type", left.media_type, right.media_type)
        return
    for problem in sorted(left.problems ^ right.problems):
        yield at("form", *(("as documented", problem) if problem in right.problems else (problem, "as documented")))
    for pointer in dict.fromkeys((*left.values, *right.values)):
        one, other = left.values.get(pointer, ABSENT), right.values.get(pointer, ABSENT)
        if ABSENT in (one, other) and _in_longer_list(pointer, left, right):
            continue
        if type(one) is not type(other) or one != other:
            yield at(pointer, one, other)


@dataclass
class Learned:
    """Differences that do not count.

    `volatile`: places whose value changes when one side gets the same call again (tokens, times, serial numbers).
    `own`: places where each side repeats its value and the sides differ, such as texts for people. `renamed`: by field
    name, a one-to-one mapping of the left side's values to the right side's. With `strict` only volatile places are
    learned: all other values must be equal.
    """

    strict: bool
    closed: frozenset[str] = frozenset()
    volatile: set[tuple[str, int, str]] = field(default_factory=set)
    own: set[tuple[str, int, str]] = field(default_factory=set)
    renamed: dict[str, dict[object, object]] = field(default_factory=dict)
    _back: dict[str, dict[object, object]] = field(default_factory=dict)

    def explains(self, found: Difference) -> bool:
        """Whether a difference is known not to count."""
        return found.place in self.volatile or found.place in self.own or self._is_renamed(found)

    def take(self, found: Difference, *, at_first_sight: bool = False) -> bool:
        """Learn from a difference that both sides repeat; returns False if it counts.

        `at_first_sight`: during the tour, which shows the deployments' own data; an empty field of one of them does not
        count then.
        """
        if self.strict or not found.is_value or found.field in self.closed:
            return False
        if isinstance(found.left, bool) or isinstance(found.right, bool):
            return False
        if found.status >= 400 or _is_optional(found) or _is_prose(found.left) or _is_prose(found.right):
            self.own.add(found.place)
            return True
        if found.left is None or found.right is None:
            if at_first_sight:
                self.own.add(found.place)
            return at_first_sight
        if type(found.left) is not type(found.right):
            return False
        there, back = self._pairs(found.field)
        if there.get(found.left, found.right) != found.right or back.get(found.right, found.left) != found.left:
            return False
        there[found.left], back[found.right] = found.right, found.left
        return True

    def learn_volatile(self, found: Difference) -> None:
        """Learn from a difference between two answers of one side. Booleans and values that the contract lists are
        never volatile."""
        if found.is_value and found.field not in self.closed and not isinstance(found.left, bool):
            self.volatile.add(found.place)

    def same(self, one: Seen, other: Seen) -> None:
        """Map values that are equal on both sides to themselves, so that no other value is mapped to them."""
        if self.strict or one.status >= 400:
            return
        for pointer, value in one.values.items():
            if pointer in other.values and other.values[pointer] == value and not isinstance(value, bool | None):
                there, back = self._pairs(_NUMBER.sub("", pointer).rpartition("/")[2])
                there.setdefault(value, value)
                back.setdefault(value, value)

    def _is_renamed(self, found: Difference) -> bool:
        there, _ = self._pairs(found.field)
        return found.is_value and found.left in there and there[found.left] == found.right

    def _pairs(self, name: str) -> tuple[dict[object, object], dict[object, object]]:
        return self.renamed.setdefault(name, {}), self._back.setdefault(name, {})


def closed_fields(*documents: openapi.Document) -> frozenset[str]:
    """The names of fields with listed values in a document (enum, const), which are never renamed."""
    return frozenset(name for document in documents for name in _closed(document.raw, document.raw))


def _closed(node: Any, root: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, schema in (node.get("properties") or {}).items():
            target = schema
            while isinstance(target, dict) and str(target.get("$ref", "")).startswith("#/"):
                reference = target["$ref"]
                target = root
                for part in reference[2:].split("/"):
                    target = target[part]
            if isinstance(target, dict) and ("enum" in target or "const" in target):
                yield name
        for each in node.values():
            yield from _closed(each, root)
    elif isinstance(node, list):
        for each in node:
            yield from _closed(each, root)


def _without(addresses: Mapping[str, str], value: object) -> object:
    if isinstance(value, str) and "://" in value:
        for url, app in addresses.items():
            value = value.replace(url, f"<{app}>")
    return value


def _id(each: object) -> float:
    # The contract defines no order of lists: sort by number where there is one.
    number = each.get("id") if isinstance(each, dict) else None
    return number if isinstance(number, int) else 0


def _is_optional(found: Difference) -> bool:
    # A required field that is missing is a difference of form.
    return ABSENT in (found.left, found.right)


def _in_longer_list(pointer: str, left: Seen, right: Seen) -> bool:
    lengths = (f"{pointer[: match.start()]}/length" for match in _NUMBER.finditer(pointer))
    return any(left.values.get(each) != right.values.get(each) for each in lengths)


def _is_prose(value: object) -> bool:
    return isinstance(value, str) and " " in value.strip()


def _scalars(value: object, pointer: str) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _scalars(each, f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(value, list):
        yield f"{pointer}/length", len(value)
        for index, each in enumerate(sorted(value, key=_id)):
            yield from _scalars(each, f"{pointer}/{index}")
    else:
        yield pointer or "/", value
