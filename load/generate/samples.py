"""What was measured: one sample a request, and samples gathered by blocks of time."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from load.plan.budgets import Metric


class Result(IntEnum):
    """What came of a request.

    OK: answered, and rightly. FAILED: answered wrongly. DENIED: valid credentials refused (401, 403). LIMITED: 429.
    REFUSED: no connection, so it surely did not happen. UNANSWERED: nothing came back in time or at all. DROPPED: it
    was due and never sent, because too many were under way.
    """

    OK = 0
    FAILED = 1
    DENIED = 2
    LIMITED = 3
    REFUSED = 4
    UNANSWERED = 5
    DROPPED = 6


ANSWERED = (Result.OK, Result.FAILED, Result.DENIED)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `at`: when it was due, in seconds after the start. Times in milliseconds: `latency` from then to
    the last byte, `service` from sending; `server` and `database` as the answer announces them, nan where it does
    not. Of one without an answer they tell how long it was waited for. `held`: for how long the generator was kept from
    a processor meanwhile."""

    measure: str
    at: float
    result: Result
    latency: float
    service: float
    server: float = math.nan
    database: float = math.nan
    held: float = 0.0

    @property
    def ours(self) -> float:
        """Milliseconds of the latency that the generator may have added itself: sent late, or kept from a processor."""
        return max(self.latency - self.service, 0.0) + self.held

    def row(self) -> list[Any]:
        """As a row of a file: milliseconds to the microsecond."""
        times = (self.latency, self.service, self.server, self.database)
        return [
            self.measure,
            round(self.at, 4),
            int(self.result),
            *(None if math.isnan(each) else round(each, 3) for each in times),
            round(self.held, 3),
        ]

    @classmethod
    def from_row(cls, row: Sequence[Any]) -> "Sample":
        """Read a row."""
        latency, service, server, database = (math.nan if each is None else float(each) for each in row[3:7])
        return cls(str(row[0]), float(row[1]), Result(row[2]), latency, service, server, database, float(row[7]))

    def time(self, metric: Metric) -> float:
        """One of its times."""
        match metric:
            case Metric.LATENCY:
                return self.latency
            case Metric.SERVICE:
                return self.service
            case Metric.SERVER:
                return self.server
            case _:
                return self.database


def rounded(value: float) -> float:
    """To four digits, which is 0.05 % at most."""
    return float(f"{value:.4g}")


KEPT_TIMES = (Metric.LATENCY, Metric.SERVICE, Metric.SERVER, Metric.DATABASE)
CLIENT_TIMES = (Metric.LATENCY, Metric.SERVICE)


@dataclass(slots=True)
class Block:
    """The samples of one measure that were due in one stretch of time. `times`: of the right answers, how often each
    value was seen, and `least`, what they are without all that the generator may have added itself; `waited`: of the
    unanswered ones, for how long."""

    start: float
    seconds: float
    measured: bool
    results: Counter[Result] = field(default_factory=Counter)
    times: dict[Metric, Counter[float]] = field(default_factory=lambda: {each: Counter() for each in KEPT_TIMES})
    waited: Counter[float] = field(default_factory=Counter)
    least: dict[Metric, Counter[float]] = field(default_factory=lambda: {each: Counter() for each in CLIENT_TIMES})

    def add(self, sample: Sample) -> None:
        """Count a sample in."""
        self.results[sample.result] += 1
        if sample.result is Result.OK:
            for metric in KEPT_TIMES:
                value = sample.time(metric)
                if not math.isnan(value):
                    self.times[metric][rounded(value)] += 1
            self.least[Metric.LATENCY][rounded(max(sample.latency - sample.ours, 0.0))] += 1
            self.least[Metric.SERVICE][rounded(max(sample.service - sample.held, 0.0))] += 1
        elif sample.result is Result.UNANSWERED:
            self.waited[rounded(sample.latency)] += 1

    @property
    def answered(self) -> int:
        """How many were answered, rightly or not."""
        return sum(self.results[each] for each in ANSWERED)

    @property
    def unknown(self) -> int:
        """How many have no answer of which a budget speaks."""
        return self.results.total() - self.answered

    def at_least(self, granted: float) -> "Block":
        """The same with the times that are surely not the generator's own, nor, of a target that shares its machine,
        other processes': `granted` is the share that those left."""
        times = {**self.times, **self.least}
        if granted < 1.0:
            times = {metric: _scaled(counted, granted) for metric, counted in times.items()}
        return replace(self, times=times)

    def to_json(self) -> dict[str, Any]:
        """As JSON; `from_json` reads it back."""
        return {
            "start": round(self.start, 3),
            "seconds": round(self.seconds, 3),
            "measured": self.measured,
            "results": {each.name: self.results[each] for each in Result if self.results[each]},
            "times": {metric.value: _pairs(self.times[metric]) for metric in KEPT_TIMES},
            "waited": _pairs(self.waited),
            "least": {metric.value: _pairs(self.least[metric]) for metric in CLIENT_TIMES},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Block":
        """Read what `to_json` wrote."""
        return cls(
            float(value["start"]),
            float(value["seconds"]),
            bool(value["measured"]),
            Counter({Result[name]: int(count) for name, count in value["results"].items()}),
            {metric: _counter(value["times"][metric.value]) for metric in KEPT_TIMES},
            _counter(value["waited"]),
            {metric: _counter(value["least"][metric.value]) for metric in CLIENT_TIMES},
        )


def _pairs(counted: Counter[float]) -> list[list[float]]:
    return [[value, count] for value, count in sorted(counted.items())]


def _scaled(counted: Counter[float], factor: float) -> Counter[float]:
    scaled: Counter[float] = Counter()
    for value, count in counted.items():
        scaled[rounded(value * factor)] += count
    return scaled


def _counter(pairs: Iterable[Sequence[float]]) -> Counter[float]:
    return Counter({float(value): int(count) for value, count in pairs})


MOST_BLOCKS = 40


def blocks_of(
    samples: Iterable[Sample], windows: Sequence[tuple[float, float]], seconds: float
) -> dict[str, list[Block]]:
    """The samples by measure and stretch of time.

    Each measured window is cut into equal blocks, at most MOST_BLOCKS in all and none shorter than a quarter of a
    second; what lies outside of them is in blocks that are not measured. `seconds`: how long the run lasted; a window
    beyond it ends there.
    """
    edges = _edges([(start, min(end, seconds)) for start, end in windows if start < seconds], seconds)
    found: dict[str, list[Block]] = {}
    for sample in samples:
        blocks = found.get(sample.measure)
        if blocks is None:
            blocks = found[sample.measure] = [Block(start, end - start, known) for start, end, known in edges]
        blocks[_index(edges, sample.at)].add(sample)
    return found


def _edges(windows: Sequence[tuple[float, float]], seconds: float) -> list[tuple[float, float, bool]]:
    measured = sum(end - start for start, end in windows)
    length = max(measured / MOST_BLOCKS, 0.25)
    edges: list[tuple[float, float, bool]] = []
    at = 0.0
    for start, end in windows:
        if start > at:
            edges.append((at, start, False))
        parts = max(int((end - start) / length + 1e-9), 1)
        step = (end - start) / parts
        edges += [(start + step * index, start + step * (index + 1), True) for index in range(parts)]
        at = end
    return [*edges, (at, max(seconds, at) + 1.0, False)]


def _index(edges: Sequence[tuple[float, float, bool]], at: float) -> int:
    low, high = 0, len(edges) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if edges[middle][0] <= at:
            low = middle
        else:
            high = middle - 1
    return low


def measured(blocks: Iterable[Block]) -> list[Block]:
    """Only the blocks that budgets are judged by."""
    return [each for each in blocks if each.measured]


def merged(series: Sequence[Sequence[Block]]) -> list[Block]:
    """Several measures as one, block by block."""
    together: dict[float, Block] = {}
    for blocks in series:
        for each in blocks:
            whole = together.setdefault(each.start, Block(each.start, each.seconds, each.measured))
            whole.results.update(each.results)
            whole.waited.update(each.waited)
            for metric in KEPT_TIMES:
                whole.times[metric].update(each.times[metric])
            for metric in CLIENT_TIMES:
                whole.least[metric].update(each.least[metric])
    return [together[start] for start in sorted(together)]
