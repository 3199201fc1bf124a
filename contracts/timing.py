"""A paired comparison of durations: does one kind of request take longer than another?

A measurement can show a timing leak, but not that there is none. So a rule that holds reports the smallest difference
that the measurement would have shown.
"""

import math
import random
import statistics
from collections.abc import Sequence

from harness.expectations import BrokenRuleError, UndecidedError, held
from harness.history import History
from harness.verdict import Verdict

_DRAWS = 1_000
# At 5.5 standard deviations, one run in 25 million without a leak is called a leak.
_FAR = 5.5
# One run in two thousand without a leak is beyond it: too likely for a leak, too unlikely for none.
_SUSPICIOUS = 3.29
_SMALLEST_LEAK = 20.0


def compare(ones: Sequence[float], others: Sequence[float]) -> dict[str, float]:
    """Sign test over pairs of durations in seconds.

    Returns `z`, the number of standard deviations by which the share of pairs in which the first took longer differs
    from half; `microseconds`, the median difference; and `smallest`, half the width of its 99.9 % confidence interval
    by order statistics, in microseconds.
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
    """By how many microseconds the first duration of each pair was longer; the durations are in seconds."""
    return [round((one - other) * 1e6, 1) for one, other in zip(ones, others, strict=True)]


def smallest_shown(control: Sequence[float], z: float) -> float:
    """The delay in microseconds that would put the sign test beyond `z`; infinite for too few pairs.

    `control` are the differences, in microseconds, of equal requests (an A/A test).
    """
    ordered = sorted(control)
    n = len(ordered)
    longer = math.ceil((n + z * math.sqrt(n)) / 2)
    return max(-ordered[n - longer], 0.0) if n and longer <= n else math.inf


def median_bounds(found: Sequence[float], *, seed: int = 0) -> tuple[float, float]:
    """The 99 % confidence interval of the median difference, by a bootstrap over the pairs."""
    chance = random.Random(seed)
    medians = sorted(statistics.median(chance.choices(found, k=len(found))) for _ in range(_DRAWS))
    return medians[round(0.005 * _DRAWS)], medians[round(0.995 * _DRAWS) - 1]


def takes_as_long(history: History, story: str) -> Verdict:
    """Judges a story's comparison of requests that are nearly right with requests that are wrong throughout.

    Raises BrokenRuleError with the size of a leak, UndecidedError if the run is too noisy or too short to decide.
    """
    seen = history.observation(f"{story}/comparison")
    if not seen.values["all_refused"]:
        raise UndecidedError("not every guess returned 401 (a rate limit?), so the times cannot be compared")
    probe, control = seen.values["probe"], seen.values["control"]
    if abs(control["z"]) > _FAR:
        raise UndecidedError(f"equal requests also differ (z {control['z']:+.1f}): the machine is too noisy to decide")
    smallest = max(smallest_shown(seen.values["differences"]["control"], _FAR), _SMALLEST_LEAK)
    if math.isinf(smallest):
        raise UndecidedError(f"{seen.values['pairs']} pairs are too few to show any difference")
    low, high = median_bounds(seen.values["differences"]["probe"])
    summary = f"{seen.values['pairs']} pairs, median difference {probe['microseconds']:+.0f} µs (z {probe['z']:+.1f})"
    if probe["z"] > _FAR and probe["microseconds"] > _SMALLEST_LEAK:
        leak = f"{summary}: a leak of {probe['microseconds']:.0f} µs ({low:.0f} to {high:.0f})"
        raise BrokenRuleError("no difference", leak, seen.values["exchange"])
    if probe["z"] > _SUSPICIOUS and probe["microseconds"] > _SMALLEST_LEAK:
        raise UndecidedError(f"{summary}: unlikely by chance, but not certain; run it again")
    largest = max(smallest, high)
    return held(
        (seen.values["exchange"], seen),
        f"{summary}: no difference above {largest:.0f} µs, which the measurement would show",
    )
