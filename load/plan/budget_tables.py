"""The budgets file as pydantic models: its fields, types and defaults, as written by users (TOML)."""

import re
from difflib import get_close_matches
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from harness.file_tables import ListOf, Must, Table, Text
from harness.requirement import Level
from harness.thresholds import read_threshold
from load.plan.budgets import Metric
from load.plan.measures import MEASURES, PAGES


def _name(text: str) -> str:
    if re.fullmatch(r"[a-z][a-z0-9_]*", text) is None:
        raise ValueError(f"{text!r} must be lower-case words joined by _")
    return text


def _threshold(text: str) -> str:
    read_threshold(text)
    return text


def _over(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise ValueError(f"missing; name measures, or *: {', '.join(MEASURES)}")
    for each in names:
        if each != "*" and each not in MEASURES:
            close = get_close_matches(each, MEASURES, n=1)
            known = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(MEASURES)}"
            raise ValueError(f"{each!r} is not measured; {known}")
    if 0 < len(set(names) & set(PAGES)) < len(set(names)):
        raise ValueError(f"{', '.join(PAGES)} are measured apart from all else: make two budgets of it")
    return names


Confidence = Annotated[float, Field(gt=0.5, lt=1), Must("must be between 0.5 and 1, such as 0.95")]


class BudgetTable(Table):
    """A budget: a limit that an application keeps under load."""

    unknown: ClassVar[str] = "unknown"

    name: Annotated[Text, AfterValidator(_name)]
    """Makes the id of the requirement, load.name."""
    statement: Text
    """The budget in a sentence, with the application as its subject."""
    over: Annotated[ListOf[str], AfterValidator(_over)] = Field(default=(), validate_default=True)
    """What is measured; `*`: all single calls to tuvens-api."""
    metric: Annotated[Metric, Field(strict=False)]
    threshold: Annotated[Text, AfterValidator(_threshold)]
    """As k6 writes it: p(95)<10, avg<=8, rate>=0.999, count<1."""
    reading: str = ""
    """How vague words of the source are interpreted."""
    level: Annotated[Level, Field(strict=False)] = Level.MUST
    obliged: str = "tuvens-api"
    """The application that must keep it."""
    claims: ListOf[str] = ()
    """The claims that it settles."""
    section: str = "Performance and reliability targets"
    """The section of the contract page that states it."""
    quote: str = ""
    """The words of the source."""
    confidence: Confidence | None = None
    """Confidence of a PASS, and of a FAIL (default: that of the file)."""
    next_step: str = ""
    """What to look at when it fails."""


class BudgetsTable(Table):
    """The budgets of crossapp load."""

    confidence: Confidence = 0.95
    """Confidence of a PASS, and of a FAIL, of budgets without their own."""
    budget: ListOf[BudgetTable]
