"""Judging a budget by its samples: PASS, FAIL, INCONCLUSIVE or UNOBSERVABLE, with confidence bounds.

Requests that were never answered or never sent count as the best and as the worst case: only what holds in both is a
verdict.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from harness.thresholds import Statistic, Threshold
from load.generate.samples import Block, Result, measured, merged
from load.judge.intervals import (
    FEWEST_BLOCKS,
    FEWEST_MEASUREMENTS,
    Interval,
    design_effect,
    mean_bounds,
    percentile_bounds,
    rate_bounds,
)
from load.judge.needs import fewest_for
from load.plan.budgets import TIMES, Budget, Metric


class Word(StrEnum):
    """The result of a budget. INVALID: the run cannot be trusted. UNOBSERVABLE: the measured value is only a bound of
    the one in the budget, and on the wrong side of it."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    UNOBSERVABLE = "UNOBSERVABLE"


class Observes(StrEnum):
    """How the measured value relates to the one in the budget. UPPER: it is never smaller, so it can pass a ceiling and
    not fail it. LOWER: it is never larger. NONE: there is none."""

    EXACT = "exact"
    UPPER = "upper bound"
    LOWER = "lower bound"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class BudgetOutcome:
    """The outcome of a budget: confidence `bounds` of its statistic (times in milliseconds) from `count` samples.

    `unknown` requests have no answer. `needed` samples would probably decide it (0: not known); `remedy` says what to
    do if more samples would not.
    """

    word: Word
    bounds: Interval
    observes: Observes
    count: int
    unknown: int
    reason: str
    needed: int = 0
    remedy: str = ""

    @property
    def decided(self) -> bool:
        """Whether more samples would not change it."""
        return self.word in (Word.PASS, Word.FAIL, Word.UNOBSERVABLE)


_ANNOUNCED = 0.99
"""The share of correct answers that must announce a server-side time, or the client's time is used."""


def evaluate(
    budget: Budget, series: Mapping[str, Sequence[Block]], error: float | None = None, *, granted: float = 1.0
) -> BudgetOutcome:
    """Judge a budget by measured blocks.

    `error` is the probability with which a PASS, or a FAIL, may be wrong (default: the budget's). `granted` is the
    share of the wanted processor time that a target on the generator's machine got; 1 for a target elsewhere.
    """
    allowed = budget.error if error is None else error
    blocks = merged([measured(series[name]) for name in budget.over if name in series])
    total = sum(each.results.total() for each in blocks)
    if not total:
        reason = f"no sample of {', '.join(budget.over)} was measured"
        return BudgetOutcome(Word.INCONCLUSIVE, Interval(math.nan, -math.inf, math.inf), Observes.NONE, 0, 0, reason)
    if budget.metric in TIMES:
        return _unless_added(budget, blocks, allowed, granted)
    if budget.metric is Metric.FAILURES:
        return _of_count(budget, blocks)
    return _of_rate(budget, blocks, allowed)


def _of_rate(budget: Budget, blocks: Sequence[Block], error: float) -> BudgetOutcome:
    hits = [_hits(budget.metric, each) for each in blocks]
    unknown = [each.unknown for each in blocks]
    bounds = rate_bounds(hits, [each.answered for each in blocks], error, unknown=unknown)
    count = sum(each.answered for each in blocks)
    needed = fewest_for(budget, error)
    return _decided(budget.threshold, bounds, Observes.EXACT, count, sum(unknown), needed, error)


def _hits(metric: Metric, block: Block) -> int:
    if metric is Metric.ERRORS:
        return block.answered - block.results[Result.OK]
    return block.results[Result.OK if metric is Metric.SUCCESS else Result.DENIED]


def _of_count(budget: Budget, blocks: Sequence[Block]) -> BudgetOutcome:
    wrong = sum(each.results[Result.FAILED] + each.results[Result.DENIED] for each in blocks)
    count, unknown = sum(each.answered for each in blocks), sum(each.unknown for each in blocks)
    bounds = Interval(wrong, wrong, wrong + unknown)
    return _decided(budget.threshold, bounds, Observes.EXACT, count, unknown, 0, 0.0)


def _of_times(budget: Budget, blocks: Sequence[Block], error: float) -> BudgetOutcome:
    metric, observes = budget.metric, Observes.EXACT
    right = sum(each.results[Result.OK] for each in blocks)
    if metric in (Metric.SERVER, Metric.DATABASE):
        announced = sum(each.times[metric].total() for each in blocks)
        if not right or announced < _ANNOUNCED * right:
            metric, observes = Metric.LATENCY, Observes.UPPER
    threshold = budget.threshold
    unknown = sum(each.unknown for each in blocks)
    if threshold.statistic is Statistic.MEAN:
        bounds = _mean(blocks, metric, error)
        usable = sum(each.results[Result.OK] > 0 for each in blocks)
        if usable < FEWEST_BLOCKS or right < FEWEST_MEASUREMENTS:
            reason = (
                f"{right} samples in {usable} time intervals; a mean needs {FEWEST_MEASUREMENTS} samples in "
                f"{FEWEST_BLOCKS} intervals: run longer"
            )
            return BudgetOutcome(Word.INCONCLUSIVE, bounds, observes, right, unknown, reason, FEWEST_MEASUREMENTS)
        return _decided(threshold, bounds, observes, right, unknown, 0, error)
    below, bounds = _percentile(blocks, metric, threshold, error)
    needed = fewest_for(budget, error)
    # That 95 of 100 are below the limit is a rate, and judged as one.
    floor = Threshold(Statistic.RATE, ">=" if threshold.is_ceiling else "<", threshold.quantile)
    found = _decided(floor, below, observes, right, unknown, needed, error)
    return BudgetOutcome(found.word, bounds, observes, right, unknown, found.reason, needed)


def _unless_added(budget: Budget, blocks: Sequence[Block], error: float, granted: float) -> BudgetOutcome:
    """Downgrades a verdict to INCONCLUSIVE if it would flip once the delay added by the generator, or by other
    processes of its machine, is subtracted."""
    found = _of_times(budget, blocks, error)
    if found.word is not (Word.FAIL if budget.threshold.is_ceiling else Word.PASS):
        return found
    least = _of_times(budget, [each.at_least(granted) for each in blocks], error)
    if least.word is found.word:
        return found
    value = in_words(least.bounds.value, budget)
    reason = (
        f"{found.reason}; without the delay that the generator and other processes on its machine added, it might be "
        f"{value}, which would decide it"
    )
    remedy = "Run it from an idle machine."
    return replace(found, word=Word.INCONCLUSIVE, reason=reason, remedy=remedy)


def _mean(blocks: Sequence[Block], metric: Metric, error: float) -> Interval:
    """Bounds of the mean; unanswered requests took at least as long as they were waited for."""
    sums = [sum(value * count for value, count in each.times[metric].items()) for each in blocks]
    counts = [each.times[metric].total() for each in blocks]
    bounds = mean_bounds(sums, counts, error)
    if not any(each.unknown for each in blocks):
        return bounds
    waited = [sum(value * count for value, count in each.waited.items()) for each in blocks]
    least = mean_bounds(
        [one + other for one, other in zip(sums, waited, strict=True)],
        [one + block.unknown for one, block in zip(counts, blocks, strict=True)],
        error,
    )
    return Interval(bounds.value, min(least.low, bounds.low) if metric is not Metric.LATENCY else least.low, math.inf)


def _percentile(
    blocks: Sequence[Block], metric: Metric, threshold: Threshold, error: float
) -> tuple[Interval, Interval]:
    """Bounds of the share below the limit, and of the percentile itself."""
    strict = threshold.operator in ("<", ">=")
    below, totals, unknown = [], [], []
    for each in blocks:
        hits = sum(
            count
            for value, count in each.times[metric].items()
            if (value < threshold.limit if strict else value <= threshold.limit)
        )
        # An unanswered request that was waited for longer than the limit is above it.
        late = sum(count for value, count in each.waited.items() if value > threshold.limit)
        late = late if metric is Metric.LATENCY else 0
        below.append(hits)
        totals.append(each.times[metric].total() + late)
        unknown.append(each.unknown - late)
    share = rate_bounds(below, totals, error, unknown=unknown)
    together: Counter[float] = Counter()
    for each in blocks:
        together.update(each.times[metric])
        if metric is Metric.LATENCY:
            together.update(each.waited)
    ordered = sorted(together.elements())
    effect = design_effect(below, totals)
    bounds = percentile_bounds(ordered, threshold.quantile, error, effect=effect)
    return share, (Interval(bounds.value, bounds.low, math.inf) if sum(unknown) else bounds)


def _decided(
    threshold: Threshold, bounds: Interval, observes: Observes, count: int, unknown: int, needed: int, error: float
) -> BudgetOutcome:
    """PASS if both bounds are within the limit, FAIL if both are beyond it."""
    within = [threshold.admits(each) for each in (bounds.low, bounds.high)]
    unseen = f"; {unknown} got no response or were not sent" if unknown else ""
    if all(within):
        word, reason = Word.PASS, f"{count} samples{unseen}"
        if observes is Observes.LOWER:
            word, reason = (
                Word.UNOBSERVABLE,
                "only a lower bound was measured, which can fail the budget but not pass it",
            )
    elif not any(within):
        word, reason = Word.FAIL, f"{count} samples{unseen}"
        if observes is Observes.UPPER:
            word = Word.UNOBSERVABLE
            reason = (
                "only the client's time was measured, an upper bound that can pass the budget but not fail it: "
                "send Server-Timing"
            )
    else:
        word = Word.INCONCLUSIVE
        more = f" of at least {needed} that are needed" if needed > count else ""
        sure = f" with {100 * (1 - error):g} % confidence" if error else ""
        reason = f"{count} samples{more}{unseen}: too few to decide{sure}"
        if observes is Observes.UPPER:
            reason += ", and the client's time is only an upper bound"
    return BudgetOutcome(word, bounds, observes, count, unknown, reason, needed)


def in_words(value: float, budget: Budget) -> str:
    """A value of a budget's statistic with its unit."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "unbounded"
    if budget.metric in TIMES:
        return f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.3g} s"
    return f"{value:.0f}" if budget.metric is Metric.FAILURES else f"{100 * value:.4g} %"
