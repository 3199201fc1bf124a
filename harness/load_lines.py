"""The figures of a load run, as a report has them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget under load. `word`: PASS, FAIL, INCONCLUSIVE, INVALID or UNOBSERVABLE. `value` of the statistic with its
    bounds `low` and `high`, None if unknown. `margin`: the share of the limit that is left (negative: exceeded).
    `observes`: exact, upper bound, lower bound or none. `unit`: ms, share or count. `needs`: what would decide it;
    empty if it is decided."""

    requirement: str
    threshold: str
    metric: str
    over: tuple[str, ...]
    unit: str
    word: str
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    count: int
    unknown: int
    observes: str
    confidence: float
    reading: str
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time of a load run. `start` and `seconds`: since the start of the run, and duration. `measured`:
    whether budgets are judged by it. `due`: number of scheduled requests. `failed`: those with a wrong or no response.
    `times`: [milliseconds from the intended start, count] of the correct responses, to four digits."""

    start: float
    seconds: float
    measured: bool
    due: int
    failed: int
    times: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One kind of request under load. `results`: counts by result; `reasons`: counts of what was wrong. `percentiles`:
    [percent, milliseconds, lower and upper bound (None: not bounded)] from the intended start; `service`: from sending;
    `server`: from Server-Timing. `mean`: with its bounds."""

    name: str
    about: str
    results: Mapping[str, int]
    reasons: Mapping[str, int]
    mean: tuple[float | None, ...]
    percentiles: tuple[tuple[float | None, ...], ...]
    service: tuple[tuple[float | None, ...], ...]
    server: tuple[tuple[float | None, ...], ...]
    stretches: tuple[Stretch, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoadLine:
    """The part of a report that only a load run has. `plan`: the stages in words. `lanes`: generator processes.
    `accounts`: scheduled, ok, failed, dropped, censored. `health` of the generator and `calibration` (against an empty
    server): by name, in milliseconds and shares. `files`: other files beside the report."""

    plan: str
    seconds: float
    lanes: int
    accounts: Mapping[str, int]
    health: Mapping[str, float]
    calibration: Mapping[str, float]
    settings: Mapping[str, str]
    budgets: tuple[BudgetLine, ...]
    measures: tuple[MeasureLine, ...]
    files: tuple[str, ...] = ()
