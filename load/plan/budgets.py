"""The budgets file: what is owed under load, one [[budget]] each; TOML."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.requirement import Level
from load.plan.settings import FLOW, MIX
from load.plan.thresholds import Statistic, Threshold, read_threshold

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


_FIELDS = (
    "name", "statement", "over", "metric", "threshold", "reading", "level", "obliged", "claims", "section", "quote",
    "confidence", "next_step",
)  # fmt: skip


def read_budgets(path: Path = STANDARD) -> tuple[Budget, ...]:
    """The budgets of a file. Raises BudgetError."""
    try:
        value = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise BudgetError(f"{path}: cannot be read ({error.strerror})") from None
    except (ValueError, RecursionError) as error:
        raise BudgetError(f"{path}: not readable as TOML: {error}") from None
    unknown = sorted(set(value) - {"budget", "confidence"})
    if unknown:
        raise BudgetError(f"{path}: {unknown[0]}: unknown; a budgets file has confidence and [[budget]] tables")
    entries = value.get("budget")
    if not isinstance(entries, list) or not entries:
        raise BudgetError(f"{path}: no [[budget]]: name at least one, as {STANDARD.name} does")
    try:
        confidence = _confidence(value.get("confidence", 0.95), "confidence")
        budgets = tuple(_budget(each, f"budget[{index}]", confidence) for index, each in enumerate(entries))
    except BudgetError as error:
        raise BudgetError(f"{path}: {error}") from None
    names = [each.name for each in budgets]
    for name in names:
        if names.count(name) > 1:
            raise BudgetError(f"{path}: budget {name} is there twice")
    return budgets


def _budget(value: Any, at: str, confidence: float) -> Budget:
    if not isinstance(value, Mapping):
        raise BudgetError(f"{at}: must be a table")
    for field in value:
        if field not in _FIELDS:
            close = get_close_matches(field, _FIELDS, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise BudgetError(f"{at}.{field}: unknown{hint}")
    name = _text(value, "name", at)
    if re.fullmatch(r"[a-z][a-z0-9_]*", name) is None:
        raise BudgetError(f"{at}.name: {name!r} must be lower-case words joined by _")
    metric = _one_of(value, "metric", at, tuple(Metric))
    try:
        threshold = read_threshold(_text(value, "threshold", at))
    except ValueError as error:
        raise BudgetError(f"{at}.threshold: {error}") from None
    if threshold.statistic not in _FITTING[Metric(metric)]:
        fitting = " or ".join(each.value for each in _FITTING[Metric(metric)])
        raise BudgetError(f"{at}.threshold: of {metric} only {fitting} can be bounded, not {threshold.statistic.value}")
    return Budget(
        name=name,
        statement=_text(value, "statement", at),
        over=_over(value, at),
        metric=Metric(metric),
        threshold=threshold,
        reading=_text(value, "reading", at, default=""),
        level=Level(_one_of(value, "level", at, tuple(Level), default=Level.MUST)),
        obliged=_text(value, "obliged", at, default="tuvens-api"),
        claims=tuple(_texts(value, "claims", at)),
        section=_text(value, "section", at, default="Performance and reliability targets"),
        quote=_text(value, "quote", at, default=""),
        confidence=_confidence(value.get("confidence", confidence), f"{at}.confidence"),
        next_step=_text(value, "next_step", at, default=""),
    )


def _over(value: Mapping[str, Any], at: str) -> tuple[str, ...]:
    names = _texts(value, "over", at)
    if not names:
        raise BudgetError(f"{at}.over: missing; name measures, or *: {', '.join(MEASURES)}")
    for each in names:
        if each != "*" and each not in MEASURES:
            close = get_close_matches(each, MEASURES, n=1)
            known = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(MEASURES)}"
            raise BudgetError(f"{at}.over: {each!r} is not measured; {known}")
    if 0 < len(set(names) & set(PAGES)) < len(set(names)):
        raise BudgetError(f"{at}.over: {', '.join(PAGES)} are measured apart from all else: make two budgets of it")
    expanded = [name for each in names for name in (TUVENS_CALLS if each == "*" else (each,))]
    return tuple(dict.fromkeys(expanded))


def _text(value: Mapping[str, Any], field: str, at: str, default: str | None = None) -> str:
    found = value.get(field, default)
    if found is None:
        raise BudgetError(f"{at}.{field}: missing")
    if not isinstance(found, str) or (default is None and not found.strip()):
        raise BudgetError(f"{at}.{field}: must be text")
    return found


def _texts(value: Mapping[str, Any], field: str, at: str) -> list[str]:
    found = value.get(field, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise BudgetError(f"{at}.{field}: must be a list of texts")
    return found


def _one_of(value: Mapping[str, Any], field: str, at: str, known: Sequence[str], default: str | None = None) -> str:
    found = _text(value, field, at, default)
    if found not in list(known):
        raise BudgetError(f"{at}.{field}: {found!r} is none of {', '.join(known)}")
    return found


def _confidence(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.5 < value < 1:
        raise BudgetError(f"{at}: must be between 0.5 and 1, such as 0.95")
    return float(value)
