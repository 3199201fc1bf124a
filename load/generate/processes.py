"""Locust in processes of its own: it patches the whole process that imports it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from harness.child_environment import child_environment
from load.plan.settings import RunSettings, stop_file

LOCUSTFILE = Path(__file__).parents[1] / "locustfile.py"
_SETTING_UP, _ENDING = 90.0, 20.0
_LOOK = 0.5


class GeneratorError(RuntimeError):
    """The generator could not be run; the text has the end of its output."""


@dataclass(frozen=True, slots=True)
class GeneratorWorkers:
    """The generator processes: `processes` on this machine (1: no master), or `expected` workers of other machines,
    which connect to `bind_host`."""

    processes: int = 1
    expected: int = 0
    bind_host: str = "127.0.0.1"
    bind_port: int = 0

    @property
    def lanes(self) -> int:
        """The number of generator processes."""
        return self.expected or self.processes

    def arguments(self) -> list[str]:
        """Locust's command-line options for them."""
        if self.lanes == 1 and not self.expected:
            return []
        port = str(self.bind_port or _free_port(self.bind_host))
        bound = ["--master-bind-host", self.bind_host, "--master-bind-port", port]
        if self.expected:
            return ["--master", "--expect-workers", str(self.expected), *bound]
        return ["--processes", str(self.processes), "--master-port", port, *bound]


def command_for(
    settings: RunSettings, deployment: Path, workers: GeneratorWorkers, html: Path | None = None
) -> list[str]:
    """The command line of a generator run."""
    limit = settings.schedule.seconds + _beyond(settings)
    return [
        sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--only-summary",
        "-u", str(workers.lanes), "-r", str(workers.lanes), "-t", f"{int(limit)}s", "--stop-timeout", "2",
        "--exit-code-on-error", "0", "--loglevel", "WARNING",
        "--deployment", str(deployment), "--crossapp-run", json.dumps(asdict(replace(settings, judge=os.getpid()))),
        *(["--html", str(html)] if html else []),
        *workers.arguments(),
    ]  # fmt: skip


def _beyond(settings: RunSettings) -> float:
    """Seconds that a run may take beyond its schedule."""
    return _SETTING_UP + settings.drain + settings.bursts.count * (settings.drain + 1.0) + _ENDING


def generate(
    settings: RunSettings,
    deployment: Path,
    workers: GeneratorWorkers,
    *,
    html: Path | None = None,
    log: Path,
    look: Callable[[], bool] = lambda: False,
    started: Callable[[int], None] = lambda pid: None,
) -> None:
    """Run the generator to its end. `look` is called twice a second and returns whether to stop early; `started` is
    called with the process id. Raises GeneratorError if the generator cannot be run, or does not end."""
    command = command_for(settings, deployment, workers, html)
    deadline = time.monotonic() + settings.schedule.seconds + _beyond(settings) + _ENDING
    with log.open("w", encoding="utf-8") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={key: value for key, value in child_environment().items() if not key.startswith("LOCUST_")},
            start_new_session=True,
        )
        started(child.pid)
        try:
            while child.poll() is None:
                if time.monotonic() > deadline:
                    raise GeneratorError(f"the generator did not end in time; it said: {_output_of(log)}")
                if look():
                    stop_file(Path(settings.record)).touch()
                time.sleep(_LOOK)
        finally:
            _end(child)
    if child.returncode and not Path(settings.record).exists():
        raise GeneratorError(f"the generator ended with {child.returncode}; it said: {_output_of(log)}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the process and its workers, which are in its process group."""
    for number, seconds in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        if child.poll() is not None and number == signal.SIGTERM:
            continue
        try:
            os.killpg(child.pid, number)
        except (ProcessLookupError, PermissionError):
            return
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            continue


def _output_of(log: Path) -> str:
    return " ".join(log.read_text("utf-8", "replace").split())[-600:] or "nothing"


def _free_port(host: str) -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])
