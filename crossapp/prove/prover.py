"""Mutation testing of the requirements: one verification for each named fault and each benign variant."""

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from contracts.catalogue import catalogue
from crossapp.control import ControlError
from crossapp.embedded import EmbeddedError
from crossapp.prove.matrix import BROWSER, HONEST, LOAD, SUITES, Row, chosen, requirements, suite_of, suites_for
from crossapp.prove.parallel import in_parallel
from crossapp.prove.running import QUICK, RunningSimulators, running_simulators
from crossapp.prove.under_load import under_load
from crossapp.run import Settings
from harness.report import JUDGED, Report
from harness.verdict import VerdictName
from load.generate.processes import GeneratorError
from simulators.faults import FAULTS
from simulators.kit.faults import Fault

_LAUNCH = "launch:tuvens-api"
_NOTHING = Fault(HONEST, "", "The simulators as they are, without any fault.", kind="benign")


def proofs(patterns: Sequence[str] = (), suites: Sequence[str] = SUITES) -> list[Fault]:
    """The faults and benign variants that patterns select and these suites can kill; without patterns also the honest
    simulators, first."""
    listed = [each for each in FAULTS.values() if each.kind in ("fault", "benign")]
    listed.sort(key=lambda each: (each.kind != "fault", each.app, each.name))
    return [
        each
        for each in (_NOTHING, *listed)
        if chosen(patterns, each.name, sorted(each.kills)) and {*suites} & {*suites_for(each)}
    ]


def saved(lines: Iterable[str]) -> dict[str, Row]:
    """The rows of saved runs by name, with what the faults concern today. A later row of a fault is completed with the
    suites that only an earlier one ran.

    Rows of faults that no longer exist are dropped. Raises ValueError for lines that `crossapp prove --json` does not
    write.
    """
    known = {each.name: each for each in proofs()}
    found: dict[str, Row] = {}
    for line in lines:
        try:
            value = json.loads(line)
            if value["type"] == "row" and value["name"] in known:
                fault = known[value["name"]]
                row = Row.from_json(value, sorted(fault.kills), unsteady=fault.unsteady)
                row = replace(row, suites=tuple(each for each in row.suites if each in suites_for(fault)))
                earlier = found.get(fault.name)
                found[fault.name] = row.with_suites_of(earlier) if earlier is not None else row
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"not a line that crossapp prove --json writes: {line[:80]!r}") from None
    return found


def prove(
    faults: Sequence[Fault], *, jobs: int = 1, suites: Sequence[str] = SUITES, staged: bool = False
) -> Iterator[Row]:
    """Verify the simulators once for each fault with these suites, up to `jobs` at a time; yields rows as they are
    done. `staged`: as a staging (`as_staging`).

    A fault that could not be verified gives a row with a problem. The load suite, which needs a quiet machine, comes
    last, one fault at a time.
    """
    alone = [each for each in faults if jobs <= 1 or (LOAD in suites_for(each) and LOAD in suites)]
    beside = [each for each in faults if each not in alone]
    if len(beside) == 1:
        alone, beside = [*beside, *alone], []
    if beside:
        by_name = {each.name: each for each in beside}
        for (name, *_), row in in_parallel(_work, [(each.name, tuple(suites), staged) for each in beside], jobs):
            yield row or _failed(by_name[name], "the process that verified it died", 0.0)
    with Prover(suites, staged=staged) as prover:
        for fault in alone:
            yield prover.row(fault)


_worker: "Prover | None" = None


def _work(job: tuple[str, tuple[str, ...], bool]) -> Row:
    """Verify one fault, in a process that keeps its simulators running."""
    global _worker
    name, suites, staged = job
    _worker = _worker or Prover(suites, staged=staged)
    return _worker.row(_NOTHING if name == HONEST else FAULTS[name])


class Prover:
    """A context that verifies one fault after the other; it keeps the simulators running if a fault allows that."""

    def __init__(self, suites: Sequence[str] = SUITES, *, staged: bool = False) -> None:
        self._suites = tuple(suites)
        self._staged = staged
        self._standing: tuple[Any, RunningSimulators] | None = None

    def __enter__(self) -> "Prover":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def row(self, fault: Fault) -> Row:
        """The row of a fault, by the suites that can kill it."""
        begun = time.monotonic()
        wanted = tuple(each for each in suites_for(fault) if each in self._suites)
        driven = tuple(each for each in wanted if each != LOAD)
        names = [] if fault.name == HONEST else [fault.name]
        rows = []
        try:
            if driven:
                rows.append(replace(row_of(fault, self._driven(fault, names, driven)), suites=driven))
            if LOAD in wanted:
                self._leave()
                rows.append(_loaded(fault, under_load(names, fault.kills)))
        except (EmbeddedError, GeneratorError, ControlError, OSError) as error:
            self._leave()
            return _failed(fault, f"{type(error).__name__}: {error}"[:300], time.monotonic() - begun)
        row = rows[0] if len(rows) == 1 else rows[1].with_suites_of(rows[0])
        return replace(row, seconds=time.monotonic() - begun)

    def _driven(self, fault: Fault, names: Sequence[str], suites: tuple[str, ...]) -> Report:
        settings = settings_for(suites)
        if fault.at_start or fault.name == HONEST:
            launch = not self._staged and (fault.name == HONEST or _needs_launch(fault))
            with running_simulators(*names, launch=launch, staged=self._staged) as own:
                return own.judged(settings)
        return self._kept_simulators().verify(names, settings)

    def _kept_simulators(self) -> "RunningSimulators":
        if self._standing is None:
            manager = running_simulators(staged=self._staged)
            self._standing = (manager, manager.__enter__())
        return self._standing[1]

    def _leave(self) -> None:
        if self._standing is not None:
            manager, _ = self._standing
            self._standing = None
            manager.__exit__(None, None, None)


def settings_for(suites: tuple[str, ...]) -> Settings:
    """The settings of a quick verification by these suites."""
    if suites == (BROWSER,):
        # With the premises of the browser's rules, which belong to other suites.
        return replace(QUICK, select=(f"{BROWSER}.*",))
    return replace(QUICK, without=tuple(each.id for each in catalogue() if suite_of(each.id) not in suites))


def _loaded(fault: Fault, report: Report) -> Row:
    """The row of a load run. A short run leaves budgets undecided, but must decide those that the fault concerns."""
    row = row_of(fault, report)
    undecided = tuple(each for each in row.undecided if each in fault.kills)
    row = replace(row, suites=(LOAD,), undecided=undecided, rootless=())
    decided = any(each.verdict in JUDGED and each.requirement in requirements() for each in report.findings)
    return row if decided or row.problem else replace(row, problem="under load no budget could be decided")


def row_of(fault: Fault, report: Report) -> Row:
    """The row of a fault, from the report of its verification."""

    def named(*verdicts: VerdictName) -> tuple[str, ...]:
        return tuple(each.requirement for each in report.findings if each.verdict in verdicts)

    red, undecided = named(VerdictName.VIOLATED), named(VerdictName.INCONCLUSIVE)
    crashed = (*named(VerdictName.HARNESS_FAULT), *report.footer.crashes)
    problem = f"a fault of the harness at {', '.join(crashed)}" if crashed else ""
    return Row(
        name=fault.name,
        kind=fault.kind,
        app=fault.app,
        sentence=fault.sentence,
        concerns=tuple(sorted(fault.kills)),
        red=red,
        blocked=len(named(VerdictName.BLOCKED)),
        rootless=tuple(
            each.requirement
            for each in report.findings
            if each.verdict is VerdictName.BLOCKED and each.blocked_by not in (*red, *undecided)
        ),
        undecided=undecided,
        problem=problem or "; ".join(report.footer.problems)[:300],
        unsteady=fault.unsteady,
    )


def _failed(fault: Fault, problem: str, seconds: float) -> Row:
    concerns = tuple(sorted(fault.kills))
    return Row(fault.name, fault.kind, fault.app, fault.sentence, concerns, problem=problem, seconds=seconds)


def _needs_launch(fault: Fault) -> bool:
    known = (catalogue()[each] for each in fault.kills if each in catalogue())
    return any(_LAUNCH in each.needs for each in known)
