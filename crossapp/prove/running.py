"""Simulators that run while one fault after the other is verified."""

import asyncio
import multiprocessing
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from crossapp.control import ControlClient
from crossapp.deployments import deployed
from crossapp.run import Settings, perform, report_of
from harness.deployment import Deployment
from harness.report import Report
from harness.saved_history import Run
from harness.stopping import run as run_stoppable
from simulators.faults import FAULTS, app_of

QUICK = Settings(quick=True)


def as_staging(deployment: Deployment) -> Deployment:
    """The same applications as a file describes a staging: no control plane, no access to a database, no key that
    signs JWTs, three events of which two are linked."""
    targets = {
        app: replace(each, kind="staging", control=None, launch=(), database="", audit_table="")
        for app, each in deployment.targets.items()
    }
    return replace(
        deployment, targets=targets, jwt_secret="", events=deployment.events[:3], linked=deployment.linked[:2]
    )


def _run(work: Coroutine[Any, Any, Run]) -> Run:
    """Run to the end. SIGTERM stops it as Ctrl-C does, but for a process of a pool: that is ended by its parent."""
    return run_stoppable(work) if multiprocessing.parent_process() is None else asyncio.run(work)


class RunningSimulators:
    """Running simulators that can be made honest, and dishonest in another way, again and again.

    With `staged` they are verified as a staging, see `as_staging`. Every method that speaks to them raises
    ControlError where a control plane fails.
    """

    def __init__(self, deployment: Deployment, controls: Mapping[str, ControlClient], *, staged: bool = False) -> None:
        self.deployment = deployment
        self._controls = controls
        self._staged = staged
        self._armed: tuple[str, ...] = ()

    def verify(self, faults: Sequence[str], settings: Settings = QUICK) -> Report:
        """Reset the simulators, arm the faults, verify."""
        self.prepare(faults)
        return self.judged(settings)

    def judged(self, settings: Settings = QUICK) -> Report:
        """Verify without preparing anything."""
        return report_of(self.drive(settings), settings)

    def drive(self, settings: Settings = QUICK) -> Run:
        """Drive without preparing anything."""
        deployment = self.described
        return _run(perform(as_staging(deployment) if self._staged else deployment, settings))

    @property
    def described(self) -> Deployment:
        """The deployment as a file says it while the armed faults are."""
        targets = dict(self.deployment.targets)
        # A mutant of a response has no record, and what a file says of it stays true.
        for each in (FAULTS[name] for name in self._armed if name in FAULTS):
            targets[each.app] = replace(targets[each.app], **dict[str, Any](each.described))
        return replace(self.deployment, targets=targets)

    def prepare(self, faults: Sequence[str]) -> None:
        """Reset clocks, state, limits and journals, and arm these faults and no others."""
        self._armed = tuple(faults)
        for control in self._controls.values():
            # A reset of everything would arm the faults of the start anew.
            control.disarm()
            control.clock.set(time.time())
            control.reset()
            control.set_rate_limits(dict.fromkeys(control.rate_limits()))
        for name in faults:
            self._controls[app_of(name)].arm(name)

    def fired(self, fault: str) -> int:
        """How often an armed fault has fired."""
        return self._controls[app_of(fault)].fired(fault)

    def responses(self) -> Counter[tuple[str, int]]:
        """How often the simulators sent each operation's response with each status since they were prepared, as far as
        their journals reach back."""
        return Counter(
            (each["operation"], each["status"])
            for control in self._controls.values()
            for each in control.journal.exchanges()
            if each["operation"] and each["status"]
        )


@contextmanager
def running_simulators(*faults: str, launch: bool = False, staged: bool = False) -> Iterator[RunningSimulators]:
    """Simulators that run until the block is left, started with faults; `staged`: to be verified as a staging. A second
    instance can be started beside them only with `launch`: it would take most of the time of a run. Raises
    EmbeddedError."""
    with deployed(None, faults=faults) as deployment:
        if not launch:
            targets = {app: replace(each, launch=()) for app, each in deployment.targets.items()}
            deployment = replace(deployment, targets=targets)
        with ExitStack() as stack:
            controls = {
                app: stack.enter_context(ControlClient(app, each.control))
                for app, each in deployment.targets.items()
                if each.control is not None
            }
            yield RunningSimulators(deployment, controls, staged=staged)
