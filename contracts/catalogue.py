"""The catalogue of this project's requirements, and the decorator that fills it."""

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import contracts
from harness.claims import Claim, Uncovered, read_claims
from harness.report import Source
from harness.requirement import Catalogue, Judge, Level, Requirement, statement_of

EDITION = "2025-07"
CLAIMS_FILE = Path(__file__).with_name("claims.tsv")

_catalogue = Catalogue()


def page(section: str, quote: str) -> Source:
    """A place of the contract page (docs/contract/): the heading of its section, and the words that state the rule."""
    return Source(EDITION, section, quote)


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


def declare(rule: Requirement) -> None:
    """Add a requirement that is made from data, as the routes' are."""
    _catalogue.add(rule)


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
