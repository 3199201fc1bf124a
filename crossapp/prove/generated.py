"""The outcome of generated mutants: which are killed by nothing, for which another application is blamed, and why."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

import openapi
from contracts.catalogue import catalogue
from harness.exit_codes import ExitCode
from simulators.kit.mutants import Mutant, mutants_of

REASONS = Path(__file__).with_name("reasons.toml")


class ReasonsError(ValueError):
    """A file of reasons that cannot be read; the text names the field."""


class MutantState(StrEnum):
    """What came of a mutant.

    KILLED: a requirement that obliges its application turned red, and none that obliges another. SURVIVED: none turned
    red. UNSEEN: no response of the kind was seen, so none could. BLAMED: a requirement that obliges another application
    turned red. CLEAR: a permitted mutant, for which nobody else was blamed. FAILED: it could not be judged.
    """

    KILLED = "killed"
    SURVIVED = "survived"
    UNSEEN = "unseen"
    BLAMED = "blamed"
    CLEAR = "clear"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class MutantRow:
    """One mutant: how often it changed a response (`fired`), and which requirements turned red.

    problem: why it could not be judged; empty where it was. whole: judged by all requirements, and not only by those
    that an honest run says it can turn red.
    """

    name: str
    app: str
    permitted: bool
    fired: int = 0
    red: tuple[str, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    whole: bool = False

    @property
    def killed_by(self) -> tuple[str, ...]:
        """The red requirements that oblige the mutant's application."""
        return tuple(each for each in self.red if catalogue()[each].obliged == self.app)

    @property
    def blamed(self) -> tuple[str, ...]:
        """The red requirements that oblige another application."""
        return tuple(each for each in self.red if catalogue()[each].obliged != self.app)

    @property
    def state(self) -> MutantState:
        """What came of it, the worst first."""
        if self.problem:
            return MutantState.FAILED
        if self.blamed:
            return MutantState.BLAMED
        if self.permitted:
            return MutantState.CLEAR
        if self.red:
            return MutantState.KILLED
        return MutantState.SURVIVED if self.fired else MutantState.UNSEEN

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object; `row_from_json` reads it back."""
        return {"type": "mutant", **asdict(self), "state": str(self.state)}


def row_from_json(value: Mapping[str, Any]) -> MutantRow:
    """A saved row, without requirements that are no more. Raises KeyError and TypeError for what is none."""
    red = tuple(each for each in value["red"] if each in catalogue())
    names = ("name", "app", "permitted", "fired", "problem", "seconds", "whole")
    return MutantRow(**{name: value[name] for name in names}, red=red)


class Reason(BaseModel):
    """Why something is as it should be: of mutants (a name, or a pattern with `*`) that nothing kills, or of a
    requirement that they turn red though it obliges another application."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mutants: str
    requirement: str = ""
    reason: str

    def covers(self, mutant: str, requirement: str = "") -> bool:
        """Whether it speaks of a mutant, and of a requirement where one is given."""
        return fnmatchcase(mutant, self.mutants) and (not requirement or fnmatchcase(requirement, self.requirement))


class Reasons(BaseModel):
    """The reasons of a file: `unkilled` and `blamed`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unkilled: tuple[Reason, ...] = ()
    blamed: tuple[Reason, ...] = ()


def read_reasons(path: Path = REASONS) -> Reasons:
    """Read the file of reasons. Raises ReasonsError."""
    try:
        return Reasons.model_validate(tomllib.loads(path.read_text("utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ReasonsError(f"{path}: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ReasonsError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def generated(patterns: Sequence[str] = ()) -> list[Mutant]:
    """The mutants of all applications that patterns select, by name or a part of it."""
    every = [mutant for app in openapi.APPS for mutant in mutants_of(app).values()]
    return [each for each in every if not patterns or any(_selects(pattern, each.name) for pattern in patterns)]


def _selects(pattern: str, name: str) -> bool:
    return fnmatchcase(name, pattern) if "*" in pattern or "?" in pattern else pattern in name


@dataclass(frozen=True)
class Generated:
    """The rows of a run, beside the reasons for what is left."""

    rows: tuple[MutantRow, ...]
    reasons: Reasons

    @cached_property
    def unkilled(self) -> list[MutantRow]:
        """Mutants that nothing kills."""
        return [each for each in self.rows if each.state in (MutantState.SURVIVED, MutantState.UNSEEN)]

    @cached_property
    def blaming(self) -> list[tuple[MutantRow, str]]:
        """Mutants for which another application is blamed, with the requirement that blames it."""
        return [(row, each) for row in self.rows if not row.problem for each in row.blamed]

    def why_unkilled(self, row: MutantRow) -> str:
        """The written reason why nothing kills a mutant; empty where there is none."""
        return next((each.reason for each in self.reasons.unkilled if each.covers(row.name)), "")

    def why_blamed(self, row: MutantRow, requirement: str) -> str:
        """The written reason why a requirement of another application turns red; empty where there is none."""
        found = (each for each in self.reasons.blamed if each.covers(row.name, requirement))
        return next((each.reason for each in found), "")

    @cached_property
    def unexplained(self) -> list[str]:
        """What is left without a reason, a line each."""
        survivors = [f"{row.name}: {row.state}" for row in self.unkilled if not self.why_unkilled(row)]
        blamed = [f"{row.name}: {each}" for row, each in self.blaming if not self.why_blamed(row, each)]
        return survivors + blamed

    @cached_property
    def stale(self) -> list[str]:
        """Reasons that explain nothing any more, as far as these rows can tell: all mutants that they speak of are
        among them."""
        unkilled = {row.name for row in self.unkilled}
        blaming = {(row.name, requirement) for row, requirement in self.blaming}
        found = [
            f"unkilled: {each.mutants}"
            for each in self.reasons.unkilled
            if self._were_judged(each) and not any(map(each.covers, unkilled))
        ]
        return found + [
            f"blamed: {each.mutants}, {each.requirement}"
            for each in self.reasons.blamed
            if self._were_judged(each) and not any(each.covers(name, requirement) for name, requirement in blaming)
        ]

    def _were_judged(self, reason: Reason) -> bool:
        judged = {row.name for row in self.rows if not row.problem}
        return all(each.name in judged for each in generated() if reason.covers(each.name))

    @property
    def exit_code(self) -> ExitCode:
        """0: each mutant is killed, or a reason is written why not; and nobody else is blamed without one."""
        if not self.rows:
            return ExitCode.NOTHING_JUDGED
        if any(row.problem for row in self.rows):
            return ExitCode.HARNESS_FAULT
        return ExitCode.VIOLATED if self.unexplained or self.stale else ExitCode.OK

    def footer(self) -> dict[str, Any]:
        """The totals as a JSON object."""
        mutants = [row for row in self.rows if not row.permitted]
        return {
            "type": "footer",
            "mutants": len(mutants),
            "killed": sum(row.state is MutantState.KILLED for row in mutants),
            "permitted": len(self.rows) - len(mutants),
            "unkilled": [row.name for row in self.unkilled],
            "blamed": [f"{row.name} {requirement}" for row, requirement in self.blaming],
            "unexplained": self.unexplained,
            "stale": self.stale,
            "failed": [row.name for row in self.rows if row.problem],
            "exit_code": int(self.exit_code),
        }
