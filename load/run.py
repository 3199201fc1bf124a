"""A load run: preflight, calibration, the generator, page loads; its result is a history."""

import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.server_clocks import ServerClocks
from harness.capabilities import capabilities_of
from harness.deployment import Deployment
from harness.history import Context, History
from harness.private_folder import PrivateFolder
from harness.redact import Redactor
from harness.saved_history import Run
from harness.stopping import run as run_stoppable
from load.generate import calibration
from load.generate.generator_log import GeneratorLog, read_log
from load.generate.preflight import preflight, webhooks_ahead
from load.generate.processes import GeneratorError, GeneratorWorkers, generate
from load.generate.samples import Result, blocks_of
from load.judge.needs import duration, needs_of_requests, within
from load.judge.page_load_figures import PageLoadFigures
from load.judge.sequential import ONLY_AT_THE_END, Deciding, Looks
from load.judge.to_history import RunConditions, to_history
from load.pages.page_loads import PageLoadOptions, load_live_page
from load.plan.arrivals import Schedule
from load.plan.budgets import Budget
from load.plan.flows import most_flows
from load.plan.measures import FLOW, SIMULTANEOUS
from load.plan.progress import LoadProgress, still_needed
from load.plan.settings import Bursts, RunSettings, allowed_journeys, deployment_file

LOCUST_REPORT, LOCUST_LOG = "locust.html", "locust.log"
_CALIBRATION_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a run is made. The schedule in `run` has the whole mix (`schedule_for` drops what the deployment does not
    allow), `calibrate` measures an empty server first, `looks` may end the requests early, `pages` says how pages are
    loaded. Where looks may end them, requests and page loads take at most `within` seconds together."""

    run: RunSettings
    budgets: tuple[Budget, ...]
    workers: GeneratorWorkers = GeneratorWorkers()  # noqa: RUF009  # frozen
    calibrate: bool = True
    looks: Looks = ONLY_AT_THE_END
    pages: PageLoadOptions = PageLoadOptions()  # noqa: RUF009  # frozen
    within: float = math.inf


def schedule_for(deployment: Deployment, options: LoadOptions) -> tuple[Schedule, Mapping[str, str]]:
    """The schedule without the journeys that a deployment does not allow, and with no more flows than its events allow;
    and the reasons for what is left out, by journey."""
    schedule = options.run.schedule
    journeys = allowed_journeys(deployment, schedule.mix)
    mix = dict(journeys.mix)
    if FLOW in mix and schedule.stages:
        others = sum(mix.values()) - mix[FLOW]
        share = most_flows(len(deployment.linked), options.run.think, options.workers.lanes) / schedule.highest_rate
        if others and share < 1.0:
            mix[FLOW] = min(mix[FLOW], round(others * share / (1.0 - share), 4))
    return replace(schedule, mix=mix), journeys.left_out


def run_load(
    deployment: Deployment,
    context: Context,
    options: LoadOptions,
    folder: Path | None,
    progress: LoadProgress = LoadProgress(),  # noqa: B008  # frozen
    *,
    started: Callable[[int], None] = lambda pid: None,
    watching: Callable[[float], None] = lambda at: None,
) -> Run:
    """Make a run: pages first, then requests, which would slow each other down.

    `folder` is for Locust's report and log. `started` is called with the process id of the generator, `watching` now
    and then with the seconds of the schedule that have passed. Raises GeneratorError if the generator itself cannot be
    run; every other problem is in the history.
    """
    schedule, left_out = schedule_for(deployment, options)
    history, redactor, began = History(context), Redactor(deployment.secrets()), time.monotonic()
    failed, clocks = "", ServerClocks()
    if schedule.stages:
        progress.show("trying each call once")
        failed = run_stoppable(preflight(deployment, history, redactor, schedule.mix, clocks))
    conditions = RunConditions(
        run=replace(options.run, schedule=schedule, lanes=options.workers.lanes if schedule.stages else 0),
        users=len(deployment.users),
        left_out=left_out,
        near="near:tuvens-api" in capabilities_of(deployment),
        failed=failed,
    )
    deciding, conditions, first = _planned(conditions, options, progress)
    pages = _pages(deployment, history, redactor, options, first, progress)
    log = GeneratorLog()
    if schedule.stages and not failed:
        conditions = _shortened(conditions, options, first, pages.seconds)
        conditions, log = _requests(
            deployment, conditions, options, deciding, folder, progress, (started, watching), webhooks_ahead(clocks)
        )
    to_history(history, log, conditions, pages)
    return Run.of(history, redactor, began)


def _planned(
    conditions: RunConditions, options: LoadOptions, progress: LoadProgress
) -> tuple[Deciding, RunConditions, float]:
    """Which budgets the requests are to decide, and about how many seconds that takes. What they cannot decide is
    said."""
    run, looks = conditions.run, options.looks
    if not looks.moments or not run.schedule.stages or conditions.failed:
        return Deciding((), looks), conditions, 0.0
    sent = [each for each in options.budgets if any(_is_sent(name, run) for name in each.over)]
    needs = needs_of_requests(sent, run.schedule, run.bursts.count * run.bursts.size, looks.spent[0])
    seconds = sum(end - start for start, end in run.schedule.windows)
    met, beyond = within(needs, seconds)
    first = max((each.seconds for each in met), default=0.0)
    rate = run.schedule.highest_rate
    progress.say(f"requests: {rate:g} per second; about {duration(first)}, at most {duration(seconds)}")
    for name, needed in beyond.items():
        progress.say(f"not decided in this run: {name} needs {needed}")
    # Bursts come after the schedule.
    waited_for = [each for each in met if SIMULTANEOUS not in each.budget.over]
    return Deciding(waited_for, looks), replace(conditions, beyond=beyond), first


def _is_sent(measure: str, run: RunSettings) -> bool:
    return measure.partition("/")[0] in run.schedule.mix or (measure == SIMULTANEOUS and run.bursts.count > 0)


def _pages(
    deployment: Deployment,
    history: History,
    redactor: Redactor,
    options: LoadOptions,
    requests: float,
    progress: LoadProgress,
) -> PageLoadFigures:
    """Load pages, in the time that the requests leave."""
    pages = options.pages
    if pages.seconds and pages.looks.moments:
        pages = replace(pages, seconds=min(pages.seconds, options.within - requests))
        if pages.seconds < 1.0:
            return PageLoadFigures("no page was loaded: the requests take all the time of --within")
    return run_stoppable(load_live_page(deployment, history, redactor, pages, options.budgets, progress))


def _shortened(conditions: RunConditions, options: LoadOptions, first: float, used: float) -> RunConditions:
    """The requests may take what the pages left of the time, but no less than their first look needs."""
    schedule = conditions.run.schedule
    if not options.looks.moments:
        return conditions
    *before, last = schedule.stages
    seconds = min(last.seconds, max(options.within - used, first))
    shorter = replace(schedule, stages=(*before, replace(last, seconds=seconds)))
    return replace(conditions, run=replace(conditions.run, schedule=shorter))


def _requests(
    deployment: Deployment,
    conditions: RunConditions,
    options: LoadOptions,
    deciding: Deciding,
    folder: Path | None,
    progress: LoadProgress,
    watched: tuple[Callable[[int], None], Callable[[float], None]],
    ahead: float,
) -> tuple[RunConditions, GeneratorLog]:
    """Send the requests. `watched`: `started` and `watching` of run_load; `ahead`: as in RunSettings."""
    started, watching = watched
    with PrivateFolder() as inside:
        file = inside / "deployment.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(deployment_file(deployment)), "utf-8")
        if options.calibrate:
            found = _calibrate(options, conditions.run.schedule, inside, file, progress)
            conditions = replace(conditions, calibration=found)
        settings = replace(conditions.run, record=str(inside / "record.jsonl"), ahead=ahead)
        monitor = _Monitor(Path(settings.record), settings.schedule, deciding, progress, watching)
        html = folder / LOCUST_REPORT if folder is not None else None
        output = (folder or inside) / LOCUST_LOG
        generate(settings, file, options.workers, html=html, log=output, look=monitor.look, started=started)
        log = read_log(Path(settings.record).read_text("utf-8").splitlines(keepends=True))
    return replace(conditions, stopped_early=deciding.is_over, share=deciding.share, failed="; ".join(log.notes)), log


def _calibrate(
    options: LoadOptions, schedule: Schedule, inside: Path, file: Path, progress: LoadProgress
) -> Mapping[str, float]:
    progress.show("calibrating against an empty server")
    short = calibration.schedule(schedule.highest_rate, _CALIBRATION_SECONDS, schedule.seed)
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
        except GeneratorError:
            return {}
    if not Path(settings.record).exists():
        return {}
    lines = Path(settings.record).read_text("utf-8").splitlines(keepends=True)
    return calibration.floor_of(read_log(lines), short.windows)


class _Monitor:
    """Follows the generator: reports its progress, and stops it once every budget is decided."""

    def __init__(
        self,
        path: Path,
        schedule: Schedule,
        deciding: Deciding,
        progress: LoadProgress,
        watching: Callable[[float], None],
    ) -> None:
        self._path = path
        self._watching = watching
        self._schedule = schedule
        self._deciding = deciding
        self._progress = progress
        self._offset = 0
        self._log = GeneratorLog()
        self._counts: Counter[str] = Counter()
        self._wrong = 0

    def look(self) -> bool:
        """Read the new lines of the generator's log; returns whether to stop the run."""
        self._read()
        at = max((each.at for each in self._log.pulses[-200:]), default=0.0)
        if not at:
            return False
        self._watching(at)
        deciding = self._deciding
        if deciding.is_due(self._counts) and not deciding.look(
            blocks_of(self._log.samples, self._schedule.windows, at)
        ):
            names = ", ".join(each.id for each in deciding.undecided)
            self._progress.say(f"still undecided, with enough samples: {names}; going on")
        needed = "" if deciding.is_over else still_needed(deciding.missing(self._counts))
        self._progress.show(
            f"requests: {at:.0f} of at most {self._schedule.seconds:.0f} s, {self._counts.total():,} sent, "
            f"{self._wrong} wrong{needed}"
        )
        return deciding.is_over

    def _read(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        before = len(self._log.samples)
        for line in whole.decode("utf-8").splitlines():
            self._log.add({key: value for key, value in json.loads(line).items() if key in ("samples", "pulses")})
        for each in self._log.samples[before:]:
            self._counts[each.measure] += any(start <= each.at < end for start, end in self._schedule.windows)
            self._wrong += each.result is not Result.OK
