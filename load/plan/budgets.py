"""Budgets: limits that an application keeps under load, read from a TOML file of [[budget]] tables."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data_file import read_data
from harness.requirement import Level
from harness.thresholds import Statistic, Threshold, read_threshold
from load.plan.measures import PAGES, TUVENS_CALLS

if TYPE_CHECKING:
    from load.plan.budget_tables import BudgetTable

STANDARD = Path(__file__).with_name("budgets.toml")


class Metric(StrEnum):
    """What a budget bounds. Times are in milliseconds, rates are shares of 1.

    latency: from when the request was due to the last byte; service: from sending to the last byte; server and
    database: the times in Server-Timing (total, db), or an upper bound, the latency, if it is not sent; success: share
    of correct responses; errors: share of wrong ones; denied: share of valid credentials rejected (401, 403); failures:
    number of wrong responses.
    """

    LATENCY = "latency"
    SERVICE = "service"
    SERVER = "server"
    DATABASE = "database"
    SUCCESS = "success"
    ERRORS = "errors"
    DENIED = "denied"
    FAILURES = "failures"


TIMES = (Metric.LATENCY, Metric.SERVICE, Metric.SERVER, Metric.DATABASE)
_FITTING = {
    **dict.fromkeys(TIMES, (Statistic.MEAN, Statistic.PERCENTILE)),
    Metric.SUCCESS: (Statistic.RATE,),
    Metric.ERRORS: (Statistic.RATE,),
    Metric.DENIED: (Statistic.RATE,),
    Metric.FAILURES: (Statistic.COUNT,),
}


_WORDS = {"tuple_type": "must be a list of texts"}


class BudgetError(ValueError):
    """A budgets file that is not valid; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget: `threshold` on a statistic of `metric` over the samples of the measures `over`.

    `name` makes the requirement's id (load.name). `reading` says how vague words of the source are interpreted.
    `confidence` is that of a PASS, and that of a FAIL.
    """

    name: str
    statement: str
    over: tuple[str, ...]
    metric: Metric
    threshold: Threshold
    reading: str
    level: Level
    obliged: str
    claims: tuple[str, ...]
    section: str
    quote: str
    confidence: float
    next_step: str

    @property
    def id(self) -> str:
        """The requirement's id."""
        return f"load.{self.name}"

    @property
    def of_pages(self) -> bool:
        """Whether a browser measures it."""
        return set(self.over) <= set(PAGES)

    @property
    def error(self) -> float:
        """The error probability allowed for a PASS, and for a FAIL."""
        return 1.0 - self.confidence


def read_budgets(path: Path = STANDARD) -> tuple[Budget, ...]:
    """The budgets of a file. Raises BudgetError."""
    # Imported here: pydantic takes 0.2 s to import, and `crossapp --help` reads no budgets.
    from harness.file_tables import validated
    from load.plan.budget_tables import BudgetsTable

    value = read_data(path, BudgetError)
    entries = value.get("budget", [])
    if not isinstance(entries, list) or not entries:
        raise BudgetError(f"{path}: no [[budget]]: name at least one, as {STANDARD.name} does")
    try:
        table = validated(BudgetsTable, value, BudgetError, _WORDS)
        budgets = tuple(_budget(each, f"budget[{index}]", table.confidence) for index, each in enumerate(table.budget))
    except BudgetError as error:
        raise BudgetError(f"{path}: {error}") from None
    names = [each.name for each in budgets]
    for name in names:
        if names.count(name) > 1:
            raise BudgetError(f"{path}: two budgets are named {name}")
    return budgets


def _budget(table: "BudgetTable", at: str, confidence: float) -> Budget:
    threshold = read_threshold(table.threshold)
    if threshold.statistic not in _FITTING[table.metric]:
        fitting = " or ".join(each.value for each in _FITTING[table.metric])
        raise BudgetError(
            f"{at}.threshold: a budget of {table.metric} bounds {fitting}, not {threshold.statistic.value}"
        )
    over = dict.fromkeys(name for each in table.over for name in (TUVENS_CALLS if each == "*" else (each,)))
    fields = {**dict(table), "over": tuple(over), "threshold": threshold}
    return Budget(**{**fields, "confidence": table.confidence or confidence})
