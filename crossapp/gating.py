"""May this commit be deployed? By what was measured in an environment, and by nothing else."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

from crossapp.kept_runs import KeptRun
from harness.exit_codes import ExitCode
from harness.render.gate import Condition
from harness.render.words import count
from harness.report import SIMULATED, Report
from harness.requirement import MUST
from harness.verdict import VerdictName

_NAMED = 3
_CLOCK_STEP = timedelta(minutes=5)
"""By so much the clock of the machine that made a run may be ahead."""
_UNDECIDED = (VerdictName.INCONCLUSIVE, VerdictName.BLOCKED, VerdictName.HARNESS_FAULT)


def conditions(
    runs: Sequence[KeptRun], must: Collection[str], *, now: datetime, oldest: timedelta
) -> Iterator[Condition]:
    """The conditions, judged by the newest of the runs of a commit. `must`: the ids of all MUST requirements; `oldest`:
    the greatest age of evidence."""
    if not runs:
        yield Condition("evidence", False, "no run of this commit in this environment is kept")
        return
    commits = sorted({each.sha for each in runs})
    if len(commits) > 1:
        text = f"runs of {len(commits)} commits begin so ({_some(commits)}): give more of the commit"
        yield Condition("evidence", False, text)
        return
    run = max(runs, key=lambda each: each.started)
    report = run.report
    age = now - run.started
    if age < -_CLOCK_STEP:
        yield Condition("age", False, f"it began in {_long(-age)}, by its own clock: set that machine's clock")
    else:
        age = max(age, timedelta(0))
        yield Condition("age", age <= oldest, f"{_long(age)} old, {_long(oldest)} are allowed")
    simulated = [each.app for each in report.header.targets if each.kind == SIMULATED]
    text = f"{', '.join(simulated)} simulated" if simulated else "no application was simulated"
    yield Condition("real", not simulated and bool(report.header.targets), text)
    yield _whole(report, must)
    yield _of("held", report, (VerdictName.VIOLATED,), "no MUST is violated", "violated", broken=True)
    yield _of("decided", report, _UNDECIDED, "every MUST that applies is decided", "undecided")
    problems = report.footer.problems
    text = problems[0] if problems else "no declared deviation is out of date"
    yield Condition("deviations", not problems, text, broken=bool(problems))


def _whole(report: Report, must: Collection[str]) -> Condition:
    seen = {each.requirement for each in report.findings}
    left = sorted(set(must) - seen)
    if report.footer.stopped or not report.footer.finished:
        return Condition("whole", False, report.footer.stopped or "the run did not finish")
    if left:
        return Condition("whole", False, f"{count(len(left), 'MUST requirement')} left out: {_some(left)}")
    of_must = [each.verdict for each in report.findings if each.level == MUST]
    apart = of_must.count(VerdictName.NOT_APPLICABLE)
    if apart == len(of_must):
        return Condition("whole", False, "no MUST requirement could be judged there")
    text = "all MUST requirements were checked"
    return Condition("whole", True, text + (f"; {apart} cannot be judged there" if apart else ""))


def _of(
    name: str, report: Report, verdicts: Collection[VerdictName], good: str, word: str, *, broken: bool = False
) -> Condition:
    found = [each.requirement for each in report.findings if each.level == MUST and each.verdict in verdicts]
    if not found:
        return Condition(name, True, good)
    return Condition(name, False, f"{count(len(found), 'MUST requirement')} {word}: {_some(found)}", broken)


def exit_code_of(found: Collection[Condition]) -> ExitCode:
    """0: yes; 1: no, since something is violated; 2: no, since evidence is missing, old or partial."""
    if any(each.broken and not each.met for each in found):
        return ExitCode.VIOLATED
    return ExitCode.OK if all(each.met for each in found) else ExitCode.UNDECIDED


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _long(time: timedelta) -> str:
    hours = time.total_seconds() / 3600
    return f"{hours:.0f} h" if hours >= 1 else f"{hours * 60:.0f} min"
