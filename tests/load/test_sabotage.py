"""Runs that are sabotaged while they go on, each against simulators of its own: none of them may pass.

The same is judged from made records in test_verdicts.py, at once; here everything is real, in the slow environment. A
wrong address and a TLS error, which end a run before it begins, are in tests/crossapp/test_load.py.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import openapi
from crossapp.commands.load import judged
from crossapp.load_deployment import many
from crossapp.run import Settings, context_of
from harness.deployment import Deployment
from harness.deployment_file import build_deployment
from harness.report import Finding, Report
from harness.server import listen
from load.generate.processes import GeneratorWorkers
from load.plan.arrivals import ArrivalModel, Schedule, steady
from load.plan.budgets import read_budgets
from load.plan.measures import MIX
from load.plan.settings import Bursts, RunSettings
from load.run import LoadOptions, run_load

pytestmark = pytest.mark.slow
_TRIES = 6


class Simulated:
    """Simulators on fixed ports, which can be stopped and started again."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        seed = folder / "seed.json"
        seed.write_text(json.dumps(many(40).to_json()), "utf-8")
        self._command = [
            sys.executable, "-m", "simulators", "--json", "--exit-with-stdin", "--seed", str(seed),
            "--port", f"tuvens-api={_port()}", "--port", f"hi.events={_port()}", *arguments,
        ]  # fmt: skip
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.described: dict[str, Any] = json.loads(self.process.stdout.readline())

    def stop(self) -> None:
        self.process.kill()
        with self.process:
            pass

    def deployment(self) -> Deployment:
        found = build_deployment(self.described, apps=openapi.APPS, editions=(openapi.EDITION,))
        return replace(found, users=tuple(replace(each, role="organiser") for each in found.users))


def _port() -> int:
    listener = listen()
    number: int = listener.getsockname()[1]
    listener.close()
    return number


@contextmanager
def simulated(folder: Path, *arguments: str) -> Iterator[Simulated]:
    made = Simulated(folder, *arguments)
    try:
        yield made
    finally:
        made.stop()


@dataclass
class Sabotage:
    """What is done, once, when so many seconds of the schedule have passed."""

    act: Callable[[Simulated, int], None]
    at: float = 2.0
    pid: int = 0
    done: bool = False


def run(
    folder: Path,
    simulators: Simulated,
    sabotage: Sabotage | None = None,
    workers: GeneratorWorkers = GeneratorWorkers(),  # noqa: B008  # frozen
    **changes: Any,
) -> Report:
    schedule = Schedule(steady(40, 8, 1), ArrivalModel.POISSON, 0, MIX)
    load = RunSettings(schedule, drain=4.0, think=0.1, listeners=2, bursts=Bursts(1, 40))
    options = LoadOptions(replace(load, **changes), read_budgets(), workers, calibrate=False)
    target = simulators.deployment()
    settings = Settings()

    def started(pid: int) -> None:
        if sabotage is not None:
            sabotage.pid = pid

    def watching(at: float) -> None:
        if sabotage is not None and not sabotage.done and at >= sabotage.at:
            sabotage.done = True
            sabotage.act(simulators, sabotage.pid)

    made = run_load(
        target,
        context_of(target, settings),
        options,
        folder,
        started=started,
        watching=watching,
    )
    if sabotage is not None:
        assert sabotage.done, (folder / "locust.log").read_text("utf-8")
    return judged(made, settings, options.budgets)


def faults(report: Report) -> Mapping[str, Finding]:
    return {each.requirement: each for each in report.findings if each.verdict in ("harness_fault", "violated")}


_HOGS, _HOGGING = 6, 4.0
_BUSY = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end: pass"


def hog(simulators: Simulated, pid: int) -> None:
    """Busy processes on the one processor that the generator may use, and they come first; they end by themselves."""
    processor = {min(os.sched_getaffinity(pid))}
    os.sched_setaffinity(pid, processor)
    os.setpriority(os.PRIO_PROCESS, pid, 19)
    # Between sessions, which the generator and each of these are, only this one counts, where there is such a thing.
    group = Path(f"/proc/{pid}/autogroup")
    if group.exists():
        group.write_text("19", "ascii")
    for _ in range(_HOGS):
        busy = subprocess.Popen([sys.executable, "-S", "-c", _BUSY, str(_HOGGING)], start_new_session=True)
        os.sched_setaffinity(busy.pid, processor)
        _ended_later.append(busy)


_ended_later: list["subprocess.Popen[bytes]"] = []


@pytest.fixture(autouse=True)
def _nobody_is_left() -> Iterator[None]:
    yield
    while _ended_later:
        _ended_later.pop().wait(_HOGGING + 10)


def open_few_files(simulators: Simulated, pid: int) -> None:
    """The generator may open hardly more files than it has open."""
    count = len(os.listdir(f"/proc/{pid}/fd"))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count + 5, count + 5))


def pause(simulators: Simulated, pid: int) -> None:
    """The generator is stopped, again and again."""
    for _ in range(6):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.4)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.2)


def kill_a_worker(simulators: Simulated, pid: int) -> None:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()
    os.kill(int(children[0]), signal.SIGKILL)


def restart(simulators: Simulated, pid: int) -> None:
    simulators.stop()
    time.sleep(1.0)
    simulators.start()


def freeze(simulators: Simulated, pid: int) -> None:
    """The target answers nothing any more: a tail without an end."""
    simulators.process.send_signal(signal.SIGSTOP)


@pytest.mark.parametrize(
    ("act", "root", "changes"),
    [
        (hog, "load.generator_kept_up", {}),
        (pause, "load.generator_kept_up", {}),
        (open_few_files, "load.target_stayed_reachable", {}),
        (kill_a_worker, "load.accounts_add_up", {"workers": GeneratorWorkers(2)}),
        (lambda simulators, pid: simulators.stop(), "load.target_stayed_reachable", {}),
        (restart, "load.target_stayed_reachable", {}),
        (freeze, "", {}),
    ],
    ids=[
        "hogged processor",
        "paused generator",
        "too few connections",
        "killed worker",
        "stopped target",
        "restarted target",
        "very slow tail",
    ],
)
def test_a_sabotaged_run_never_passes(
    tmp_path: Path, act: Callable[[Simulated, int], None], root: str, changes: dict[str, Any]
) -> None:
    with simulated(tmp_path, "--limits", "raised") as simulators:
        report = run(tmp_path, simulators, Sabotage(act), **changes)
    found = faults(report)
    # Whoever gets no answer at all leaves what is measured in the server undecided: 2, beside the budgets that fail.
    assert report.footer.exit_code in ((1, 3) if root else (1, 2, 3)), [each.reason for each in report.findings]
    assert not root or root in found, found
    assert root or "load.validation_is_acceptable" in found, found


_SHIFTED = """
import os, time
real, file = time.time, os.environ["CROSSAPP_TEST_SHIFT"]
time.time = lambda: real() + (float(open(file).read()) if os.path.exists(file) else 0.0)
"""


@pytest.mark.parametrize("step", [-30.0, 0.3])
def test_a_clock_that_is_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float) -> None:
    """The generator's process has a clock of its own, which is set while it runs."""
    shift = tmp_path / "shift"
    with simulated(tmp_path, "--limits", "raised") as simulators:
        (tmp_path / "sitecustomize.py").write_text(_SHIFTED, "utf-8")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setenv("CROSSAPP_TEST_SHIFT", str(shift))
        report = run(tmp_path, simulators, Sabotage(lambda simulators, pid: void(shift.write_text(str(step), "utf-8"))))
    assert f"was changed by {step:+.2f} s" in faults(report)["load.clock_ran_steadily"].reason
    assert report.footer.exit_code == 3


def void(value: object) -> None:
    """A sabotage returns nothing."""


def test_too_few_under_way_are_told(tmp_path: Path) -> None:
    with simulated(tmp_path, "--limits", "raised") as simulators:
        report = run(tmp_path, simulators, max_in_flight=1)
    assert "load.every_request_was_sent" in faults(report)


def test_a_limit_that_was_not_said_is_told(tmp_path: Path) -> None:
    with simulated(tmp_path, "--limits", "contract") as simulators:
        report = run(tmp_path, simulators)
    assert "load.nothing_was_rate_limited" in faults(report)
    assert report.footer.exit_code == 3


def test_a_run_of_no_request_is_told(tmp_path: Path) -> None:
    with simulated(tmp_path, "--limits", "raised") as simulators:
        none = Schedule(steady(0.001, 3, 0), ArrivalModel.CONSTANT, 0, MIX)
        report = run(tmp_path, simulators, schedule=none, listeners=0, bursts=Bursts(0, 0))
    assert set(faults(report)) == {"load.requests_were_sent"}


def undisturbed(folder: Path, simulators: Simulated, **changes: Any) -> Report:
    """A run during which nothing else kept the generator from its processor, by its own word."""
    reason = ""
    for attempt in range(_TRIES):
        report = run(folder, simulators, **changes)
        late = faults(report).get("load.generator_kept_up")
        if late is None:
            return report
        reason = late.reason
        assert "for a CPU that other processes used" in reason
        time.sleep(5.0 * attempt)
    pytest.fail(f"this machine is too busy: {reason}")


def test_a_lost_update_is_a_wrong_answer(tmp_path: Path) -> None:
    with simulated(tmp_path, "--limits", "raised", "--fault", "lost-update-under-load") as simulators:
        report = undisturbed(tmp_path, simulators)
    assert "load.simultaneous_requests_are_handled" in faults(report)
    assert report.footer.exit_code == 1


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_clean_run_is_never_at_fault(tmp_path: Path, processes: int, seed: int) -> None:
    schedule = Schedule(steady(40, 8, 1), ArrivalModel.POISSON, seed, MIX)
    with simulated(tmp_path, "--limits", "raised") as simulators:
        report = undisturbed(tmp_path, simulators, workers=GeneratorWorkers(processes), schedule=schedule)
    assert faults(report) == {}
    assert report.footer.exit_code in (0, 2)


def test_the_memory_of_the_simulators_is_flat_over_a_soak(tmp_path: Path) -> None:
    """Resident memory in the second half of three minutes grows by less than 8 MiB."""
    seen: list[tuple[float, float]] = []

    def look(at: float, simulators: Simulated) -> None:
        status = Path(f"/proc/{simulators.process.pid}/status").read_text("utf-8")
        line = next(each for each in status.splitlines() if each.startswith("VmRSS"))
        seen.append((at, int(line.split()[1]) / 1024))

    with simulated(tmp_path, "--limits", "raised") as simulators:
        target = simulators.deployment()
        options = LoadOptions(
            run=RunSettings(Schedule(steady(100, 180, 5), ArrivalModel.POISSON, 0, MIX)),
            budgets=read_budgets(),
            calibrate=False,
        )
        settings = Settings()
        run_load(
            target,
            context_of(target, settings),
            options,
            tmp_path,
            watching=lambda at: look(at, simulators),
        )
    late = [memory for at, memory in seen if at > 90]
    assert late[-1] - late[0] < 8, seen[:: max(len(seen) // 20, 1)]
