"""The open arrival model: requests are due at a rate, whether or not earlier ones were answered.

Stages, model and seed determine the whole sequence. Each lane (a generator process) takes every n-th arrival, so the
offered load does not depend on the number of lanes. The number of arrivals due by a time can be computed without
sending any: the tallies of the lanes are checked against it.
"""

import bisect
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.data_file import read_data


class ArrivalModel(StrEnum):
    """The spacing of arrivals. CONSTANT: even. POISSON: as of independent users."""

    CONSTANT = "constant"
    POISSON = "poisson"


class StageError(ValueError):
    """Stages that are not valid; the text names the field."""


MEASURED = ("steady", "soak")
KINDS = ("warm-up", "ramp", "steady", "spike", "soak")


@dataclass(frozen=True, slots=True)
class RateStage:
    """A stage of `seconds`, whose rate (arrivals a second) goes linearly from `start` to `end`. Only steady and soak
    stages are measured: budgets are about a constant load."""

    kind: str
    seconds: float
    start: float
    end: float

    @property
    def measured(self) -> bool:
        """Whether its samples count for budgets."""
        return self.kind in MEASURED

    @property
    def arrivals(self) -> float:
        """The expected number of arrivals."""
        return (self.start + self.end) / 2 * self.seconds


@dataclass(frozen=True, slots=True)
class ScheduledArrival:
    """A journey that is due `at` seconds after the start. `number` counts from 0 over all lanes."""

    number: int
    at: float
    journey: str


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything that determines the arrivals. `mix`: the journeys and their weights."""

    stages: tuple[RateStage, ...]
    model: ArrivalModel
    seed: int
    mix: Mapping[str, float]

    @property
    def seconds(self) -> float:
        """Its duration."""
        return sum(each.seconds for each in self.stages)

    @property
    def highest_rate(self) -> float:
        """The highest rate of its stages, in arrivals a second; 0 without stages."""
        return max((max(each.start, each.end) for each in self.stages), default=0.0)

    @property
    def windows(self) -> tuple[tuple[float, float], ...]:
        """The start and end of each measured stage, in seconds after the start of the run."""
        ends = list(itertools.accumulate(each.seconds for each in self.stages))
        return tuple((end - stage.seconds, end) for stage, end in zip(self.stages, ends, strict=True) if stage.measured)

    def arrivals(self, lane: int = 0, lanes: int = 1) -> Iterator[ScheduledArrival]:
        """The arrivals of one lane, in order of time."""
        chance = random.Random(self.seed)
        names, weights = list(self.mix), list(itertools.accumulate(self.mix.values()))
        due = 0.5 if self.model is ArrivalModel.CONSTANT else chance.expovariate(1.0)
        number, before, begun = 0, 0.0, 0.0
        for stage in self.stages:
            while due < before + stage.arrivals:
                journey = names[_chosen(weights, chance.random())]
                if number % lanes == lane:
                    yield ScheduledArrival(number, begun + _moment(stage, due - before), journey)
                number += 1
                due += 1.0 if self.model is ArrivalModel.CONSTANT else chance.expovariate(1.0)
            before += stage.arrivals
            begun += stage.seconds


def _chosen(weights: Sequence[float], chance: float) -> int:
    return bisect.bisect_right(weights, chance * weights[-1])


def _moment(stage: RateStage, count: float) -> float:
    """Seconds into a stage after which `count` arrivals were due: the inverse of the rate's integral."""
    slope = (stage.end - stage.start) / stage.seconds
    if abs(slope) < 1e-9:
        return count / stage.start
    return (math.sqrt(max(stage.start**2 + 2 * slope * count, 0.0)) - stage.start) / slope


def steady(rate: float, seconds: float, warm_up: float) -> tuple[RateStage, ...]:
    """A warm-up and a measured stage at one rate; without a warm-up of 0 seconds."""
    before = (RateStage("warm-up", warm_up, rate, rate),) if warm_up > 0 else ()
    return (*before, RateStage("steady", seconds, rate, rate))


def read_stages(path: Path) -> tuple[RateStage, ...]:
    """Read the stages of a TOML file: [[stage]] tables with kind, seconds, and rate, or from and to. Raises
    StageError."""
    value = read_data(path, StageError)
    entries = value.get("stage")
    if not isinstance(entries, list) or not entries:
        raise StageError(f"{path}: no [[stage]]: give kind, seconds and rate (or from and to) of each")
    stages = tuple(_stage(each, f"{path}: stage[{index}]") for index, each in enumerate(entries))
    if not any(each.measured for each in stages):
        raise StageError(f"{path}: none of the stages is measured: one must be of kind steady or soak")
    return stages


def _stage(value: Any, at: str) -> RateStage:
    if not isinstance(value, Mapping):
        raise StageError(f"{at}: must be a table")
    for field in value:
        if field not in ("kind", "seconds", "rate", "from", "to"):
            raise StageError(f"{at}.{field}: unknown; a stage has kind, seconds, and rate, or from and to")
    kind = value.get("kind", "steady")
    if kind not in KINDS:
        raise StageError(f"{at}.kind: {kind!r} is none of {', '.join(KINDS)}")
    seconds = _number(value, "seconds", at)
    if "rate" in value and ("from" in value or "to" in value):
        raise StageError(f"{at}: give rate, or from and to, not both")
    start, end = (
        (_number(value, "rate", at),) * 2 if "rate" in value else (_number(value, "from", at), _number(value, "to", at))
    )
    if seconds <= 0 or start + end <= 0:
        raise StageError(f"{at}: seconds and the rate must be above 0")
    return RateStage(kind, seconds, start, end)


def _number(value: Mapping[str, Any], field: str, at: str) -> float:
    found = value.get(field)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e6:
        raise StageError(f"{at}.{field}: must be a number from 0")
    return float(found)
