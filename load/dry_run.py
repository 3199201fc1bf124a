"""What `crossapp load --plan` prints: what each budget needs, how long a run takes, and budgets that contradict."""

from collections.abc import Iterator, Sequence

from harness.thresholds import Statistic
from load.judge.needs import Need, duration, in_words, needs_of_pages, needs_of_requests, within
from load.plan.budgets import TIMES, Budget
from load.run import LoadOptions


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


def plan_lines(options: LoadOptions, pace: float) -> Iterator[str]:
    """The plan as lines of text. `pace`: page loads a second of an empty page in this machine's browser."""
    run, pages = options.run, options.pages
    seconds = sum(end - start for start, end in run.schedule.windows)
    needs = needs_of_requests(options.budgets, run.schedule, run.bursts.count * run.bursts.size, options.looks.spent[0])
    met, beyond = within(needs, seconds)
    first = _first(met) if options.looks.moments else seconds
    left = min(pages.seconds, options.within - first) if pages.looks.moments else pages.seconds
    of_pages = needs_of_pages(options.budgets, pace, pages.looks.spent[0])
    met_pages, beyond_pages = within(of_pages, left)
    loading = 0.0 if not pace else _first(met_pages) if pages.looks.moments else left
    if run.schedule.stages:
        yield f"requests: {run.schedule.highest_rate:g} per second for about {duration(first)}"
    if pages.seconds and not pace:
        yield "pages: none, no browser is installed (docs/browser.md)"
    elif pages.seconds:
        yield f"pages: at most {pace:.2g} loads per second on this machine, for about {duration(loading)}"
    most = options.within if options.looks.moments and pages.looks.moments else first + left
    yield f"in all about {duration(first + loading)}, at most {duration(most)}, and half a minute to set up"
    yield ""
    yield "N requests (M): N if none misses the budget, M if half of the allowed share misses it."
    for each in (*needs, *(of_pages if pace else ())):
        is_open = each.budget.id in {**beyond, **beyond_pages}
        yield f"{each.budget.id}  {each.budget.threshold}"
        yield f"    {in_words(each)}{_or_more(each)}" + (": NOT DECIDED in this run" if is_open else "")
    for sentence in contradictions(options.budgets):
        yield f"warning: {sentence}"


def _or_more(need: Need) -> str:
    return f" ({need.probably:,})" if need.probably > need.least else ""


def _first(needs: Sequence[Need]) -> float:
    return max((each.seconds for each in needs), default=0.0)
