"""Samples of requests, and blocks of samples by time."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from load.plan.budgets import Metric


class Result(IntEnum):
    """The result of a request.

    OK: a correct answer. FAILED: a wrong answer. DENIED: valid credentials refused (401, 403). LIMITED: 429. REFUSED:
    no connection, so the request had no effect. UNANSWERED: no answer, or not in time. DROPPED: due, but never sent,
    because too many were under way.
    """

    OK = 0
    FAILED = 1
    DENIED = 2
    LIMITED = 3
    REFUSED = 4
    UNANSWERED = 5
    DROPPED = 6


NEVER_SENT = "never sent"
"""The beginning of the reasons for which arrivals were dropped."""
ANSWERED = (Result.OK, Result.FAILED, Result.DENIED)


@dataclass(frozen=True, slots=True)
class Sample:
    """One request. `at` is when it was due, in seconds after the start of the run; all other times are milliseconds.

    `latency` is from then to the last byte, `service` from sending to the last byte; without an answer, to the end of
    the wait. `server` and `database` are the times that the answer announces, nan if it does not. `held` is how long
    the generator waited for a processor meanwhile.
    """

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
        """Milliseconds of the latency that the generator may have added, by sending late or waiting for a processor."""
        return max(self.latency - self.service, 0.0) + self.held

    def row(self) -> list[Any]:
        """The sample as a row of the generator's log."""
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
        """The sample of a row."""
        latency, service, server, database = (math.nan if each is None else float(each) for each in row[3:7])
        return cls(str(row[0]), float(row[1]), Result(row[2]), latency, service, server, database, float(row[7]))

    def time(self, metric: Metric) -> float:
        """The time that a metric is about."""
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
    """A value rounded to four significant digits, an error of at most 0.05 %."""
    return float(f"{value:.4g}")


KEPT_TIMES = (Metric.LATENCY, Metric.SERVICE, Metric.SERVER, Metric.DATABASE)
CLIENT_TIMES = (Metric.LATENCY, Metric.SERVICE)


@dataclass(slots=True)
class Block:
    """The samples of one measure that were due within `seconds` from `start`.

    `times` counts the values of correct answers by metric; `least` the same without what the generator may have added.
    `waited` counts how long the unanswered requests were waited for. All in milliseconds.
    """

    start: float
    seconds: float
    measured: bool
    results: Counter[Result] = field(default_factory=Counter)
    times: dict[Metric, Counter[float]] = field(default_factory=lambda: {each: Counter() for each in KEPT_TIMES})
    waited: Counter[float] = field(default_factory=Counter)
    least: dict[Metric, Counter[float]] = field(default_factory=lambda: {each: Counter() for each in CLIENT_TIMES})

    def add(self, sample: Sample) -> None:
        """Add a sample."""
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
        """The number of answers, correct or wrong."""
        return sum(self.results[each] for each in ANSWERED)

    @property
    def unknown(self) -> int:
        """The number of requests without an answer that budgets count."""
        return self.results.total() - self.answered

    def at_least(self, granted: float) -> "Block":
        """The block with lower bounds of its times: without what the generator added, and, for a target on the same
        machine, scaled by `granted`, the share of the processor that other processes left to it."""
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
    """The samples in blocks of time, by measure.

    Each measured window (start and end in seconds) is cut into equal blocks, at most MOST_BLOCKS in all and none
    shorter than 0.25 s; the time outside the windows is in blocks that are not measured. A window ends at the latest
    with the run, after `seconds`.
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
    """The blocks that count for budgets."""
    return [each for each in blocks if each.measured]


def merged(series: Sequence[Sequence[Block]]) -> list[Block]:
    """The blocks of several measures, merged by time."""
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
