"""Where the entries of a growing list are that have something in common."""

from array import array
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Index(Generic[T]):
    """The places of entries by their keys. It is brought up to date when it is asked, by what was appended since: each
    entry is looked at once. An entry may be replaced by one with the same keys."""

    def __init__(self, keys: Callable[[T], Iterable[Hashable]]) -> None:
        self._keys = keys
        self._seen = 0
        self._places: dict[Hashable, array[int]] = defaultdict(lambda: array("q"))

    def places(self, entries: Sequence[T], key: Hashable) -> Sequence[int]:
        """The places of the entries with this key, ascending."""
        if len(entries) < self._seen:
            self._places.clear()
            self._seen = 0
        if len(entries) > self._seen:
            for place in range(self._seen, len(entries)):
                for each in self._keys(entries[place]):
                    self._places[each].append(place)
            self._seen = len(entries)
        return self._places.get(key, ())

    def of(self, entries: Sequence[T], key: Hashable) -> list[T]:
        """The entries with this key, in order."""
        return [entries[place] for place in self.places(entries, key)]
