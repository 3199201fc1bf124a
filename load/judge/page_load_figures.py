"""Figures of page loads in a browser, one sample a load."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from load.generate.samples import Block, Result, Sample, blocks_of
from load.plan.measures import EMPTY_PAGE


@dataclass(slots=True)
class PageLoadFigures:
    """The page loads of a run. `left_out`: why no page was to be loaded; `failed`: why none could be; `begun`: the
    number of loads; `reasons` counts by measure what was wrong; `clock_step`: seconds by which the wall clock was
    set; `share` and `beyond`: as in RunConditions."""

    left_out: str = ""
    failed: str = ""
    seconds: float = 0.0
    tabs: int = 1
    begun: int = 0
    stopped_early: bool = False
    clock_step: float = 0.0
    share: float = 1.0
    beyond: dict[str, str] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)

    def series(self) -> dict[str, list[Block]]:
        """The samples in blocks by measure. The time of the empty page counts as added by the machine."""
        if not self.samples:
            return {}
        floor = {visit: middle(self._times(f"{EMPTY_PAGE}/{visit}")) for visit in ("cold", "warm")}
        samples = [replace(each, held=floor[each.measure.rpartition("/")[2]]) for each in self.samples]
        return blocks_of(samples, [(0.0, self.seconds)], self.seconds)

    def _times(self, measure: str) -> list[float]:
        return [each.latency for each in self.samples if each.measure == measure and each.result is Result.OK]

    def to_json(self) -> dict[str, Any]:
        """The values of the history's observation; the series are others."""
        results = Counter(each.result.name for each in self.samples)
        return {
            "left_out": self.left_out,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "tabs": self.tabs,
            "begun": self.begun,
            "stopped_early": self.stopped_early,
            "share": self.share,
            "beyond": self.beyond,
            "clock_step": round(self.clock_step, 4),
            "results": dict(results),
            "reasons": {measure: dict(counts.most_common(20)) for measure, counts in sorted(self.reasons.items())},
        }


def middle(times: Iterable[float]) -> float:
    """The upper median; 0 of none."""
    ordered = sorted(times)
    return ordered[len(ordered) // 2] if ordered else 0.0
