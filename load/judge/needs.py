"""How many samples a budget needs, and how long they take."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.thresholds import Statistic
from load.judge.intervals import FEWEST_MEASUREMENTS, fewest_for_rate, needed_for_rate
from load.plan.arrivals import Schedule
from load.plan.budgets import Budget, Metric
from load.plan.measures import PAGES, SIMULTANEOUS

SPARE = 1.05
"""So many times the needed samples are planned: some are still under way, or get no response, when they are judged."""


@dataclass(frozen=True, slots=True)
class Need:
    """The number of samples that a budget needs: `least` decide it if none misses it, about `probably` if half of the
    allowed misses happen. `rate` of them are sent a second (infinite: all at once, at the end; 0: none)."""

    budget: Budget
    least: int
    probably: int
    rate: float

    @property
    def seconds(self) -> float:
        """How long the least number takes; infinite if none are sent."""
        return SPARE * self.least / self.rate if self.rate else math.inf

    @property
    def unit(self) -> str:
        """What its samples are."""
        return "page loads" if self.budget.of_pages else "requests"


def fewest_for(budget: Budget, error: float) -> int:
    """The number of samples that decide a budget if none misses it."""
    goal = _goal(budget)
    if budget.threshold.statistic is Statistic.MEAN:
        # The width of a mean's bounds depends on the variance of the times, which is not known beforehand.
        return FEWEST_MEASUREMENTS
    return fewest_for_rate(goal, error) if 0.0 < goal < 1.0 else 1


def _probable(budget: Budget, error: float) -> int:
    goal = _goal(budget)
    if budget.threshold.statistic is Statistic.MEAN:
        return 4 * FEWEST_MEASUREMENTS
    return needed_for_rate(goal, (1.0 + goal) / 2, error) if 0.0 < goal < 1.0 else 1


def _goal(budget: Budget) -> float:
    """The share of the samples that must be within the budget; 0 if it is not about a share."""
    threshold = budget.threshold
    if budget.metric is Metric.FAILURES or threshold.statistic is Statistic.MEAN:
        return 0.0
    bound = threshold.quantile if threshold.statistic is Statistic.PERCENTILE else threshold.limit
    of_misses = threshold.is_ceiling is (threshold.statistic is Statistic.RATE)
    return 1.0 - bound if of_misses else bound


def needs_of_requests(
    budgets: Sequence[Budget], schedule: Schedule, simultaneous: int, share: float = 1.0
) -> tuple[Need, ...]:
    """The needs of the budgets of requests. `simultaneous`: the number of requests in bursts; `share`: the share of the
    allowed error with which they are judged."""
    seconds = sum(end - start for start, end in schedule.windows)
    arrivals = sum(each.arrivals for each in schedule.stages if each.measured)
    found = []
    for budget in budgets:
        if budget.of_pages:
            continue
        rate = arrivals * _share(budget.over, schedule.mix) / seconds if seconds else 0.0
        if SIMULTANEOUS in budget.over and simultaneous:
            rate = math.inf
        found.append(_need(budget, share, rate))
    return tuple(found)


def needs_of_pages(budgets: Sequence[Budget], pace: float, share: float = 1.0) -> tuple[Need, ...]:
    """The needs of the budgets of pages; `pace`: page loads a second, first and second visits together."""
    return tuple(_need(each, share, pace * len(set(each.over)) / len(PAGES)) for each in budgets if each.of_pages)


def _need(budget: Budget, share: float, rate: float) -> Need:
    error = share * budget.error
    return Need(budget, fewest_for(budget, error), _probable(budget, error), rate)


def _share(over: Sequence[str], mix: Mapping[str, float]) -> float:
    total = sum(mix.values())
    return sum(mix.get(each.partition("/")[0], 0.0) for each in over) / total if total else 0.0


def within(needs: Sequence[Need], seconds: float) -> tuple[tuple[Need, ...], dict[str, str]]:
    """The needs that so many seconds meet, and for each other budget, by id, what it would need."""
    met = tuple(each for each in needs if each.seconds <= seconds)
    return met, {each.budget.id: in_words(each) for each in needs if each not in met}


def in_words(need: Need) -> str:
    """What a budget needs: 1,167 page loads, 13 min at 1.5 per second."""
    if math.isinf(need.rate):
        return "bursts of simultaneous requests, at the end"
    if not need.rate:
        return f"{need.least:,} {need.unit}, of which none are sent"
    return f"{need.least:,} {need.unit}, {duration(need.seconds)} at {need.rate:.3g} per second"


def duration(seconds: float) -> str:
    """A duration in words: 45 s, 2 min 40 s, 13 min, 3 h."""
    if seconds < 60:
        return f"{max(seconds, 1):.0f} s"
    if seconds < 600:
        whole, rest = divmod(5 * round(seconds / 5), 60)
        return f"{whole} min" + (f" {rest} s" if rest else "")
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
