"""Looking at a run before its end, without being wrong more often for it.

Each look spends a part of the error that a budget allows; the parts add up to the whole, so that by Boole's inequality
the chance that any of the looks is wrong is within it. Most is kept for the end, which then hardly differs from the
only look (Haybittle and Peto).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from load.generate.samples import Block
from load.judge.evaluate import Outcome, evaluate
from load.plan.budgets import Budget

EARLY_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Looks:
    """When a run of some measured seconds is looked at: at these shares of it, the last of which is 1."""

    shares: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0)

    def error(self, budget: Budget, look: int) -> float:
        """What a budget may be wrong by at a look, counted from 0; the last one has what the others leave."""
        early = len(self.shares) - 1
        if look < early:
            return budget.error * EARLY_SHARE / early
        return budget.error * ((1.0 - EARLY_SHARE) if early else 1.0)


ONLY_AT_THE_END = Looks((1.0,))


def enough(budgets: Sequence[Budget], series: Mapping[str, Sequence[Block]], looks: Looks, look: int) -> bool:
    """Whether a look decides every budget, so that nothing more needs to be sent."""
    return all(each.decided for each in at_look(budgets, series, looks, look).values())


def at_look(
    budgets: Sequence[Budget], series: Mapping[str, Sequence[Block]], looks: Looks, look: int
) -> dict[str, Outcome]:
    """The outcomes at a look, by the budget's id."""
    return {each.id: evaluate(each, series, looks.error(each, look)) for each in budgets}
