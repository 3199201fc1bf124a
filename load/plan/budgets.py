"""The budgets file: what is owed under load, one [[budget]] each; TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from harness.requirement import Level
from load.plan.settings import FLOW, MIX
from load.plan.thresholds import Statistic, Threshold, read_threshold

if TYPE_CHECKING:
    from load.plan.budget_tables import BudgetTable

STANDARD = Path(__file__).with_name("budgets.toml")

MEASURES: Mapping[str, str] = {
    "generateSession": "a user asks for a session token",
    "validateSession": "hi.events asks whom a token stands for",
    "listUserAccounts": "hi.events asks for the accounts of a session's user",
    "validatePermission": "hi.events asks for a permission",
    "receiveEventStatusChanged": "hi.events delivers a signed webhook",
    "flow": "the whole way: token, sign-in at hi.events, event set live, tuvens-api follows",
    "flow/generateSession": "the first call of a flow",
    "flow/validateCrossAppSession": "the sign-in of a flow",
    "flow/getCrossAppStatus": "the status call of a flow",
    "flow/setEventStatus": "the change of an event's status in a flow",
    "flow/getEvent": "the event as tuvens-api shows it, in a flow",
    "simultaneous": "validations sent at one moment, each by another user",
    "streamEventUpdates": "a browser that listens for the whole run",
    "widget/cold": "a browser's first visit of an event page, until the iframe with the tickets has loaded",
    "widget/warm": "its second visit",
    "emptyPage/cold": "this machine's floor: an empty page with an empty iframe, in the same browser",
    "emptyPage/warm": "its second visit of that page",
}
"""What is measured, with a sentence of what it is. `*` in a budget stands for all single calls to tuvens-api."""

TUVENS_CALLS = tuple(each for each in MIX if each != FLOW)
PAGES = ("widget/cold", "widget/warm")
"""What a browser measures, after the requests and apart from them."""


class Metric(StrEnum):
    """What is looked at. Times in milliseconds, rates as shares of 1.

    latency: from the intended start to the last byte; service: from sending; server and database: as Server-Timing
    announces them (total, db), else bounded from above by the latency; success: answered, and rightly; denied:
    valid credentials refused (401, 403); failures: wrong answers, counted.
    """

    LATENCY = "latency"
    SERVICE = "service"
    SERVER = "server"
    DATABASE = "database"
    SUCCESS = "success"
    DENIED = "denied"
    FAILURES = "failures"


TIMES = (Metric.LATENCY, Metric.SERVICE, Metric.SERVER, Metric.DATABASE)
_FITTING = {
    **dict.fromkeys(TIMES, (Statistic.MEAN, Statistic.PERCENTILE)),
    Metric.SUCCESS: (Statistic.RATE,),
    Metric.DENIED: (Statistic.RATE,),
    Metric.FAILURES: (Statistic.COUNT,),
}


_WORDS = {"tuple_type": "must be a list of texts"}


class BudgetError(ValueError):
    """A budgets file that cannot be used; the text names the field and the remedy."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget. `name` makes the requirement's id (load.name); `over` are measures; `reading` says how vague words of
    the source were read; `confidence` is that of a PASS and of a FAIL, each."""

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
        """With which probability a PASS may be wrong, and a FAIL."""
        return 1.0 - self.confidence


def read_budgets(path: Path = STANDARD) -> tuple[Budget, ...]:
    """The budgets of a file. Raises BudgetError."""
    # Imported here: pydantic takes 0.2 s to import, and `crossapp --help` reads no budgets.
    from harness.file_tables import validated
    from load.plan.budget_tables import BudgetsTable

    try:
        value = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BudgetError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BudgetError(f"{path}: not readable as TOML: {error}") from None
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
            raise BudgetError(f"{path}: budget {name} is there twice")
    return budgets


def _budget(table: "BudgetTable", at: str, confidence: float) -> Budget:
    threshold = read_threshold(table.threshold)
    if threshold.statistic not in _FITTING[table.metric]:
        fitting = " or ".join(each.value for each in _FITTING[table.metric])
        raise BudgetError(
            f"{at}.threshold: of {table.metric} only {fitting} can be bounded, not {threshold.statistic.value}"
        )
    over = dict.fromkeys(name for each in table.over for name in (TUVENS_CALLS if each == "*" else (each,)))
    fields = {**dict(table), "over": tuple(over), "threshold": threshold}
    return Budget(**{**fields, "confidence": table.confidence or confidence})
