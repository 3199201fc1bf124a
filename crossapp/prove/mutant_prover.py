"""Verifies the simulators once for each generated mutant, with the requirements that it can turn red."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from contracts.catalogue import catalogue
from crossapp.control import ControlError
from crossapp.embedded import EmbeddedError
from crossapp.prove.generated import MutantRow, MutantState
from crossapp.prove.matrix import BROWSER, LOAD, SUITES, suite_of
from crossapp.prove.parallel import in_parallel
from crossapp.prove.prover import settings_for
from crossapp.prove.reach import Reach, Response
from crossapp.prove.running import QUICK, RunningSimulators, running_simulators
from crossapp.run import Settings
from harness import chromium
from harness.report import Report
from harness.verdict import VerdictName
from simulators.kit.mutants import Mutant

_MESSAGES = tuple(each for each in SUITES if each not in (BROWSER, LOAD))


@dataclass(frozen=True, slots=True)
class _Job:
    """A mutant, the requirements that it can turn red, and whether pages get what it changes."""

    mutant: Mutant
    near: frozenset[str]
    in_pages: bool


def prove_mutants(mutants: Sequence[Mutant], jobs: int) -> Iterator[MutantRow]:
    """A row for each mutant, in the order in which they are done, `jobs` at a time.

    An honest run comes first: it tells which requirements a mutant can turn red, and only those are judged. A mutant
    that none of them kills, or for which another application is blamed, is verified once more by all of them. Raises
    EmbeddedError where no simulators can be started.
    """
    reach = _reach()
    todo = [_job(each, reach) for each in mutants]
    if jobs > 1 and len(todo) > 1:
        for job, row in in_parallel(_work, todo, jobs):
            yield row or _failed(job.mutant, "the process that verified it died", 0.0)
        return
    with MutantProver() as prover:
        for job in todo:
            yield prover.row(job)


def _job(mutant: Mutant, reach: Reach) -> _Job:
    of_messages = {each for each in reach.requirements(mutant) if suite_of(each) in _MESSAGES}
    of_pages = reach.page_requirements(mutant)
    return _Job(mutant, frozenset(of_messages | of_pages), bool(of_pages))


def _reach() -> Reach:
    with running_simulators() as simulators:
        simulators.prepare(())
        history = simulators.drive(settings_for(_MESSAGES)).history
        pages: dict[str, Iterable[Response]] = {}
        for story in _browser_stories() if chromium.is_available() else ():
            simulators.prepare(())
            driven = simulators.drive(_only({*_rules_of(story)})).history
            sent = Counter((each.operation, each.status) for each in driven.exchanges() if each.status is not None)
            # What the story asked for itself did not reach its pages, nor the servers behind them.
            pages[story] = simulators.responses() - sent
        return Reach.of(history, pages)


def _only(requirements: Collection[str]) -> Settings:
    """A quick verification by these requirements, without their premises."""
    return replace(QUICK, without=tuple(each.id for each in catalogue() if each.id not in requirements))


def _browser_stories() -> list[str]:
    return sorted({story for each in catalogue() if suite_of(each.id) == BROWSER for story in each.stories})


def _rules_of(story: str) -> Iterator[str]:
    """The requirements in a browser that need this story alone."""
    return (each.id for each in catalogue() if suite_of(each.id) == BROWSER and [*each.stories] == [story])


_worker: "MutantProver | None" = None


def _work(job: _Job) -> MutantRow:
    """Verify one mutant, in a process that keeps its simulators running."""
    global _worker
    if _worker is None:
        _worker = MutantProver()
        _worker.__enter__()
    return _worker.row(job)


class MutantProver:
    """A context that verifies one mutant after the other."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._simulators: RunningSimulators | None = None

    def __enter__(self) -> "MutantProver":
        return self

    def __exit__(self, *_: object) -> None:
        self._simulators = None
        self._stack.close()

    def row(self, job: _Job) -> MutantRow:
        """Verify one mutant by what is near it, and by everything if that does not kill it cleanly."""
        begun = time.monotonic()
        try:
            self._simulators = self._simulators or self._stack.enter_context(running_simulators())
            row = self._judged(self._simulators, job, near=True)
            if row.state not in (MutantState.KILLED, MutantState.CLEAR):
                row = self._judged(self._simulators, job, near=False)
        except (EmbeddedError, ControlError, OSError) as error:
            self.__exit__()
            row = _failed(job.mutant, f"{type(error).__name__}: {error}"[:300], 0.0)
        return replace(row, seconds=round(time.monotonic() - begun, 1))

    def _judged(self, simulators: RunningSimulators, job: _Job, *, near: bool) -> MutantRow:
        if near:
            chosen = [_only(job.near)]
        else:
            chosen = [settings_for(_MESSAGES), *([settings_for((BROWSER,))] if job.in_pages else [])]
        reports, fired = [], 0
        for settings in chosen:
            reports.append(simulators.verify([job.mutant.name], settings))
            fired += simulators.fired(job.mutant.name)
        return _row(job.mutant, reports, fired, whole=not near)


def _row(mutant: Mutant, reports: Sequence[Report], fired: int, *, whole: bool) -> MutantRow:
    findings = [each for report in reports for each in report.findings]
    red = sorted({each.requirement for each in findings if each.verdict is VerdictName.VIOLATED})
    crashed = {each.requirement for each in findings if each.verdict is VerdictName.HARNESS_FAULT}
    crashed |= {crash for report in reports for crash in report.footer.crashes}
    problem = f"a fault of the harness at {', '.join(sorted(crashed))}"[:300] if crashed else ""
    return MutantRow(mutant.name, mutant.app, mutant.permitted, fired, tuple(red), problem, whole=whole)


def _failed(mutant: Mutant, problem: str, seconds: float) -> MutantRow:
    return MutantRow(mutant.name, mutant.app, mutant.permitted, problem=problem, seconds=seconds)
