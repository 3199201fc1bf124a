"""The catalogue of this project's requirements, and the decorator that fills it."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict, Unpack

import contracts
from harness.claims import Claim, Uncovered, read_claims
from harness.report import Source
from harness.requirement import Catalogue, CatalogueError, Judge, Level, Requirement, statement_of

EDITION = "2025-07"
CLAIMS_FILE = Path(__file__).with_name("claims.tsv")

_catalogue = Catalogue()


Names = str | Sequence[str]
"""One name, or several."""


class RuleFacts(TypedDict, total=False):
    """What is known of a rule beside its statement and its judge.

    `level`, `obliged` (an application), `section` and `quote` must be known of every rule: the heading of a section of
    the contract page (docs/contract/), and the words in it that state the rule. `story`: the stories whose record the
    rule reads; `settles`: the claims that it decides; `needs`: capabilities of the deployment; `operations`:
    operationIds that must be served, each a premise; `depends_on`: ids of further premises; `next_step`: what to look
    at when the rule is broken.
    """

    level: Level
    obliged: str
    section: str
    quote: str
    story: Names
    settles: Names
    operations: Names
    needs: Names
    depends_on: Names
    next_step: str


class RuleFamily:
    """Makes rules of functions `History -> Verdict`, which share facts. A rule names the others, or replaces one.

        update = RuleFamily(level=MUST, obliged="tuvens-api", section=SECTION, story="statuses_are_reported")

        @update(quote="| LIVE | active |", settles="C-TA-16")
        def live_gives_active(history: History) -> Verdict:
            ...

    The id of a rule is the name of its folder and of its function; the function's docstring is its statement.
    """

    def __init__(self, **shared: Unpack[RuleFacts]) -> None:
        self._shared = shared

    def __call__(self, **own: Unpack[RuleFacts]) -> Callable[[Judge], Judge]:
        """A decorator that registers a rule. Raises CatalogueError where a fact is missing or the id exists."""

        def add(judge: Judge) -> Judge:
            register(_requirement(judge, {**self._shared, **own}))
            return judge

        return add


def register(rule: Requirement) -> None:
    """Add a rule that is made from data. Raises CatalogueError where its id exists."""
    _catalogue.add(rule)


def page(section: str, quote: str) -> Source:
    """The source of a rule that is made from data."""
    return Source(EDITION, section, quote)


def _requirement(judge: Judge, facts: RuleFacts) -> Requirement:
    name = f"{judge.__module__.split('.')[1]}.{judge.__name__}"
    missing = [each for each in ("level", "obliged", "section", "quote") if each not in facts]
    if missing:
        raise CatalogueError(f"{name}: neither the rule nor its family says {', '.join(missing)}")
    return Requirement(
        id=name,
        statement=statement_of(judge),
        level=facts["level"],
        obliged=facts["obliged"],
        source=page(facts["section"], facts["quote"]),
        judge=judge,
        settles=_names(facts.get("settles", ())),
        stories=_names(facts.get("story", ())),
        needs=_names(facts.get("needs", ())),
        depends_on=(
            *(f"routes.{each}" for each in _names(facts.get("operations", ()))),
            *_names(facts.get("depends_on", ())),
        ),
        next_step=facts.get("next_step", ""),
    )


def _names(value: Names) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


# OLD-BEGIN
def requirement(
    *,
    level: Level,
    obliged: str,
    source: Source,
    story: str | Sequence[str] = (),
    settles: Sequence[str] = (),
    operations: Sequence[str] = (),
    needs: Sequence[str] = (),
    depends_on: Sequence[str] = (),
    next_step: str = "",
) -> Callable[[Judge], Judge]:
    """Make a rule of a function `History -> Verdict`. Its id is its seam's folder and its name, its docstring the
    sentence of the report.

    `operations` are operationIds that must be served for the rule to be judged: each adds its route as a premise.
    """

    def declare(judge: Judge) -> Judge:
        seam = judge.__module__.split(".")[1]
        premises = [f"routes.{operation}" for operation in operations]
        _catalogue.add(
            Requirement(
                id=f"{seam}.{judge.__name__}",
                statement=statement_of(judge),
                level=level,
                obliged=obliged,
                source=source,
                judge=judge,
                settles=tuple(settles),
                stories=(story,) if isinstance(story, str) else tuple(story),
                needs=tuple(needs),
                depends_on=(*premises, *depends_on),
                next_step=next_step,
            )
        )
        return judge

    return declare


# OLD-END
@cache
def catalogue() -> Catalogue:
    """All requirements: every module `rules*` below contracts/. Raises CatalogueError where they contradict."""
    for module in sorted(pkgutil.walk_packages(contracts.__path__, "contracts."), key=lambda each: each.name):
        if module.name.rpartition(".")[2].startswith("rules"):
            importlib.import_module(module.name)
    _catalogue.check()
    return _catalogue


@cache
def claims() -> tuple[Claim, ...]:
    """The claims of the status page."""
    return read_claims(CLAIMS_FILE)


def uncovered() -> dict[str, Uncovered]:
    """What of the claims no suite of this version covers."""
    from contracts.uncovered import UNCOVERED

    return UNCOVERED
