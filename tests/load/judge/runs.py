"""Records of load runs as a generator would have written them, in order or out of it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from harness.deployment import Deployment
from harness.history import Context, History
from harness.judge import judge_all
from harness.redact import Redactor
from harness.report import Finding
from harness.saved_history import history_lines, read_history
from harness.verdict import VerdictName
from load.generate.generator_log import GeneratorLog
from load.generate.health import Pulse
from load.generate.lane_tally import LaneTally
from load.generate.samples import Result, Sample
from load.judge.catalogue import catalogue
from load.judge.to_history import RunConditions, to_history
from load.plan.arrivals import ArrivalModel, RateStage, Schedule
from load.plan.budgets import Budget, read_budgets
from load.plan.settings import Bursts, RunSettings

MIX = {
    "generateSession": 30.0,
    "validateSession": 17.0,
    "listUserAccounts": 3.0,
    "validatePermission": 3.0,
    "receiveEventStatusChanged": 17.0,
    "flow": 7.0,
}
SCHEDULE = Schedule(
    (RateStage("warm-up", 2, 250, 250), RateStage("steady", 40, 250, 250)), ArrivalModel.CONSTANT, 1, MIX
)
SHORT = Schedule((RateStage("steady", 4, 250, 250),), ArrivalModel.CONSTANT, 1, MIX)
TODAY = date(2026, 1, 1)
Change = Callable[[Sample], Sample | None]


def conducted(lanes: int = 2, schedule: Schedule = SCHEDULE, **changes: object) -> RunConditions:
    run = RunConditions(
        run=RunSettings(schedule, listeners=0, bursts=Bursts(2, 100), lanes=lanes), users=100, left_out={}
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def recorded(
    lanes: int = 2,
    *,
    schedule: Schedule = SCHEDULE,
    change: Change = lambda sample: sample,
    health: Mapping[str, float] | None = None,
) -> GeneratorLog:
    """All well unless changed: 3 ms, of which 2 in the server and 1 in its database. `change` returns None for a sample
    that never arrives here, though its lane counted it."""
    record = GeneratorLog()
    for lane in range(lanes):
        account = LaneTally(lane, until=schedule.seconds, ended=schedule.seconds + 2, finished=True)
        wanted = [
            Sample(each.journey, each.at, Result.OK, 3.0, 2.9, 2.0, 1.0) for each in schedule.arrivals(lane, lanes)
        ]
        wanted += [
            Sample("simultaneous", schedule.seconds + burst, Result.OK, 50.0, 50.0, 2.0, 1.0)
            for burst in range(2)
            for _ in range(lane, 100, lanes)
        ]
        account.scheduled = len(wanted)
        for sample in wanted:
            changed = change(sample)
            account.results[(changed or sample).result] += 1
            if changed is not None:
                record.samples.append(changed)
        record.tallies[lane] = account
        values = {"loop_lag": 1.0, "cpu": 0.2, "in_flight": 3, "connections": 4, "clock_step": 0.0, **(health or {})}
        record.pulses += [Pulse(at=tenth / 10, **values) for tenth in range(450)]  # type: ignore[arg-type]
    return record


def history_of(record: GeneratorLog, run: RunConditions | None = None) -> History:
    history = History(Context("made", "2025-07", {}, frozenset()))
    to_history(history, record, run or conducted())
    return read_history(list(history_lines(history, Redactor())))


def judged(
    record: GeneratorLog, run: RunConditions | None = None, budgets: Sequence[Budget] | None = None
) -> dict[str, Finding]:
    return judged_history(history_of(record, run), budgets or [each for each in read_budgets() if not each.of_pages])


def judged_history(history: History, budgets: Sequence[Budget]) -> dict[str, Finding]:
    rules = catalogue(budgets)
    findings, _ = judge_all(rules, list(rules), history, (), TODAY)
    return {each.requirement: each for each in findings}


def verdicts(findings: Mapping[str, Finding]) -> Counter[VerdictName]:
    return Counter(each.verdict for each in findings.values())


def deployment() -> Deployment:
    from harness.deployment_file import build_deployment

    value = {
        "users": [{"role": "organiser", "account_id": 1, "jwt": "j" * 20, "user_id": str(n)} for n in range(3)],
        "credentials": {"shared_secret": "s" * 40},
        "targets": {"tuvens-api": {"url": "http://127.0.0.1:1", "kind": "local"}},
        "events": {"tuvens": ["11", "12"]},
    }
    return build_deployment(value, apps=("tuvens-api", "hi.events"), editions=("2025-07",))
