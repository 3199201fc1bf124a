"""Compares the figures of two load runs, and tells changes from noise. Pure; the resampling is seeded.

Stretches of time are resampled with replacement (a block bootstrap, since neighbouring requests are not independent),
the same stretches in both runs if their plans are equal. A change is more than noise at a familywise error of 5 %
(Bonferroni over all statistics). Differences between whole runs, such as another machine, are not accounted for.
"""

import random
import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from harness.load_lines import LoadLine, MeasureLine, Stretch

_DRAWS = 200
_FEWEST = 8
_ERROR = 0.05
Statistic = Callable[[Sequence[Stretch]], float | None]


@dataclass(frozen=True, slots=True)
class Shift:
    """A statistic of one kind of request in both runs (milliseconds, or a share of 1); `low` and `high` bound the
    difference."""

    measure: str
    statistic: str
    before: float
    after: float
    low: float
    high: float

    @property
    def more_than_noise(self) -> bool:
        """Whether the bounds exclude zero."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        word = ("more" if self.after > self.before else "less") if self.more_than_noise else "noise"
        unit = "%" if self.statistic == "failed" else "ms"
        scale = 100 if unit == "%" else 1
        old, new, low, high = (each * scale for each in (self.before, self.after, self.low, self.high))
        bounds = f"{low:+.3g} to {high:+.3g} {unit}"
        return f"{word:5}  {self.measure} {self.statistic}: {old:.3g} -> {new:.3g} {unit} ({bounds})"


def shifts(before: LoadLine | None, after: LoadLine | None, seed: int = 0) -> tuple[Shift, ...]:
    """The statistics of both runs, changes first; none unless both are load runs."""
    if before is None or after is None:
        return ()
    old = {each.name: _known(each) for each in before.measures}
    new = {each.name: _known(each) for each in after.measures}
    paired = before.plan == after.plan
    names = [each for each in new if each in old and min(len(old[each]), len(new[each])) >= _FEWEST]
    chance = random.Random(seed)
    found = list(_all(names, old, new, chance, paired=paired))
    return tuple(sorted(found, key=lambda each: not each.more_than_noise))


def _all(
    names: Sequence[str],
    old: dict[str, list[Stretch]],
    new: dict[str, list[Stretch]],
    chance: random.Random,
    *,
    paired: bool,
) -> Iterator[Shift]:
    z = NormalDist().inv_cdf(1 - _ERROR / 2 / max(len(names) * len(_STATISTICS), 1))
    for name in names:
        draws = [_drawn(old[name], new[name], chance, paired=paired) for _ in range(_DRAWS)]
        for title, statistic in _STATISTICS.items():
            one, other = statistic(old[name]), statistic(new[name])
            if one is None or other is None or (one == other == 0.0):
                continue
            differences = []
            for first, second in draws:
                left, right = statistic(first), statistic(second)
                if left is not None and right is not None:
                    differences.append(right - left)
            if len(differences) < _DRAWS // 2:
                continue
            spread = z * statistics.stdev(differences)
            yield Shift(name, title, one, other, other - one - spread, other - one + spread)


def _drawn(
    old: Sequence[Stretch], new: Sequence[Stretch], chance: random.Random, *, paired: bool
) -> tuple[list[Stretch], list[Stretch]]:
    if paired and len(old) == len(new):
        places = chance.choices(range(len(old)), k=len(old))
        return [old[place] for place in places], [new[place] for place in places]
    return chance.choices(old, k=len(old)), chance.choices(new, k=len(new))


def _known(measure: MeasureLine) -> list[Stretch]:
    return [each for each in measure.stretches if each.measured and each.due]


def _mean(stretches: Sequence[Stretch]) -> float | None:
    count = sum(number for each in stretches for _, number in each.times)
    return sum(value * number for each in stretches for value, number in each.times) / count if count else None


def _p95(stretches: Sequence[Stretch]) -> float | None:
    together: Counter[float] = Counter()
    for each in stretches:
        for value, number in each.times:
            together[value] += number
    left = 0.95 * together.total()
    for value in sorted(together):
        left -= together[value]
        if left <= 0:
            return value
    return None


def _failed(stretches: Sequence[Stretch]) -> float | None:
    due = sum(each.due for each in stretches)
    return sum(each.failed for each in stretches) / due if due else None


_STATISTICS: dict[str, Statistic] = {"avg": _mean, "p(95)": _p95, "failed": _failed}
