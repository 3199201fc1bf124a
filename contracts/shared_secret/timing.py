"""A paired comparison of durations: does one kind of request take longer than another?"""

import math
import statistics
from collections.abc import Sequence


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
