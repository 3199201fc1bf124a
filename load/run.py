"""A load run: preflight, calibration, the generator, page loads; its result is a history."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.server_clocks import ServerClocks
from harness.capabilities import capabilities_of
from harness.deployment import Deployment
from harness.history import Context, History
from harness.redact import Redactor
from harness.saved_history import Run
from load.generate import calibration
from load.generate.generator_log import GeneratorLog, read_log
from load.generate.preflight import preflight, webhooks_ahead
from load.generate.processes import GeneratorError, GeneratorWorkers, generate
from load.generate.samples import blocks_of
from load.judge.sequential import ONLY_AT_THE_END, Looks, enough
from load.judge.to_history import RunConditions, to_history
from load.pages.page_loads import PageLoadOptions, load_live_page
from load.plan.arrivals import Schedule
from load.plan.budgets import Budget
from load.plan.settings import Bursts, RunSettings, allowed_journeys, deployment_file

Progress = Callable[[str], None]
LOCUST_REPORT = "locust.html"
_CALIBRATION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a run is made. The schedule in `run` has the whole mix (`schedule_for` drops what the deployment does not
    allow), `calibrate` measures an empty server first, `looks` are the moments at which the run may end early, `pages`
    says how pages are loaded."""

    run: RunSettings
    budgets: tuple[Budget, ...]
    workers: GeneratorWorkers = GeneratorWorkers()  # noqa: RUF009  # frozen
    calibrate: bool = True
    looks: Looks = ONLY_AT_THE_END
    pages: PageLoadOptions = PageLoadOptions()  # noqa: RUF009  # frozen


def schedule_for(deployment: Deployment, schedule: Schedule) -> tuple[Schedule, Mapping[str, str]]:
    """The schedule without the journeys that a deployment does not allow, and the reasons by journey."""
    journeys = allowed_journeys(deployment, schedule.mix)
    return replace(schedule, mix=journeys.mix), journeys.left_out


def run_load(
    deployment: Deployment,
    context: Context,
    options: LoadOptions,
    folder: Path | None,
    progress: Progress,
    *,
    started: Callable[[int], None] = lambda pid: None,
    watching: Callable[[float], None] = lambda at: None,
) -> Run:
    """Make a run.

    `folder` is for Locust's report and log. `started` is called with the process id of the generator, `watching` now
    and then with the seconds of the schedule that have passed. Raises GeneratorError if the generator itself cannot be
    run; every other problem is in the history.
    """
    schedule, left_out = schedule_for(deployment, options.run.schedule)
    history, redactor, began = History(context), Redactor(deployment.secrets()), time.monotonic()
    failed, clocks = "", ServerClocks()
    if schedule.stages:
        progress("trying each call once")
        failed = asyncio.run(preflight(deployment, history, redactor, schedule.mix, clocks))
    conditions = RunConditions(
        run=replace(options.run, schedule=schedule, lanes=options.workers.lanes if schedule.stages else 0),
        users=len(deployment.users),
        left_out=left_out,
        near="near:tuvens-api" in capabilities_of(deployment),
        failed=failed,
    )
    log = GeneratorLog()
    if schedule.stages and not failed:
        with tempfile.TemporaryDirectory(prefix="crossapp-load-") as private:
            inside = Path(private)
            file = inside / "deployment.json"
            file.touch(mode=0o600)
            file.write_text(json.dumps(deployment_file(deployment)), "utf-8")
            if options.calibrate:
                conditions = replace(conditions, calibration=_calibrate(options, schedule, inside, file, progress))
            settings = replace(conditions.run, record=str(inside / "record.jsonl"), ahead=webhooks_ahead(clocks))
            monitor = _Monitor(Path(settings.record), schedule, options, progress, watching)
            html = folder / LOCUST_REPORT if folder is not None else None
            output = (folder or inside) / "locust.log"
            generate(settings, file, options.workers, html=html, log=output, look=monitor.look, started=started)
            log = read_log(Path(settings.record).read_text("utf-8").splitlines(keepends=True))
            conditions = replace(conditions, stopped_early=monitor.stopped, failed="; ".join(log.notes))
    # After the requests: pages and requests would slow each other down.
    figures = asyncio.run(
        load_live_page(deployment, history, redactor, options.pages, options.budgets, options.looks, progress)
    )
    to_history(history, log, conditions, figures)
    return Run.of(history, redactor, began)


def _calibrate(
    options: LoadOptions, schedule: Schedule, inside: Path, file: Path, progress: Progress
) -> Mapping[str, float]:
    progress("calibrating against an empty server")
    highest = max(max(each.start, each.end) for each in schedule.stages)
    short = calibration.schedule(highest, _CALIBRATION_SECONDS, schedule.seed)
    with calibration.empty_server() as address:
        settings = RunSettings(
            short,
            options.run.max_in_flight,
            drain=2.0,
            listeners=0,
            bursts=Bursts(0, 0),
            record=str(inside / "calibration.jsonl"),
            empty=address,
        )
        try:
            generate(settings, file, GeneratorWorkers(), log=inside / "calibration.log")
        except GeneratorError as error:
            progress(f"no calibration: {error}")
            return {}
    lines = Path(settings.record).read_text("utf-8").splitlines(keepends=True)
    return calibration.floor_of(read_log(lines), short.windows)


class _Monitor:
    """Follows a run: reports its progress, and stops it once every budget is decided."""

    def __init__(
        self,
        path: Path,
        schedule: Schedule,
        options: LoadOptions,
        progress: Progress,
        watching: Callable[[float], None],
    ) -> None:
        self._path = path
        self._watching = watching
        self._schedule = schedule
        self._options = options
        self._progress = progress
        self._offset = 0
        self._log = GeneratorLog()
        self._told = time.monotonic()
        self._look = 0
        self.stopped = False

    def look(self) -> bool:
        """Read the new lines of the generator's log; returns whether to stop the run."""
        self._read()
        at = max((each.at for each in self._log.pulses[-200:]), default=0.0)
        if at:
            self._watching(at)
        if time.monotonic() - self._told > 5.0 and at:
            self._told = time.monotonic()
            self._progress(f"{at:.0f} of {self._schedule.seconds:.0f} s, {len(self._log.samples)} requests")
        shares = self._options.looks.shares
        if self.stopped or self._look >= len(shares) - 1:
            return False
        if _measured(self._schedule, at) >= shares[self._look]:
            series = blocks_of(self._log.samples, self._schedule.windows, at)
            self.stopped = enough(_judgeable(self._options, self._schedule), series, self._options.looks, self._look)
            self._look += 1
        return self.stopped

    def _read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.decode("utf-8").splitlines():
            self._log.add({key: value for key, value in json.loads(line).items() if key in ("samples", "pulses")})


def _measured(schedule: Schedule, at: float) -> float:
    """The share of the measured seconds that have passed at a time."""
    total = sum(end - start for start, end in schedule.windows)
    return sum(max(min(at, end) - start, 0.0) for start, end in schedule.windows) / total


def _judgeable(options: LoadOptions, schedule: Schedule) -> Sequence[Budget]:
    """The budgets that the schedule's journeys decide. Bursts come after it, so a run that ends early has none."""
    return [each for each in options.budgets if any(name.partition("/")[0] in schedule.mix for name in each.over)]
