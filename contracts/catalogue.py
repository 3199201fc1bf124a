"""The catalogue of this project's requirements, and the decorator that fills it."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TypedDict, Unpack

import contracts
import openapi
from contracts.deployment_file.premises import premises_in_file
from harness.claims import Claim, Uncovered, read_claims, read_page
from harness.report import PageLine, Source
from harness.requirement import Catalogue, CatalogueError, Judge, Level, Requirement, statement_of
from openapi import EDITION

_DEPTH = len(contracts.__name__.split("."))
CLAIMS_FILE = Path(__file__).with_name("claims.tsv")

_OF_THE_FILE = "deployment_file."

_catalogue = Catalogue()

Names = str | Sequence[str]
"""One name, or several."""


class RuleFacts(TypedDict, total=False):
    """Everything about a rule but its judge.

    `level`, `obliged` (an application), `section`, `quote` and `story` are needed. `section` is a heading of the
    contract page (docs/contract/), `quote` the words below it that state the rule. `story` names the stories that the
    judge may read; WHOLE_RECORD among them lets it read all. `settles` names the claims that the rule decides, `needs`
    capabilities of the deployment, `operations` the operationIds that must be served (their routes become premises, and
    the conformity of those of another application), `depends_on` the ids of further premises. `next_step` says what to
    look at when the rule is broken, `security` whether its violation lets somebody see or do what they must not. `id`
    and `statement` are for rules made from data: else the id is the name of the folder and of the function, and the
    statement is the function's docstring.
    """

    id: str
    statement: str
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
    security: bool


class RuleFamily:
    """Rules that share facts, and the decorator that registers one. A rule adds its own facts, or replaces shared ones.

        rule = RuleFamily(level=MUST, obliged="tuvens-api", section=SECTION, story="statuses_are_reported")

        @rule(quote="| LIVE | active |", settles="C-TA-16")
        def live_gives_active(history: History) -> Verdict:
            '''tuvens-api sets the ticketing status to active when an event goes LIVE.'''

    In contracts/webhook/ its id is `webhook.live_gives_active`.
    """

    def __init__(self, **shared: Unpack[RuleFacts]) -> None:
        self._shared = shared

    def __call__(self, **own: Unpack[RuleFacts]) -> Callable[[Judge], Judge]:
        """Registers a judge as a rule. Raises CatalogueError where a fact is missing or the id exists."""

        def add(judge: Judge) -> Judge:
            _catalogue.add(_requirement(judge, {**self._shared, **own}))
            return judge

        return add


def _requirement(judge: Judge, facts: RuleFacts) -> Requirement:
    name = facts.get("id") or f"{judge.__module__.split('.')[_DEPTH]}.{judge.__name__}"
    missing = [each for each in ("level", "obliged", "section", "quote", "story") if each not in facts]
    if missing:
        raise CatalogueError(f"{name}: neither the rule nor its family gives {', '.join(missing)}")
    return Requirement(
        id=name,
        statement=facts.get("statement") or statement_of(judge),
        level=facts["level"],
        obliged=facts["obliged"],
        source=Source(EDITION, facts["section"], facts["quote"]),
        judge=judge,
        settles=_names(facts.get("settles", ())),
        stories=_names(facts["story"]),
        needs=_names(facts.get("needs", ())),
        depends_on=tuple(dict.fromkeys(_premises_of(name, facts))),
        next_step=facts.get("next_step", ""),
        security=facts.get("security", False),
    )


def _premises_of(name: str, facts: RuleFacts) -> Iterator[str]:
    """The premises that a rule names; that the deployment file is right in what the rule rests on; and that what the
    obliged application gets from other applications fits their documents: else it would be blamed for what others
    send."""
    named = [*(f"routes.{each}" for each in _names(facts.get("operations", ()))), *_names(facts.get("depends_on", ()))]
    routes = (each.removeprefix("routes.") for each in named if each.startswith("routes."))
    served = [openapi.find(each) for each in routes if not each.endswith("_answers")]
    yield from named
    if not name.startswith(_OF_THE_FILE):
        yield from premises_in_file(_names(facts.get("needs", ())), served)
    for each in (*served, *(openapi.find(called) for operation in served for called in operation.calls)):
        if each.app != facts["obliged"] and each.contract.success is not None:
            yield f"conformity.{each.id}"


def _names(value: Names) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@cache
def catalogue() -> Catalogue:
    """All requirements: every module `rules*` below contracts/. Raises CatalogueError where they contradict."""
    modules = pkgutil.walk_packages(contracts.__path__, f"{contracts.__name__}.")
    for module in sorted(modules, key=lambda each: each.name):
        if module.name.rpartition(".")[2].startswith("rules"):
            importlib.import_module(module.name)
    _catalogue.check()
    return _catalogue


@cache
def claims() -> tuple[Claim, ...]:
    """The claims of the status page."""
    return read_claims(CLAIMS_FILE)


@cache
def status_page() -> tuple[PageLine, ...]:
    """The matrix with which the status page ends."""
    return read_page(CLAIMS_FILE.with_name("status_page.tsv"))


def uncovered() -> dict[str, Uncovered]:
    """The claims, or parts of claims, that no suite of this version covers."""
    from contracts.uncovered import UNCOVERED

    return UNCOVERED
