"""A load run as a history: observations that judges read, and a few exchanges to look at. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.history import Exchange, History, NothingObservedError, Observation
from load.generate.accounting import Account, counted, discrepancies
from load.generate.generator_log import Record
from load.generate.health import Health, health_of
from load.generate.samples import ANSWERED, Block, Result, blocks_of
from load.pages.page_load_figures import Visits
from load.plan.arrivals import Schedule
from load.plan.settings import FLOW, MIX, Bursts

STORY = "load"
"""The story of which every entry of a load run's history is a step."""
RUN = f"{STORY}/run"
MEASURE = f"{STORY}/measure/"
PREFLIGHT = f"{STORY}/preflight/"
VISITS = f"{STORY}/visits"
NO_REQUESTS = "no request was to be sent: give --duration a time"
EMPTY = "empty"
"""The journey of a calibration: one request to an empty server."""
SIMULTANEOUS = "simultaneous"
"""Of requests at one moment, after the schedule."""
SLOWEST, WRONG = f"{STORY}/slowest/", f"{STORY}/wrong/"
JOURNEYS = (*MIX, SIMULTANEOUS, "streamEventUpdates", EMPTY)
"""Measures of which each arrival has exactly one sample; the calls within a flow are measured beside it."""


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a run was conducted. `users`: how many there are to ask for; `near`: whether the target shares the
    generator's machine; `left_out`: journeys that the deployment does not allow, with the reason; `failed`:
    why nothing could be sent."""

    schedule: Schedule
    lanes: int
    users: int
    listeners: int
    bursts: Bursts
    settings: Mapping[str, str]
    left_out: Mapping[str, str]
    calibration: Mapping[str, float]
    near: bool = False
    stopped_early: bool = False
    failed: str = ""


def observe(history: History, record: Record, conduct: Conduct, visits: Visits | None = None) -> None:
    """Put a run's figures and its worst exchanges into a history, and what a browser measured."""
    schedule = conduct.schedule
    windows = schedule.windows
    accounts = [record.accounts[lane] for lane in sorted(record.accounts)]
    due = {each.lane: _due(conduct, each) for each in accounts}
    seen = counted(record.samples, JOURNEYS)
    seconds = max((each.until for each in accounts), default=0.0)
    problems = discrepancies(accounts, conduct.lanes, due, seen)
    if not conduct.stopped_early:
        problems += [
            f"worker {each.lane + 1} ended after {each.until:.1f} s of {schedule.seconds:g}"
            for each in accounts
            if each.until < schedule.seconds
        ]
    # A flow is many requests with pauses in between.
    single = [
        each
        for each in record.samples
        if each.measure in schedule.mix and each.measure != FLOW and each.result in ANSWERED
    ]
    values = {
        "schedule": schedule.to_json(),
        "lanes": conduct.lanes,
        "seconds": round(seconds, 3),
        "settings": dict(conduct.settings),
        "left_out": _left_out(conduct),
        "calibration": dict(conduct.calibration),
        "near": conduct.near,
        "users": conduct.users,
        "at_once": conduct.bursts.size,
        "stopped_early": conduct.stopped_early,
        "failed": conduct.failed,
        "notes": record.notes,
        "accounts": [each.to_json() for each in accounts],
        "problems": [] if conduct.failed else problems,
        "reasons": {measure: dict(counts.most_common(20)) for measure, counts in sorted(record.reasons.items())},
        "results": {each.name: _total(record, each) for each in Result},
        "health": health_of(record.pulses, single, windows).to_json(),
    }
    _append(history, RUN, values)
    for measure, blocks in sorted(blocks_of(record.samples, _with_bursts(windows, conduct, seconds), seconds).items()):
        _append(history, MEASURE + measure, {"blocks": [each.to_json() for each in blocks]})
    if visits is not None:
        _append(history, VISITS, visits.to_json())
        for measure, blocks in sorted(visits.series().items()):
            _append(history, MEASURE + measure, {"blocks": [each.to_json() for each in blocks]})
    for exchange in sorted(record.exchanges, key=lambda each: (each.step, -each.seconds)):
        history.entries.append(replace(exchange, number=len(history.entries) + 1))


def _left_out(conduct: Conduct) -> dict[str, str]:
    if conduct.schedule.stages:
        return dict(conduct.left_out)
    return dict.fromkeys((*MIX, SIMULTANEOUS), NO_REQUESTS)


def _due(conduct: Conduct, account: Account) -> int:
    """How many arrivals were due in a lane, by the schedule alone."""
    until = account.until
    due = sum(each.at < until for each in conduct.schedule.arrivals(account.lane, conduct.lanes))
    due += len(range(account.lane, conduct.listeners, conduct.lanes))
    if until >= conduct.schedule.seconds:
        due += conduct.bursts.count * len(range(account.lane, conduct.bursts.size, conduct.lanes))
    return due


def _with_bursts(
    windows: Sequence[tuple[float, float]], conduct: Conduct, seconds: float
) -> Sequence[tuple[float, float]]:
    """Bursts come after the schedule, and are judged, too."""
    end = conduct.schedule.seconds
    return [*windows, (end, seconds)] if conduct.bursts.count and seconds > end else windows


def _total(record: Record, result: Result) -> int:
    return sum(each.result is result for each in record.samples)


def _append(history: History, step: str, values: Mapping[str, Any]) -> None:
    history.entries.append(Observation(len(history.entries) + 1, step, values))


def run_of(history: History) -> Observation:
    """The run's own figures. Raises NothingObservedError."""
    return history.observation(RUN)


def visits_of(history: History) -> Mapping[str, Any]:
    """What a browser did; that nothing was asked of it, where the record is of before there were such runs."""
    try:
        return history.observation(VISITS).values
    except NothingObservedError:
        return Visits("no page was loaded in this run").to_json()


def left_out(history: History, journey: str) -> str:
    """Why a journey was not made; empty where it was. Raises NothingObservedError."""
    if journey == "widget":
        return str(visits_of(history)["left_out"])
    return str(run_of(history).values["left_out"].get(journey, ""))


def of_load(history: History) -> bool:
    """Whether it is the history of a load run."""
    return any(each.step == RUN for each in history.of_story(STORY))


def health_seen(history: History) -> Health:
    """The generator's health. Raises NothingObservedError."""
    return Health(**run_of(history).values["health"])


def accounts_seen(history: History) -> Account:
    """All lanes' accounts as one. Raises NothingObservedError."""
    whole = Account(0)
    for value in run_of(history).values["accounts"]:
        each = Account.from_json(value)
        whole.scheduled += each.scheduled
        whole.results.update(each.results)
    return whole


def series_of(history: History) -> dict[str, list[Block]]:
    """The blocks by measure."""
    return {
        each.step.removeprefix(MEASURE): [Block.from_json(value) for value in each.values["blocks"]]
        for each in _measures(history)
    }


def evidence_for(history: History, over: Sequence[str]) -> tuple[int, ...]:
    """Numbers of what a budget was judged by: its worst exchanges, and the observations themselves."""
    wrong = [each for each in _exchanges(history, WRONG) if each.step.removeprefix(WRONG) in over]
    slow = [each for each in _exchanges(history, SLOWEST) if each.step.removeprefix(SLOWEST) in over]
    figures = [each for each in _measures(history) if each.step.removeprefix(MEASURE) in over]
    shown = tuple(each.number for each in (*wrong[:3], *slow[:3]))
    return (*shown, *(each.number for each in figures), run_of(history).number)


def reasons_for(history: History, over: Sequence[str]) -> Counter[str]:
    """What was wrong with answers of some measures, and how often."""
    found: Counter[str] = Counter()
    for source in (run_of(history).values, visits_of(history)):
        for measure, counts in source["reasons"].items():
            if measure in over:
                found.update(counts)
    return found


def _measures(history: History) -> list[Observation]:
    seen = history.of_story(STORY)
    return [each for each in seen if isinstance(each, Observation) and each.step.startswith(MEASURE)]


def _exchanges(history: History, prefix: str) -> list[Exchange]:
    return [each for each in history.exchanges(story=STORY) if each.step.startswith(prefix)]
