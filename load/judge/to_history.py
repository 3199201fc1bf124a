"""A load run as a history: figures as observations, and its slowest and wrong exchanges."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from harness.history import Exchange, History, NothingObservedError, Observation
from load.generate.generator_log import GeneratorLog
from load.generate.health import Health, health_of
from load.generate.lane_tally import LaneTally, counted, discrepancies
from load.generate.samples import ANSWERED, Block, Result, blocks_of
from load.generate.steps import SLOWEST, STORY, WRONG
from load.judge.page_load_figures import PageLoadFigures
from load.plan.measures import FLOW, JOURNEYS, MIX, SIMULTANEOUS
from load.plan.settings import RunSettings

RUN = f"{STORY}/run"
MEASURE = f"{STORY}/measure/"
PAGE_LOADS = f"{STORY}/visits"
NO_REQUESTS = "no request was to be sent: give --duration a time"


@dataclass(frozen=True, slots=True)
class RunConditions:
    """The conditions of a run. `users`: the number of users; `near`: whether the target shares the generator's machine;
    `left_out`: reasons by journey that the deployment does not allow; `failed`: why nothing could be sent. `share`: the
    share of a budget's allowed error with which the run is judged; `beyond`: what the budgets would need, by id, that
    the run was not planned for."""

    run: RunSettings
    users: int
    left_out: Mapping[str, str]
    calibration: Mapping[str, float] = field(default_factory=dict)
    near: bool = False
    stopped_early: bool = False
    failed: str = ""
    share: float = 1.0
    beyond: Mapping[str, str] = field(default_factory=dict)


def to_history(
    history: History, log: GeneratorLog, conditions: RunConditions, pages: PageLoadFigures | None = None
) -> None:
    """Append a run's figures, its slowest and its wrong exchanges, and its page loads to a history."""
    run, schedule = conditions.run, conditions.run.schedule
    windows = schedule.windows
    tallies = [log.tallies[lane] for lane in sorted(log.tallies)]
    due = {each.lane: _due(conditions, each) for each in tallies}
    seen = counted(log.samples, JOURNEYS)
    until = max((each.until for each in tallies), default=0.0)
    seconds = max((each.ended for each in tallies), default=0.0)
    problems = discrepancies(tallies, run.lanes, due, seen)
    if not conditions.stopped_early:
        problems += [
            f"worker {each.lane + 1} ended after {each.until:.1f} s of {schedule.seconds:g}"
            for each in tallies
            if each.until < schedule.seconds
        ]
    # Not of flows, which are many requests with pauses.
    single = [
        each
        for each in log.samples
        if each.measure in schedule.mix and each.measure != FLOW and each.result in ANSWERED
    ]
    values = {
        "schedule": asdict(schedule),
        "lanes": run.lanes,
        "seconds": round(seconds, 3),
        "settings": _in_words(conditions),
        "left_out": _left_out(conditions),
        "calibration": dict(conditions.calibration),
        "near": conditions.near,
        "users": conditions.users,
        "at_once": run.bursts.size,
        "stopped_early": conditions.stopped_early,
        "share": conditions.share,
        "beyond": dict(conditions.beyond),
        "failed": conditions.failed,
        "notes": log.notes,
        "accounts": [each.to_json() for each in tallies],
        "problems": [] if conditions.failed else problems,
        "reasons": {measure: dict(counts.most_common(20)) for measure, counts in sorted(log.reasons.items())},
        "results": {each.name: _total(log, each) for each in Result},
        "health": health_of(log.pulses, single, windows).to_json(),
    }
    _append(history, RUN, values)
    shown = [*((start, min(end, until)) for start, end in windows if start < until)]
    shown += [(until, seconds)] if seconds > until else []
    for measure, blocks in sorted(blocks_of(log.samples, shown, seconds).items()):
        _append(history, MEASURE + measure, {"blocks": [each.to_json() for each in blocks]})
    if pages is not None:
        _append(history, PAGE_LOADS, pages.to_json())
        for measure, blocks in sorted(pages.series().items()):
            _append(history, MEASURE + measure, {"blocks": [each.to_json() for each in blocks]})
    for exchange in sorted(log.exchanges, key=lambda each: (each.step, -each.seconds)):
        history.entries.append(replace(exchange, number=len(history.entries) + 1))


def _in_words(conditions: RunConditions) -> dict[str, str]:
    run = conditions.run
    return {
        "users": str(conditions.users),
        "max in flight": str(run.max_in_flight),
        "listeners": str(run.listeners),
        "bursts": f"{run.bursts.count} of {run.bursts.size}",
        "think time": f"{run.think:g} s",
        "waited for the last answers": f"{run.drain:g} s",
        "generator processes": str(run.lanes),
    }


def _left_out(conditions: RunConditions) -> dict[str, str]:
    if conditions.run.schedule.stages:
        return dict(conditions.left_out)
    return dict.fromkeys((*MIX, SIMULTANEOUS), NO_REQUESTS)


def _due(conditions: RunConditions, tally: LaneTally) -> int:
    """The number of arrivals that were due in a lane, by the schedule alone."""
    run, until = conditions.run, tally.until
    due = sum(each.at < until for each in run.schedule.arrivals(tally.lane, run.lanes))
    due += len(range(tally.lane, run.listeners, run.lanes))
    return due + run.bursts.count * len(range(tally.lane, run.bursts.size, run.lanes))


def _total(log: GeneratorLog, result: Result) -> int:
    return sum(each.result is result for each in log.samples)


def _append(history: History, step: str, values: Mapping[str, Any]) -> None:
    history.entries.append(Observation(len(history.entries) + 1, step, values))


def run_of(history: History) -> Observation:
    """The observation with a run's figures. Raises NothingObservedError."""
    return history.observation(RUN)


def page_loads_of(history: History) -> Mapping[str, Any]:
    """The page-load figures of a run; empty ones for histories recorded before page loads existed."""
    try:
        return history.observation(PAGE_LOADS).values
    except NothingObservedError:
        return PageLoadFigures("no page was loaded in this run").to_json()


def left_out(history: History, journey: str) -> str:
    """Why a journey was left out; empty if it was not. Raises NothingObservedError."""
    if journey == "widget":
        return str(page_loads_of(history)["left_out"])
    return str(run_of(history).values["left_out"].get(journey, ""))


def of_load(history: History) -> bool:
    """Whether a history is of a load run."""
    return any(each.step == RUN for each in history.of_story(STORY))


def health_in(history: History) -> Health:
    """The generator's health. Raises NothingObservedError."""
    return Health(**run_of(history).values["health"])


def tallies_of(history: History) -> LaneTally:
    """The tallies of all lanes, added up. Raises NothingObservedError."""
    whole = LaneTally(0)
    for value in run_of(history).values["accounts"]:
        each = LaneTally.from_json(value)
        whole.scheduled += each.scheduled
        whole.results.update(each.results)
    return whole


def series_of(history: History, over: Collection[str] | None = None) -> dict[str, list[Block]]:
    """The blocks of samples by measure: of all measures, or of these."""
    measures = {each.step.removeprefix(MEASURE): each for each in _measures(history)}
    return {
        name: [Block.from_json(value) for value in each.values["blocks"]]
        for name, each in measures.items()
        if over is None or name in over
    }


def evidence_for(history: History, over: Sequence[str]) -> tuple[int, ...]:
    """The evidence of a budget: numbers of its wrong and slowest exchanges, and of the observations of its measures."""
    wrong = [each for each in _exchanges(history, WRONG) if each.step.removeprefix(WRONG) in over]
    slow = [each for each in _exchanges(history, SLOWEST) if each.step.removeprefix(SLOWEST) in over]
    figures = [each for each in _measures(history) if each.step.removeprefix(MEASURE) in over]
    shown = tuple(each.number for each in (*wrong[:3], *slow[:3]))
    return (*shown, *(each.number for each in figures), run_of(history).number)


def reasons_for(history: History, over: Sequence[str]) -> Counter[str]:
    """What was wrong with answers of these measures, counted."""
    found: Counter[str] = Counter()
    for source in (run_of(history).values, page_loads_of(history)):
        for measure, counts in source["reasons"].items():
            if measure in over:
                found.update(counts)
    return found


def _measures(history: History) -> list[Observation]:
    seen = history.of_story(STORY)
    return [each for each in seen if isinstance(each, Observation) and each.step.startswith(MEASURE)]


def _exchanges(history: History, prefix: str) -> list[Exchange]:
    return [each for each in history.exchanges(story=STORY) if each.step.startswith(prefix)]
