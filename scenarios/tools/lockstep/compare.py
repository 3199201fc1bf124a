"""Two answers to the same call: where they differ, and what of that was learned to be no difference."""

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
    """`at` is `status`, `media type`, `form` (what the document says of one and not of the other), or the JSON pointer
    of a value; `left` and `right` are what stands there, `ABSENT` for nothing."""

    operation: str
    status: int
    at: str
    left: object
    right: object

    @property
    def place(self) -> tuple[str, int, str]:
        """The place in any answer of this kind: positions in lists do not count."""
        return self.operation, self.status, _NUMBER.sub("/*", self.at)

    @property
    def field(self) -> str:
        """The name of the field."""
        return self.place[2].rpartition("/")[2]

    @property
    def is_value(self) -> bool:
        """Whether it is a value in a body, not the answer as a whole."""
        return self.at.startswith("/")


@dataclass(frozen=True)
class Seen:
    """What is compared of an answer: scalars by JSON pointer, and what the document says is wrong with it."""

    operation: str
    status: int
    media_type: str
    values: Mapping[str, object]
    problems: frozenset[str]


def seen(operation: str, reply: Reply, addresses: Mapping[str, str]) -> Seen | None:
    """What is compared of a reply, the side's own addresses (base URL to application) as the names of the applications;
    None where there is no answer, or one that tells of a limit."""
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
    """What has been learned of the two sides.

    `volatile`: places whose value differs when one side is asked the same again (tokens, times, running numbers).
    `own`: places where each side is true to itself and they differ all the same, as texts for people do. `renamed`: by
    the name of a field, which value of the left is which of the right, one for one. Where `strict`, only what is
    volatile is learned: both sides are to be the same, word for word.
    """

    strict: bool
    closed: frozenset[str] = frozenset()
    volatile: set[tuple[str, int, str]] = field(default_factory=set)
    own: set[tuple[str, int, str]] = field(default_factory=set)
    renamed: dict[str, dict[object, object]] = field(default_factory=dict)
    _back: dict[str, dict[object, object]] = field(default_factory=dict)

    def explains(self, found: Difference) -> bool:
        """Whether a difference is known to be none."""
        return found.place in self.volatile or found.place in self.own or self._is_renamed(found)

    def take(self, found: Difference, *, at_first_sight: bool = False) -> bool:
        """Learn from a difference that both sides repeat; False where it must not be explained away.

        `at_first_sight`: during the tour, which shows the data of the two deployments, empty fields among them.
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
        """Learn from a difference between two answers of one side. Words that the contract lists, and yes or no, are
        never volatile: a side that does not repeat them is another matter."""
        if found.is_value and found.field not in self.closed and not isinstance(found.left, bool):
            self.volatile.add(found.place)

    def same(self, one: Seen, other: Seen) -> None:
        """Note values that are equal on both sides: they stand for themselves, and can be no other's name."""
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
    """Names of the fields for which a document lists the values (enum, const): words of the contract, never renamed."""
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
    # The contract orders no list; where there are numbers to sort by, the order of the answer says nothing.
    number = each.get("id") if isinstance(each, dict) else None
    return number if isinstance(number, int) else 0


def _is_optional(found: Difference) -> bool:
    # What the document demands and one side lacks is a difference of form.
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
