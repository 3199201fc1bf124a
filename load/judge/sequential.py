"""Interim analyses of a run, which may end it early without raising the error probability.

Each analysis (look) spends a part of the error that a budget allows. The parts add up to the whole, so by Boole's
inequality the probability that any look is wrong is within it. Most of it is kept for the last look, which then hardly
differs from a single one (Haybittle and Peto).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.generate.samples import Block
from load.judge.evaluate import BudgetOutcome, evaluate
from load.plan.budgets import Budget

EARLY_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Looks:
    """When a run is analysed: at these shares of its measured seconds, the last of which is 1."""

    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

    def error(self, budget: Budget, look: int) -> float:
        """The error probability spent at a look (0-based); the last look gets the remainder."""
        early = len(self.shares) - 1
        if look < early:
            return budget.error * EARLY_SHARE / early
        return budget.error * ((1.0 - EARLY_SHARE) if early else 1.0)


ONLY_AT_THE_END = Looks((1.0,))


def enough(budgets: Sequence[Budget], series: Mapping[str, Sequence[Block]], looks: Looks, look: int) -> bool:
    """Whether a look decides every budget, so that the run may end."""
    return all(each.decided for each in at_look(budgets, series, looks, look).values())


def at_look(
    budgets: Sequence[Budget], series: Mapping[str, Sequence[Block]], looks: Looks, look: int
) -> dict[str, BudgetOutcome]:
    """The outcomes at a look, by budget id."""
    return {each.id: evaluate(each, series, looks.error(each, look)) for each in budgets}
