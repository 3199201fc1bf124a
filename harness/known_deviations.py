"""Deviations that are known by name: what a run shows of them, and which violations they explain.

A deviation is a choice against a ruling of the contract that deployments are likely to make. It is known by what it
does to the record: `without` gives the record as it would be if the deployment did not deviate. A violation is
explained by the deviations without which the rule is not violated, so a deviation explains nothing else.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from harness.history import History
from harness.verdict import Verdict, Violated


@dataclass(frozen=True, slots=True)
class KnownDeviation:
    """One deviation.

    app: who deviates. sentence: what is done instead. ruling: what the contract says. without: the record as it would
    be without it, None if the record does not show it. shows_in: the requirements that it violates wherever it is.
    """

    name: str
    app: str
    sentence: str
    ruling: str
    without: Callable[[History], History | None]
    shows_in: tuple[str, ...]


class Explanations:
    """What the known deviations explain in one record."""

    def __init__(self, history: History, known: Iterable[KnownDeviation] = ()) -> None:
        self._history = history
        self._known: Mapping[str, KnownDeviation] = {each.name: each for each in known}
        self._records: dict[tuple[str, ...], History | None] = {(): history}

    def shows(self, name: str) -> bool:
        """Whether the record shows a deviation that is known by this name."""
        return name in self._known and self.without((name,)) is not None

    def shows_in(self, name: str) -> tuple[str, ...]:
        """The requirements that are violated wherever the deviation is; none for an unknown name."""
        return self._known[name].shows_in if name in self._known else ()

    def without(self, names: tuple[str, ...]) -> History | None:
        """The record as it would be without these deviations; None if it shows none of them."""
        if names not in self._records:
            *earlier, last = names
            before = self.without(tuple(earlier))
            after = self._known[last].without(before or self._history)
            self._records[names] = after or (before if earlier else None)
        return self._records[names]

    def record_without_all(self) -> History:
        """The record as it would be without any known deviation."""
        return self.without(tuple(name for name in self._known if self.shows(name))) or self._history

    def of(self, judge: Callable[[History], Verdict]) -> tuple[str, ...]:
        """The fewest deviations without which a rule is not violated; `judge` gives its verdict on a record."""
        shown = [name for name in self._known if self.shows(name)]
        for size in (1, 2, len(shown)):
            for names in combinations(shown, min(size, len(shown))):
                record = self.without(names)
                if names and record is not None and not isinstance(judge(record), Violated):
                    return names
        return ()
