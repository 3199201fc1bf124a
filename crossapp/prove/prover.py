"""The proof of the proof: whole verifications of simulators that are wrong in one way, or right in another."""

import asyncio
import json
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx

from contracts.catalogue import catalogue
from crossapp.deployments import deployed
from crossapp.embedded import EmbeddedError
from crossapp.prove.matrix import BROWSER, HONEST, LOAD, SUITES, Row, chosen, requirements, suite_of, suites_for
from crossapp.prove.under_load import under_load
from crossapp.run import Run, Settings, perform, report_of
from harness.deployment import Deployment
from harness.report import JUDGED, Report
from harness.verdict import VerdictName
from load.generate.processes import GeneratorError
from simulators.faults import FAULTS
from simulators.kit.faults import Fault

_QUICK = Settings(quick=True)
_LAUNCH = "launch:tuvens-api"
_NOTHING = Fault(HONEST, "", "The simulators as they are, without any fault.", kind="benign")


def proofs(patterns: Sequence[str] = (), suites: Sequence[str] = SUITES) -> list[Fault]:
    """The faults and benign variants that patterns select and these suites prove; without a pattern, what is honest
    comes first."""
    listed = [each for each in FAULTS.values() if each.kind in ("fault", "benign")]
    listed.sort(key=lambda each: (each.kind != "fault", each.app, each.name))
    return [
        each
        for each in (_NOTHING, *listed)
        if chosen(patterns, each.name, sorted(each.kills)) and {*suites} & {*suites_for(each)}
    ]


def saved(lines: Iterable[str]) -> dict[str, Row]:
    """The rows of saved runs, by name, held against what the faults concern now; of two rows with one name the later,
    completed by the suites that the earlier alone has run.

    A row of a fault that is no more is left out. Raises ValueError for what `crossapp prove --json` did not write.
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


def prove(faults: Sequence[Fault], *, jobs: int = 1, suites: Sequence[str] = SUITES) -> Iterator[Row]:
    """Verify the simulators once for each fault, by these suites, up to `jobs` at a time; the rows in the order in
    which they are done.

    A fault that could not be verified is a row with a problem; nothing is raised for it. What needs a quiet machine,
    the load suite, comes last and one at a time.
    """
    alone = [each for each in faults if jobs <= 1 or (LOAD in suites_for(each) and LOAD in suites)]
    beside = [each for each in faults if each not in alone]
    if len(beside) == 1:
        alone, beside = [*beside, *alone], []
    if beside:
        yield from _in_parallel(beside, jobs, suites)
    with Prover(suites) as prover:
        for fault in alone:
            yield prover.row(fault)


def _in_parallel(faults: Sequence[Fault], jobs: int, suites: Sequence[str]) -> Iterator[Row]:
    waiting = list(faults)
    pending: dict[Future[Row], Fault] = {}
    # Spawned: this process may have threads and an event loop, which a fork would copy half.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(jobs, len(faults)), mp_context=context, initializer=_begin_worker)
    try:
        while waiting or pending:
            while waiting and len(pending) < jobs:
                fault = waiting.pop(0)
                pending[pool.submit(_work, fault.name, tuple(suites))] = fault
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for each in done:
                yield _row_of(each, pending.pop(each))
    finally:
        pool.shutdown(wait=not pending, cancel_futures=True)
        for child in multiprocessing.active_children():
            child.terminate()


def _row_of(future: "Future[Row]", fault: Fault) -> Row:
    try:
        return future.result()
    except BrokenProcessPool:
        return _failed(fault, "the process that verified it died", 0.0)


_worker: "Prover | None" = None


def _begin_worker() -> None:
    # Ctrl-C goes to the whole group; the parent decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A parent that was killed stops nobody; its simulators end with this process."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _work(name: str, suites: tuple[str, ...]) -> Row:
    global _worker
    _worker = _worker or Prover(suites)
    return _worker.row(_NOTHING if name == HONEST else FAULTS[name])


class Prover:
    """A context that verifies one fault after the other, with simulators that are kept running where it can be."""

    def __init__(self, suites: Sequence[str] = SUITES) -> None:
        self._suites = tuple(suites)
        self._standing: tuple[Any, RunningSimulators] | None = None

    def __enter__(self) -> "Prover":
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()

    def row(self, fault: Fault) -> Row:
        """One verification by the suites that see the fault."""
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
        except (EmbeddedError, GeneratorError, httpx.HTTPError, OSError) as error:
            self._leave()
            return _failed(fault, f"{type(error).__name__}: {error}"[:300], time.monotonic() - begun)
        row = rows[0] if len(rows) == 1 else rows[1].with_suites_of(rows[0])
        return replace(row, seconds=time.monotonic() - begun)

    def _driven(self, fault: Fault, names: Sequence[str], suites: tuple[str, ...]) -> Report:
        settings = _settings(suites)
        if fault.at_start or fault.name == HONEST:
            with running_simulators(*names, launch=fault.name == HONEST or _needs_launch(fault)) as own:
                return own.judged(settings)
        return self._kept_simulators().verify(names, settings)

    def _kept_simulators(self) -> "RunningSimulators":
        if self._standing is None:
            manager = running_simulators()
            self._standing = (manager, manager.__enter__())
        return self._standing[1]

    def _leave(self) -> None:
        if self._standing is not None:
            manager, _ = self._standing
            self._standing = None
            manager.__exit__(None, None, None)


def _settings(suites: tuple[str, ...]) -> Settings:
    if suites == (BROWSER,):
        # With the premises, which are other suites' rules: what a page shows depends on them.
        return replace(_QUICK, select=(f"{BROWSER}.*",))
    return replace(_QUICK, without=tuple(each.id for each in catalogue() if suite_of(each.id) not in suites))


def _loaded(fault: Fault, report: Report) -> Row:
    """The row of a load run: what a short one leaves undecided says nothing, but something it must have decided."""
    row = replace(row_of(fault, report), suites=(LOAD,), undecided=(), rootless=())
    decided = any(each.verdict in JUDGED and each.requirement in requirements() for each in report.findings)
    return row if decided or row.problem else replace(row, problem="under load no budget could be decided")


def row_of(fault: Fault, report: Report) -> Row:
    """What a report says of a fault."""

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


class RunningSimulators:
    """Running simulators that can be made honest, and dishonest in another way, again and again."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment

    def verify(self, faults: Sequence[str], settings: Settings = _QUICK) -> Report:
        """Reset the simulators, arm the faults, verify. Raises httpx.HTTPError where a control plane fails."""
        self._prepare(faults)
        return self.judged(settings)

    def judged(self, settings: Settings = _QUICK) -> Report:
        """Verify without preparing anything."""
        return report_of(self.drive(settings), settings)

    def drive(self, settings: Settings = _QUICK) -> Run:
        """Drive without preparing anything."""
        return asyncio.run(perform(self.deployment, settings))

    def _prepare(self, faults: Sequence[str]) -> None:
        controls = [each.control for each in self.deployment.targets.values() if each.control is not None]
        with httpx.Client(trust_env=False) as client:
            for control in controls:

                def call(
                    method: str, path: str, body: object = None, *, at: str = control.url, token: str = control.token
                ) -> Any:
                    headers = {"Authorization": f"Bearer {token}"}
                    answer = client.request(method, at + path, json=body, headers=headers)
                    answer.raise_for_status()
                    return answer.json() if answer.content else None

                call("DELETE", "/faults")
                call("PUT", "/clock", {"now": time.time()})
                call("POST", "/reset")
                limits = call("GET", "/rate-limits")
                call("PUT", "/rate-limits", dict.fromkeys(limits))
                known = {each["name"] for each in call("GET", "/faults")["faults"]}
                for fault in known & set(faults):
                    call("PUT", f"/faults/{fault}", {"times": None})


@contextmanager
def running_simulators(*faults: str, launch: bool = False) -> Iterator[RunningSimulators]:
    """Simulators that run until the block is left, started with faults; only with `launch` can a second instance be
    started beside them, which would be most of the time of a run. Raises EmbeddedError."""
    with deployed(None, faults=faults) as deployment:
        if not launch:
            targets = {app: replace(each, launch=()) for app, each in deployment.targets.items()}
            deployment = replace(deployment, targets=targets)
        yield RunningSimulators(deployment)
