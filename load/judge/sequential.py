"""When a run may end early without raising the error probability.

Each look at the samples spends a part of the error that a budget allows. The parts add up to at most the whole, so by
Boole's inequality the probability that any look is wrong is within it. The moments of the looks depend on the number of
samples alone, never on what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.generate.samples import Block
from load.judge.evaluate import evaluate
from load.judge.needs import Need, fewest_for
from load.plan.budgets import Budget


@dataclass(frozen=True, slots=True)
class Looks:
    """The looks of a run. `moments`: each look but the last happens once every budget has so many times the number of
    samples that it needs at that look; the last look is the end of the run. `spent`: the share of the error that each
    look spends, with the last; they add up to 1."""

    moments: tuple[float, ...] = (1.0,)
    spent: tuple[float, ...] = (0.6, 0.4)

    def error(self, budget: Budget, look: int = 0) -> float:
        """The error probability that a look (0-based) spends."""
        return budget.error * self.spent[look]


ONLY_AT_THE_END = Looks((), (1.0,))


class Deciding:
    """Takes the looks of a run; `needs` are those of the budgets that it waits for."""

    def __init__(self, needs: Sequence[Need], looks: Looks) -> None:
        self._budgets = [each.budget for each in needs]
        self._looks = looks
        self._taken = 0
        self.undecided: tuple[Budget, ...] = tuple(self._budgets)
        """The budgets that the last look did not decide."""

    @property
    def is_over(self) -> bool:
        """Whether a look decided every budget."""
        return self._taken > 0 and not self.undecided

    @property
    def share(self) -> float:
        """The share of the allowed error with which the run is judged: that of the look that ended it, else all that is
        left."""
        return self._looks.spent[self._taken - 1] if self.is_over else 1.0 - sum(self._looks.spent[: self._taken])

    def missing(self, counts: Mapping[str, int]) -> dict[str, int]:
        """How many samples each budget still needs for the next look, by name; `counts` are samples by measure."""
        if self._taken >= len(self._looks.moments):
            return {}
        found = {}
        for budget in self._budgets:
            needed = self._looks.moments[self._taken] * fewest_for(budget, self._looks.error(budget, self._taken))
            left = round(needed) - sum(counts.get(each, 0) for each in budget.over)
            if left > 0:
                found[budget.name] = left
        return found

    def is_due(self, counts: Mapping[str, int]) -> bool:
        """Whether to take a look."""
        more = self._taken < len(self._looks.moments) and not self.is_over
        return more and bool(self._budgets) and not self.missing(counts)

    def look(self, series: Mapping[str, Sequence[Block]]) -> bool:
        """Take a look; returns whether every budget is decided, so that the run may end."""
        errors = {each.id: self._looks.error(each, self._taken) for each in self._budgets}
        self._taken += 1
        self.undecided = tuple(each for each in self._budgets if not evaluate(each, series, errors[each.id]).decided)
        return self.is_over
