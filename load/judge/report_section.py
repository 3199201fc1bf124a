"""The section of a report about a load run, made from the history."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.history import History
from harness.load_lines import BudgetLine, LoadLine, MeasureLine, Stretch
from harness.report import Finding
from harness.typed import typed
from harness.verdict import VerdictName
from load.generate.samples import Block, Result, measured
from load.judge.catalogue import beyond, outcome_of
from load.judge.evaluate import BudgetOutcome, Observes, Word
from load.judge.intervals import Interval, mean_bounds, percentile_bounds
from load.judge.page_load_figures import middle
from load.judge.to_history import left_out, page_loads_of, run_of, series_of, tallies_of
from load.plan.arrivals import Schedule
from load.plan.budgets import TIMES, Budget, Metric
from load.plan.measures import MEASURES

PERCENTS = (50.0, 75.0, 90.0, 95.0, 99.0, 99.9)
_ERROR = 0.025
"""The error on either side of the bounds shown: 95 % confidence between them."""


def report_section(history: History, budgets: Sequence[Budget], findings: Sequence[Finding]) -> LoadLine:
    """The section of a run. Raises NothingObservedError if the history is not of a load run."""
    run = run_of(history).values
    tally = tallies_of(history)
    pages = page_loads_of(history)
    reasons = {**run["reasons"], **pages["reasons"]}
    verdicts = {each.requirement: each.verdict for each in findings}
    return LoadLine(
        plan=in_words(typed(Schedule, run["schedule"])),
        seconds=run["seconds"],
        lanes=run["lanes"],
        accounts={
            "scheduled": tally.scheduled,
            "ok": tally.ok,
            "failed": tally.failed,
            "dropped": tally.dropped,
            "censored": tally.censored,
        },
        health=run["health"],
        calibration={**run["calibration"], **_floor(history)},
        settings={**run["settings"], **_pages(pages), **_left_out(run["left_out"], pages)},
        budgets=tuple(
            _budget(each, history, verdicts[each.id])
            for each in budgets
            if each.id in verdicts and not all(left_out(history, name.partition("/")[0]) for name in each.over)
        ),
        measures=tuple(
            _measure(name, blocks, reasons.get(name, {}))
            for name, blocks in sorted(series_of(history).items(), key=lambda each: _order(each[0]))
        ),
    )


def _pages(pages: Mapping[str, Any]) -> dict[str, str]:
    if pages["left_out"]:
        return {}
    tabs = f"{pages['tabs']} tab" + ("s" if pages["tabs"] != 1 else "")
    return {"pages": f"{pages['begun']} loads in {pages['seconds']:.0f} s, {tabs}"}


def _floor(history: History) -> dict[str, float]:
    """The median times of the empty page in milliseconds."""
    found = {}
    series = series_of(history)
    for measure, name in (("emptyPage/cold", "page, first visit"), ("emptyPage/warm", "page, second visit")):
        times = [time for each in series.get(measure, ()) for time in each.times[Metric.LATENCY].elements()]
        if times:
            found[name] = middle(times)
    return found


def _left_out(journeys: Mapping[str, str], pages: Mapping[str, Any]) -> dict[str, str]:
    """The journeys that were left out, by reason."""
    all_of_them = {**journeys, **({"widget": pages["left_out"]} if pages["left_out"] else {})}
    by_reason: dict[str, list[str]] = {}
    for name, why in all_of_them.items():
        by_reason.setdefault(why, []).append(name)
    return {f"left out: {', '.join(names)}": why for why, names in by_reason.items()}


def _order(name: str) -> tuple[bool, int]:
    """A sort key: journeys in the order of MEASURES, then the calls within a flow."""
    names = list(MEASURES)
    return name.startswith("flow/"), names.index(name) if name in names else len(names)


def in_words(schedule: Schedule) -> str:
    """A schedule in words."""
    parts = []
    if not schedule.stages:
        return "no requests"
    for each in schedule.stages:
        rate = f"{each.start:g}/s" if each.start == each.end else f"{each.start:g} to {each.end:g}/s"
        parts.append(f"{each.kind} {each.seconds:g} s at {rate}")
    return f"{', '.join(parts)}; {schedule.model.value} arrivals, seed {schedule.seed}"


def _budget(budget: Budget, history: History, verdict: VerdictName) -> BudgetLine:
    outcome = outcome_of(budget, history)
    more = beyond(budget, outcome, history)
    unit = "ms" if budget.metric in TIMES else ("count" if budget.metric is Metric.FAILURES else "share")
    word = Word.INVALID if verdict in (VerdictName.BLOCKED, VerdictName.HARNESS_FAULT) else outcome.word
    if verdict is VerdictName.NOT_APPLICABLE and not more:
        word = Word.UNOBSERVABLE
    bounds = outcome.bounds
    return BudgetLine(
        requirement=budget.id,
        threshold=str(budget.threshold),
        metric=budget.metric.value,
        over=budget.over,
        unit=unit,
        word=word.value,
        value=_finite(bounds.value),
        low=_finite(bounds.low),
        high=_finite(bounds.high),
        margin=_margin(budget, bounds.value),
        count=outcome.count,
        unknown=outcome.unknown,
        observes=outcome.observes.value,
        confidence=budget.confidence,
        reading=budget.reading,
        needs=more or _needs(budget, outcome, word),
    )


def _needs(budget: Budget, outcome: BudgetOutcome, word: Word) -> str:
    """What would decide a budget; empty if it is decided."""
    if word is Word.INVALID:
        return "a run that can be trusted"
    if word is Word.UNOBSERVABLE:
        return "the Server-Timing header" if outcome.observes is Observes.UPPER else ""
    if word is not Word.INCONCLUSIVE:
        return ""
    unit = "loads" if budget.of_pages else "requests"
    if outcome.remedy:
        return outcome.remedy
    if outcome.needed > outcome.count:
        return f"at least {outcome.needed} {unit}"
    if outcome.unknown:
        return f"more {unit}, each with a response"
    about = _about(budget, outcome)
    return f"about {about} {unit}" if about else f"more {unit}: the value is too close to the limit to say how many"


_MOST_TIMES = 100


def _about(budget: Budget, outcome: BudgetOutcome) -> int:
    """About how many samples would decide it if the value stays: bounds narrow with the root of their number. 0 if it
    is not known, or more than 100 times as many."""
    bounds, limit = outcome.bounds, budget.threshold.limit
    width = bounds.high - bounds.value if bounds.value < limit else bounds.value - bounds.low
    distance = abs(bounds.value - limit)
    if not math.isfinite(width) or not distance:
        return 0
    times = (width / distance) ** 2
    return math.ceil(float(f"{outcome.count * times:.2g}")) if 1.0 < times <= _MOST_TIMES else 0


def _margin(budget: Budget, value: float) -> float | None:
    """The share of the limit that is left; for a lower bound of a rate, of the misses that it allows."""
    threshold = budget.threshold
    limit, used = (threshold.limit, value) if threshold.is_ceiling else (1.0 - threshold.limit, 1.0 - value)
    return None if math.isnan(used) or not limit else round((limit - used) / limit, 4)


def _measure(name: str, blocks: Sequence[Block], reasons: Mapping[str, int]) -> MeasureLine:
    known = measured(blocks)
    results: Counter[Result] = Counter()
    for each in known:
        results.update(each.results)
    sums = [sum(value * count for value, count in each.times[Metric.LATENCY].items()) for each in known]
    counts = [each.times[Metric.LATENCY].total() for each in known]
    return MeasureLine(
        name=name,
        about=MEASURES.get(name, ""),
        results={each.name: results[each] for each in Result if results[each]},
        reasons=dict(reasons),
        mean=_row(mean_bounds(sums, counts, _ERROR)),
        percentiles=_percentiles(known, Metric.LATENCY),
        service=_percentiles(known, Metric.SERVICE),
        server=_percentiles(known, Metric.SERVER),
        stretches=tuple(_stretch(each) for each in blocks if each.results),
    )


def _percentiles(blocks: Sequence[Block], metric: Metric) -> tuple[tuple[float | None, ...], ...]:
    together: Counter[float] = Counter()
    for each in blocks:
        together.update(each.times[metric])
    ordered = sorted(together.elements())
    if not ordered:
        return ()
    return tuple((each, *_row(percentile_bounds(ordered, each / 100, _ERROR))) for each in PERCENTS)


def _stretch(block: Block) -> Stretch:
    right = block.results[Result.OK]
    due = block.results.total()
    times = tuple((value, count) for value, count in sorted(block.times[Metric.LATENCY].items()))
    return Stretch(round(block.start, 3), round(block.seconds, 3), block.measured, due, due - right, times)


def _row(bounds: Interval) -> tuple[float | None, ...]:
    return tuple(_finite(each) for each in (bounds.value, bounds.low, bounds.high))


def _finite(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
