"""A paired comparison of durations: does one kind of request take longer than another?"""

import math
import random
import statistics
from collections.abc import Sequence

_DRAWS = 1_000


def compare(ones: Sequence[float], others: Sequence[float]) -> dict[str, float]:
    """Sign test over pairs of durations in seconds.

    `z`: how many standard deviations the number of pairs in which the one took longer is from half; `microseconds`: the
    median difference; `smallest`: the half width of its 99.9 % confidence interval by order statistics, in
    microseconds: what a real difference would have to exceed to be seen.
    """
    differences = sorted(one - other for one, other in zip(ones, others, strict=True) if one != other)
    n = len(differences)
    if n < 20:
        return {"z": 0.0, "microseconds": 0.0, "smallest": math.inf}
    longer = sum(each > 0 for each in differences)
    rank = math.ceil(3.29 * math.sqrt(n) / 2)
    low, high = differences[max(n // 2 - rank, 0)], differences[min(n // 2 + rank, n - 1)]
    return {
        "z": (2 * longer - n) / math.sqrt(n),
        "microseconds": statistics.median(differences) * 1e6,
        "smallest": (high - low) / 2 * 1e6,
    }


def differences(ones: Sequence[float], others: Sequence[float]) -> list[float]:
    """Of pairs of durations in seconds, by how many microseconds the one took longer."""
    return [round((one - other) * 1e6, 1) for one, other in zip(ones, others, strict=True)]


def would_be_seen(control: Sequence[float], z: float) -> float:
    """A positive control: by how many microseconds one of two equal kinds of requests would have to be slower for the
    sign test to be beyond `z`. `control`: differences of equal requests. Infinite for too few."""
    ordered = sorted(control)
    n = len(ordered)
    longer = math.ceil((n + z * math.sqrt(n)) / 2)
    return max(-ordered[n - longer], 0.0) if n and longer <= n else math.inf


def median_bounds(found: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """The median of differences between its 99 % bounds, by a quantile bootstrap over the pairs."""
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(found, k=len(found))) for _ in range(_DRAWS))
    return medians[round(0.005 * _DRAWS)], medians[round(0.995 * _DRAWS) - 1]
