"""What `crossapp load --plan` prints: the sample size that each budget needs, and budgets that contradict."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.thresholds import Statistic
from load.judge.intervals import FEWEST_MEASUREMENTS, fewest_for_rate, needed_for_rate
from load.pages.page_loads import PageLoadOptions
from load.plan.arrivals import Schedule
from load.plan.budgets import TIMES, Budget, Metric
from load.plan.measures import PAGES

_BEHIND = {"flow/": "flow"}
PACE = 2.0
"""The assumed number of page loads a second, in one tab, on a machine with two cores."""


@dataclass(frozen=True, slots=True)
class Need:
    """The sample size that a budget needs. `least` requests decide it if none misses, about `probably` if half of the
    allowed misses happen. The schedule sends `rate` of them a second, `planned` in all. For a budget of pages these are
    estimated page loads."""

    budget: Budget
    least: int
    probably: int
    rate: float
    planned: int

    @property
    def minutes(self) -> float | None:
        """Minutes for the least number; None if none are sent."""
        return self.least / self.rate / 60 if self.rate else None

    @property
    def minutes_probably(self) -> float | None:
        """Minutes for the probable number; None if none are sent."""
        return self.probably / self.rate / 60 if self.rate else None

    @property
    def reachable(self) -> bool:
        """Whether the schedule sends at least the least number."""
        return self.planned >= self.least


def needs(
    budgets: Sequence[Budget],
    schedule: Schedule,
    simultaneous: int = 0,
    pages: PageLoadOptions = PageLoadOptions(),  # noqa: B008  # frozen
) -> list[Need]:
    """The need of each budget. `simultaneous` is the number of requests in bursts, `pages` says how pages are
    loaded."""
    seconds = sum(end - start for start, end in schedule.windows)
    arrivals = sum(each.arrivals for each in schedule.stages if each.measured)
    found = []
    for budget in budgets:
        if budget.of_pages:
            found.append(_of_pages(budget, pages))
            continue
        share = _share(budget.over, schedule.mix)
        rate = arrivals * share / seconds if seconds else 0.0
        planned = round(arrivals * share) + (simultaneous if "simultaneous" in budget.over else 0)
        least, probably = _numbers(budget)
        found.append(Need(budget, least, probably, rate, planned))
    return found


def _of_pages(budget: Budget, pages: PageLoadOptions) -> Need:
    share = len(budget.over) / len(PAGES)
    least, probably = _numbers(budget)
    rate = PACE * share if pages.seconds else 0.0
    return Need(budget, least, probably, rate, round(min(rate * pages.seconds, pages.most * share)))


def _share(over: Sequence[str], mix: Mapping[str, float]) -> float:
    total = sum(mix.values())
    return sum(mix.get(each, mix.get(_BEHIND.get(each.partition("/")[0] + "/", ""), 0.0)) for each in over) / total


def _numbers(budget: Budget) -> tuple[int, int]:
    threshold = budget.threshold
    if budget.metric is Metric.FAILURES:
        return 1, 1
    if threshold.statistic is Statistic.MEAN:
        # The width of a mean's bounds depends on the variance of the times, which is not known beforehand.
        return FEWEST_MEASUREMENTS, 4 * FEWEST_MEASUREMENTS
    if threshold.statistic is Statistic.PERCENTILE:
        goal = threshold.quantile if threshold.is_ceiling else 1.0 - threshold.quantile
    else:
        goal = 1.0 - threshold.limit if threshold.is_ceiling else threshold.limit
    if not 0.0 < goal < 1.0:
        return 1, 1
    return fewest_for_rate(goal, budget.error), needed_for_rate(goal, (1.0 + goal) / 2, budget.error)


def contradictions(budgets: Sequence[Budget]) -> list[str]:
    """Sentences on pairs of budgets that cannot both hold, or of which one implies the other."""
    found = []
    for index, one in enumerate(budgets):
        for other in budgets[index + 1 :]:
            if set(one.over) & set(other.over):
                found += [*_conflict(one, other), *_redundant(one, other), *_redundant(other, one)]
    return found


def _conflict(one: Budget, other: Budget) -> Iterator[str]:
    ceiling, floor = (one, other) if one.threshold.is_ceiling else (other, one)
    if not ceiling.threshold.is_ceiling or floor.threshold.is_ceiling:
        return
    same = ceiling.metric is floor.metric and ceiling.threshold.statistic is floor.threshold.statistic
    # A lower percentile is never above a higher one, so a floor of the lower one cannot lie above its ceiling.
    ordered = ceiling.threshold.quantile >= floor.threshold.quantile
    if same and ordered and floor.threshold.limit >= ceiling.threshold.limit:
        yield f"{one.id} ({one.threshold}) and {other.id} ({other.threshold}) contradict each other"


def _redundant(strict: Budget, loose: Budget) -> Iterator[str]:
    """Whether a percentile's ceiling follows from that of a higher percentile."""
    both = (strict.threshold, loose.threshold)
    if (
        strict.metric in TIMES
        and strict.metric is loose.metric
        and set(loose.over) <= set(strict.over)
        and all(each.statistic is Statistic.PERCENTILE and each.is_ceiling for each in both)
        and both[0].quantile > both[1].quantile
        and both[0].limit <= both[1].limit
    ):
        yield f"{loose.id} ({both[1]}) is implied by {strict.id} ({both[0]})"


def plan_lines(
    budgets: Sequence[Budget], schedule: Schedule, simultaneous: int, pages: PageLoadOptions
) -> Iterator[str]:
    """The plan as lines of text."""
    seconds = sum(end - start for start, end in schedule.windows)
    arrivals = sum(each.arrivals for each in schedule.stages if each.measured)
    yield f"{seconds:g} s of measurement, {arrivals:.0f} arrivals."
    if pages.seconds:
        yield f"{pages.seconds:g} s of page loads, estimated at {PACE:g} per second, some of them of an empty page."
    yield "needs N (M): N samples if none misses the budget, M if half of the allowed share misses it."
    yield ""
    width = max(len(each.id) for each in budgets)
    for each in needs(budgets, schedule, simultaneous, pages):
        enough = "enough" if each.reachable else "TOO FEW"
        verb = "loads about" if each.budget.of_pages else "sends"
        yield f"{each.budget.id.ljust(width)}  {each.budget.threshold}"
        yield f"    needs {each.least} ({each.probably}), {verb} {each.planned}: {enough}{_minutes(each)}"
    for sentence in contradictions(budgets):
        yield f"warning: {sentence}"


def _minutes(need: Need) -> str:
    if need.minutes is None or need.minutes_probably is None:
        return ""
    return f"; at this rate {_long(need.minutes)} ({_long(need.minutes_probably)})"


def _long(minutes: float) -> str:
    return f"{max(minutes * 60, 1):.0f} s" if minutes < 1.5 else f"{minutes:.0f} min"
