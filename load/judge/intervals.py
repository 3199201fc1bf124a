"""Confidence bounds for rates, percentiles and means of samples in blocks of time.

Neighbouring requests are not independent: a stall slows a hundred of them at once. So the variance is estimated from
the blocks, and the bounds of a rate are those of Clopper and Pearson at the effective sample size (Korn and Graubard,
Survey Methodology 24, 1998), which for independent samples is their number. Each bound is wrong with at most the
probability `error`.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.distributions import beta_quantile, binomial_at_most, t_quantile

FEWEST_BLOCKS = 8
"""Fewer blocks give no variance, and a mean no bounds."""

FEWEST_MEASUREMENTS = 100
"""With fewer samples the variance of times is too uncertain to judge a mean."""

# A sample underestimates the skewness of its distribution; this factor on the correction keeps the error of log-normal
# times within its bound (tests/load/judge/simulation.py).
_SKEWNESS_FACTOR = 2.5


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with one-sided bounds; nan and infinities if there is nothing to estimate."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(math.nan, -math.inf, math.inf)


def design_effect(hits: Sequence[int], totals: Sequence[int]) -> float:
    """The ratio of a rate's variance to that of independent tries; at least 1."""
    n, k = sum(totals), sum(hits)
    blocks = [(hit, total) for hit, total in zip(hits, totals, strict=True) if total]
    if len(blocks) < 2 or k in (0, n):
        return 1.0
    rate = k / n
    scatter = sum((hit - rate * total) ** 2 for hit, total in blocks)
    return max(1.0, len(blocks) / (len(blocks) - 1) * scatter / (n * rate * (1.0 - rate)))


def rate_bounds(
    hits: Sequence[int], totals: Sequence[int], error: float, *, unknown: Sequence[int] | None = None
) -> Interval:
    """The rate of hits among tries, by block. `unknown` tries (not in the totals) count as misses for the lower bound
    and as hits for the upper one."""
    unseen = list(unknown) if unknown is not None else [0] * len(totals)
    whole = [total + extra for total, extra in zip(totals, unseen, strict=True)]
    most = [hit + extra for hit, extra in zip(hits, unseen, strict=True)]
    if not sum(whole):
        return Interval(math.nan, 0.0, 1.0)
    value = sum(hits) / sum(totals) if sum(totals) else math.nan
    return Interval(value, _lower(hits, whole, error), _upper(most, whole, error))


def _lower(hits: Sequence[int], totals: Sequence[int], error: float) -> float:
    effect = design_effect(hits, totals)
    k, n = sum(hits) / effect, sum(totals) / effect
    return 0.0 if k <= 0 else beta_quantile(error, k, n - k + 1.0)


def _upper(hits: Sequence[int], totals: Sequence[int], error: float) -> float:
    effect = design_effect(hits, totals)
    k, n = sum(hits) / effect, sum(totals) / effect
    return 1.0 if k >= n else beta_quantile(1.0 - error, k + 1.0, n - k)


def percentile_bounds(ordered: Sequence[float], q: float, error: float, *, effect: float = 1.0) -> Interval:
    """The q-quantile (0 < q < 1) of sorted values, with bounds by order statistics; infinite if no value bounds it.
    `effect` is the design effect of the rate of values below it."""
    n = len(ordered)
    if not n:
        return UNKNOWN
    effective = n / effect
    low = _last_rank(lambda rank: binomial_at_most(rank - 1, effective, q) <= error, int(effective))
    beyond = _last_rank(lambda rank: 1.0 - binomial_at_most(rank - 1, effective, q) > error, int(effective))
    low_rank = math.floor(low * effect)
    high_rank = math.ceil((beyond + 1) * effect)
    return Interval(
        ordered[min(n, math.ceil(q * n)) - 1],
        ordered[low_rank - 1] if low_rank >= 1 else -math.inf,
        ordered[high_rank - 1] if high_rank <= n else math.inf,
    )


def _last_rank(holds: Callable[[int], bool], n: int) -> int:
    """The last of the ranks 1 to n for which a monotonic condition holds; 0 for none."""
    low, high = 0, n
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def mean_bounds(sums: Sequence[float], counts: Sequence[int], error: float) -> Interval:
    """The mean of samples by block (batch means), with bounds by Student's distribution, widened on the side of the
    longer tail by Johnson's correction for skewness (J. Am. Stat. Assoc. 73, 1978): times have a long tail to the
    right.

    The bounds are infinite with fewer than FEWEST_BLOCKS blocks.
    """
    blocks = [(total, count) for total, count in zip(sums, counts, strict=True) if count]
    n = sum(count for _, count in blocks)
    if not n:
        return UNKNOWN
    mean = sum(total for total, _ in blocks) / n
    size = len(blocks)
    if size < FEWEST_BLOCKS:
        return Interval(mean, -math.inf, math.inf)
    residuals = [total - mean * count for total, count in blocks]
    variance = sum(each**2 for each in residuals) / (size - 1)
    if variance <= 0.0:
        return Interval(mean, mean, mean)
    deviation = math.sqrt(variance * size) / n
    skewness = sum(each**3 for each in residuals) / size / variance**1.5
    t = t_quantile(1.0 - error, size - 1)
    shift = _SKEWNESS_FACTOR * skewness * (2.0 * t * t + 1.0) / (6.0 * math.sqrt(size))
    return Interval(mean, mean - deviation * (t + max(-shift, 0.0)), mean + deviation * (t + max(shift, 0.0)))


def fewest_for_rate(rate: float, error: float) -> int:
    """The number of tries without a miss that show a rate of at least `rate` (0 < rate < 1)."""
    return math.ceil(math.log(error) / math.log(rate))


def needed_for_rate(rate: float, truth: float, error: float) -> int:
    """About how many tries show, with a power of 0.8, a rate of at least `rate` if it is `truth`."""
    if truth >= 1.0:
        return fewest_for_rate(rate, error)
    z_error, z_power = t_quantile(1.0 - error, 1e6), t_quantile(0.8, 1e6)
    spread = z_error * math.sqrt(rate * (1 - rate)) + z_power * math.sqrt(truth * (1 - truth))
    return max(math.ceil((spread / (truth - rate)) ** 2), fewest_for_rate(rate, error))
