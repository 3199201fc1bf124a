"""The kill matrix: which requirements each fault and each benign variant turned red, and what that proves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from contracts.catalogue import catalogue
from harness.exit_codes import ExitCode
from harness.requirement import Level, Requirement
from load.judge.catalogue import budget_requirement
from load.plan.budgets import read_budgets
from simulators.faults import UNBREAKABLE
from simulators.kit.faults import Fault

SCENARIOS = "scenarios"
BROWSER = "browser"
LOAD = "load"
_SUITES = {"pact": "Pact", "fuzzing": "Schemathesis", "browser": BROWSER, "load": LOAD}
SUITES = (SCENARIOS, *_SUITES.values())
_OF_MESSAGES = (SCENARIOS, "Pact", "Schemathesis")
HONEST = "honest"
"""The name of the row without any fault."""


@cache
def requirements() -> Mapping[str, Requirement]:
    """All requirements on applications, by id: those of verify, and the standard budgets."""
    return {each.id: each for each in (*catalogue(), *map(budget_requirement, read_budgets()))}


@cache
def journeys() -> frozenset[str]:
    """The ids of the standard budgets of the flow, which any application can break."""
    return frozenset(each.id for each in read_budgets() if each.over == ("flow",))


def suite_of(requirement_id: str) -> str:
    """The suite of a requirement, by the first part of its id."""
    return _SUITES.get(requirement_id.partition(".")[0], SCENARIOS)


def suites_for(fault: Fault) -> tuple[str, ...]:
    """The suites that can kill a fault: those of messages, unless only pages or durations show it; browser and load,
    which take long, only if the fault must kill requirements of theirs, or a variant shows in pages alone."""
    if fault.name == HONEST:
        return SUITES
    of_messages = _OF_MESSAGES if fault.suite == "verify" else ()
    own = {suite_of(each) for each in fault.kills}
    return tuple(each for each in SUITES if each in of_messages or each in own or each == fault.suite)


class ProofState(StrEnum):
    """What a row proves. KILLED: the fault turned red all requirements that it concerns, and no others. MISSED: not all
    of them. SURVIVED: nothing turned red. ACCUSED: a requirement that the fault does not concern turned red, or any for
    a benign variant. CLEAR: a benign variant turned nothing red. UNPROVED: undecided, or a fault of the harness."""

    KILLED = "killed"
    MISSED = "missed"
    SURVIVED = "survived"
    ACCUSED = "accused"
    CLEAR = "clear"
    UNPROVED = "unproved"


@dataclass(frozen=True, slots=True)
class Row:
    """One verification of simulators with one fault or benign variant.

    `concerns` are the requirements that must turn red, `red` those that did. `blocked` counts the blocked ones;
    `rootless` are blocked by one that is neither red nor undecided. `undecided` are inconclusive; `unsteady` says that
    this is expected. `problem` is why the verification failed. `suites` are those that were run.
    """

    name: str
    kind: str
    app: str
    sentence: str
    concerns: tuple[str, ...] = ()
    red: tuple[str, ...] = ()
    blocked: int = 0
    rootless: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    problem: str = ""
    unsteady: bool = False
    seconds: float = 0.0
    suites: tuple[str, ...] = SUITES

    @property
    def killed_by(self) -> dict[str, tuple[str, ...]]:
        """The red requirements that the fault concerns, by suite."""
        found = [each for each in self.red if self._concerns(each)] if self.kind == "fault" else []
        return {suite: tuple(each for each in found if suite_of(each) == suite) for suite in SUITES}

    @property
    def killed_any(self) -> bool:
        """Whether any suite killed it."""
        return any(self.killed_by.values())

    @property
    def missed(self) -> tuple[str, ...]:
        """Requirements that the fault concerns and that did not turn red."""
        return tuple(
            each
            for each in self.concerns
            if each not in self.red and each in requirements() and suite_of(each) in self.suites
        )

    @property
    def accused(self) -> tuple[str, ...]:
        """False alarms: red requirements that the fault does not concern."""
        return tuple(each for each in self.red if not self._concerns(each))

    @property
    def state(self) -> ProofState:
        """What the row proves; the worst state that applies."""
        if self.problem:
            return ProofState.UNPROVED
        if self.accused:
            return ProofState.ACCUSED
        if {*self.missed} - {*self.undecided}:
            return ProofState.MISSED if self.red else ProofState.SURVIVED
        if self.missed:
            return ProofState.UNPROVED
        if self.kind == "fault" and not self.red:
            return ProofState.SURVIVED
        if self.rootless or (self.undecided and not self.unsteady):
            return ProofState.UNPROVED
        return ProofState.KILLED if self.kind == "fault" else ProofState.CLEAR

    @classmethod
    def from_json(cls, value: Mapping[str, Any], concerns: Sequence[str], *, unsteady: bool = False) -> "Row":
        """A saved row, with what its fault concerns today. Raises KeyError and TypeError for other JSON."""
        return cls(
            name=value["name"],
            kind=value["kind"],
            app=value["app"],
            sentence=value["sentence"],
            concerns=tuple(concerns),
            red=tuple(
                sorted({*value["false_alarms"], *(each for found in value["killed_by"].values() for each in found)})
            ),
            blocked=value["blocked"],
            rootless=tuple(value["rootless"]),
            undecided=tuple(value["undecided"]),
            problem=value["problem"],
            unsteady=unsteady,
            seconds=value["seconds"],
            suites=tuple(str(each) for each in value["suites"]),
        )

    def with_suites_of(self, earlier: "Row") -> "Row":
        """This row, completed with an earlier row of the same fault for the suites that this one did not run."""
        others = tuple(each for each in earlier.suites if each not in self.suites)

        def joined(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
            return tuple(sorted({*new, *(each for each in old if suite_of(each) in others)}))

        if not others:
            return self
        return replace(
            self,
            red=joined(earlier.red, self.red),
            blocked=self.blocked + earlier.blocked,
            rootless=joined(earlier.rootless, self.rootless),
            undecided=joined(earlier.undecided, self.undecided),
            problem=self.problem or earlier.problem,
            seconds=self.seconds + earlier.seconds,
            suites=tuple(each for each in SUITES if each in (*self.suites, *others)),
        )

    def _concerns(self, requirement_id: str) -> bool:
        if requirement_id in self.concerns:
            return True
        if self.kind != "fault" or suite_of(requirement_id) == SCENARIOS:
            return False
        # The rules of the other suites are about whole interfaces: a fault may break any rule of its own application,
        # and every fault may break a flow through all of them.
        if requirement_id in journeys():
            return True
        return requirement_id in requirements() and requirements()[requirement_id].obliged == self.app

    def to_json(self) -> dict[str, Any]:
        """The row as a JSON object."""
        return {
            "type": "row",
            "kind": self.kind,
            "name": self.name,
            "app": self.app,
            "sentence": self.sentence,
            "state": str(self.state),
            "suites": list(self.suites),
            "requirements": list(self.concerns),
            "killed_by": {suite: list(found) for suite, found in self.killed_by.items()},
            "missed": list(self.missed),
            "false_alarms": list(self.accused),
            "blocked": self.blocked,
            "rootless": list(self.rootless),
            "undecided": list(self.undecided),
            "problem": self.problem,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Matrix:
    """All rows of a run. `whole`: every fault and variant was verified, so that a requirement without a killer is never
    killed."""

    rows: tuple[Row, ...]
    whole: bool

    def of_kind(self, kind: str) -> list[Row]:
        """The rows of one kind, without the honest one."""
        return [each for each in self.rows if each.kind == kind and each.name != HONEST]

    @property
    def killers(self) -> Mapping[str, tuple[str, ...]]:
        """The faults that turned a requirement red and concern it, by requirement."""
        found: dict[str, list[str]] = {}
        for row in self.of_kind("fault"):
            for requirement in (each for names in row.killed_by.values() for each in names):
                found.setdefault(requirement, []).append(row.name)
        return {name: tuple(found[name]) for name in sorted(found)}

    @property
    def never_killed(self) -> list[str]:
        """The requirements that no row killed, those left out that no simulator can break."""
        killers = self.killers
        return [each.id for each in breakable() if each.id not in killers]

    def killed(self, level: Level) -> tuple[int, int]:
        """How many requirements of a level were killed, and how many of it can be."""
        of_level = [each for each in breakable() if each.level is level]
        killers = self.killers
        return sum(each.id in killers for each in of_level), len(of_level)

    @property
    def exit_code(self) -> ExitCode:
        """0: all killed, nothing accused, nothing left open."""
        states = {each.state for each in self.rows}
        if not self.rows:
            return ExitCode.NOTHING_JUDGED
        if any(each.problem for each in self.rows):
            return ExitCode.HARNESS_FAULT
        if states & {ProofState.SURVIVED, ProofState.MISSED, ProofState.ACCUSED} or (self.whole and self.never_killed):
            return ExitCode.VIOLATED
        return ExitCode.UNDECIDED if ProofState.UNPROVED in states else ExitCode.OK

    def footer(self) -> dict[str, Any]:
        """The totals as a JSON object."""
        faults, benign = self.of_kind("fault"), self.of_kind("benign")
        return {
            "type": "footer",
            "whole": self.whole,
            "faults": len(faults),
            "killed": sum(each.state is ProofState.KILLED for each in faults),
            "survived": [each.name for each in faults if each.state is ProofState.SURVIVED],
            "missed": [each.name for each in faults if each.state is ProofState.MISSED],
            "false_alarms": [each.name for each in self.rows if each.state is ProofState.ACCUSED],
            "unproved": [each.name for each in self.rows if each.state is ProofState.UNPROVED],
            "benign": len(benign),
            "clear": sum(each.state is ProofState.CLEAR for each in benign),
            "requirements": {
                str(level): dict(zip(("killed", "of"), self.killed(level), strict=True)) for level in JUDGING
            },
            "never_killed": self.never_killed if self.whole else None,
            "exit_code": int(self.exit_code),
        }


JUDGING = (Level.MUST, Level.SHOULD)


def why_unbreakable(requirement: Requirement) -> str:
    """Why no simulator can break a requirement; empty if one can."""
    if requirement.level is Level.OBSERVE:
        return "it only observes"
    return next((why for pattern, why in UNBREAKABLE.items() if fnmatchcase(requirement.id, pattern)), "")


def breakable() -> list[Requirement]:
    """The requirements that a fault of a simulator can break."""
    return [each for each in requirements().values() if not why_unbreakable(each)]


def chosen(patterns: Sequence[str], name: str, concerns: Sequence[str]) -> bool:
    """Whether patterns select a fault: by its name, a part of it, a shell pattern, or a requirement that it concerns.
    Without patterns all are selected."""
    return not patterns or any(
        (fnmatchcase(name, pattern) if any(sign in pattern for sign in "*?[") else pattern in name)
        or any(fnmatchcase(each, pattern) for each in concerns)
        for pattern in patterns
    )
