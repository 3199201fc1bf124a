"""Requirements and their catalogue."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from harness.report import Source
from harness.verdict import Verdict

if TYPE_CHECKING:
    from harness.history import History

Judge = Callable[["History"], Verdict]


class Level(StrEnum):
    """How binding a rule is: a broken MUST fails a deployment, a SHOULD warns, an OBSERVE informs."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    OBSERVE = "OBSERVE"


MUST, SHOULD, OBSERVE = Level.MUST, Level.SHOULD, Level.OBSERVE
WHOLE_RECORD: Final = "*"
"""Declared instead of a story's name by a rule that judges every exchange of a record, whatever sent it."""


class CatalogueError(ValueError):
    """A requirement that contradicts the catalogue: a duplicate id, an unknown premise, a cycle."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """A rule of the contract.

    `id` is place.name; `statement` says who owes what; `stories` are the stories that must be driven for it, of which
    its judge reads no other, unless WHOLE_RECORD is among them; `settles` are the claims that it decides (empty: it
    only supports other rules); `needs` are capabilities of the deployment; `depends_on` are the ids of its premises;
    `next_step` is what to look at when it is broken; `security` says that a violation lets somebody see or do what they
    must not.
    """

    id: str
    statement: str
    level: Level
    obliged: str
    source: Source
    judge: Judge
    stories: tuple[str, ...]
    settles: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    next_step: str = ""
    security: bool = False

    @property
    def reads_whole_record(self) -> bool:
        """Whether its judge may read every story."""
        return WHOLE_RECORD in self.stories

    @property
    def judges_any_traffic(self) -> bool:
        """Whether it can be judged by a record in which no story was driven."""
        return self.stories == (WHOLE_RECORD,)


class Catalogue:
    """All requirements, by id, in the order of their modules and, within one, of their declaration."""

    def __init__(self) -> None:
        self._by_id: dict[str, Requirement] = {}

    def add(self, requirement: Requirement) -> None:
        """Add one. Raises CatalogueError where the id exists, or where it declares nothing that it reads."""
        if requirement.id in self._by_id:
            raise CatalogueError(f"requirement {requirement.id} is declared twice")
        if not requirement.stories:
            raise CatalogueError(f"requirement {requirement.id} declares no story, and not WHOLE_RECORD")
        self._by_id[requirement.id] = requirement

    def __iter__(self) -> Iterator[Requirement]:
        # Sorted by module, since the order of imports is arbitrary.
        return iter(sorted(self._by_id.values(), key=lambda each: each.judge.__module__))

    def __len__(self) -> int:
        return len(self._by_id)

    def __getitem__(self, requirement_id: str) -> Requirement:
        return self._by_id[requirement_id]

    def __contains__(self, requirement_id: object) -> bool:
        return requirement_id in self._by_id

    def check(self) -> None:
        """Raises CatalogueError if a premise is unknown or premises depend on each other."""
        settled: set[str] = set()

        def visit(requirement_id: str, path: tuple[str, ...]) -> None:
            if requirement_id in path:
                raise CatalogueError("premises go in a circle: " + " -> ".join((*path, requirement_id)))
            if requirement_id in settled:
                return
            if requirement_id not in self._by_id:
                raise CatalogueError(f"{path[-1]} depends on {requirement_id}, which does not exist")
            for premise in self._by_id[requirement_id].depends_on:
                visit(premise, (*path, requirement_id))
            settled.add(requirement_id)

        for requirement_id in self._by_id:
            visit(requirement_id, ())

    def matching(self, patterns: Sequence[str]) -> list[Requirement]:
        """The requirements whose id, place or claim matches one of the patterns: `*` and `?` as in a shell, plain text
        as a part of the id. No pattern matches all."""
        return [each for each in self if not patterns or any(_matches(each, pattern) for pattern in patterns)]

    def select(self, patterns: Sequence[str]) -> list[Requirement]:
        """The requirements that match, and their premises."""
        chosen = {each.id for each in self.matching(patterns)}
        waiting = list(chosen)
        while waiting:
            for premise in self._by_id[waiting.pop()].depends_on:
                if premise not in chosen:
                    chosen.add(premise)
                    waiting.append(premise)
        return [each for each in self if each.id in chosen]


def _matches(requirement: Requirement, pattern: str) -> bool:
    if any(fnmatchcase(claim, pattern) for claim in requirement.settles):
        return True
    if any(sign in pattern for sign in "*?["):
        return fnmatchcase(requirement.id, pattern)
    return pattern in requirement.id


def statement_of(judge: Judge) -> str:
    """The statement of a rule: its docstring as one line. Raises CatalogueError if it has none."""
    text = inspect.getdoc(judge)
    if not text:
        raise CatalogueError(f"{judge.__name__} has no docstring: it is the sentence that the report prints")
    return " ".join(text.split())
