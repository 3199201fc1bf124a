"""One report of several runs of one deployment: verify, load, pytest, or a run with more patience."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from harness.claims import Claim, settle
from harness.report import (
    JUDGED,
    ClaimResult,
    Finding,
    Footer,
    Report,
    ReportError,
    RunLine,
    TargetLine,
    exit_code_of,
)
from harness.verdict import VerdictName

_SIMULATED = "simulated"


def merge(reports: Sequence[Report], now: datetime) -> Report:
    """One report of several. Each requirement has its newest decided verdict, or else its newest one, and each claim
    the verdict that these give it; both name their run and how old it was at `now`.

    Raises ReportError where the reports are not of one deployment and edition.
    """
    newest_first = sorted(reports, key=lambda each: each.header.started, reverse=True)
    newest = newest_first[0]
    for each in newest_first[1:]:
        _refuse_another_deployment(newest, each)
    findings = _newest_findings(newest_first, now)
    claims = tuple(_claims(newest_first, findings, now))
    crashes = tuple(dict.fromkeys(crash for each in newest_first for crash in each.footer.crashes))
    problems = tuple(dict.fromkeys(problem for each in newest_first for problem in each.footer.problems))
    finished = all(each.footer.finished for each in newest_first)
    footers = [each.footer for each in newest_first]
    return Report(
        header=replace(newest.header, targets=_targets(newest_first), runs=tuple(_run(each) for each in newest_first)),
        findings=tuple(findings),
        claims=claims,
        footer=Footer(
            selected=len(findings),
            judged=sum(each.verdict in JUDGED for each in findings),
            verdicts=dict(Counter(each.verdict.value for each in findings)),
            claims=dict(Counter(each.verdict.value for each in claims)),
            problems=problems,
            exit_code=exit_code_of(findings, problems, finished, crashes),
            duration_seconds=round(sum(each.duration_seconds for each in footers), 3),
            finished=finished,
            sent_again=sum(each.sent_again for each in footers),
            crashes=crashes,
        ),
        load=next((each.load for each in newest_first if each.load is not None), None),
    )


def _refuse_another_deployment(one: Report, other: Report) -> None:
    first, second = one.header, other.header
    for what, ours, theirs in (
        ("deployment", first.deployment, second.deployment),
        ("edition", first.edition, second.edition),
    ):
        if ours != theirs:
            raise ReportError(f"runs of two {what}s cannot be merged: {ours!r} and {theirs!r}")
    urls = {each.app: each for each in first.targets}
    for each in second.targets:
        same = urls.get(each.app, each)
        # Each start of the simulators has other ports.
        if same.kind != each.kind or (same.kind != _SIMULATED and same.url != each.url):
            raise ReportError(
                f"runs of two deployments cannot be merged: {each.app} is {same.kind} at {same.url}, "
                f"and {each.kind} at {each.url}"
            )


def _targets(reports: Iterable[Report]) -> tuple[TargetLine, ...]:
    return tuple({each.app: each for report in reports for each in reversed(report.header.targets)}.values())


def _run(report: Report) -> RunLine:
    header = report.header
    return RunLine(_kind(report), header.started, header.command, header.commit, report.footer.exit_code)


def _kind(report: Report) -> str:
    """`verify`, `load`: the command of a run."""
    command = report.header.command
    return next((each for each in command[1:] if not each.startswith("-")), "a run")


def _label(report: Report, now: datetime) -> str:
    return f"{_kind(report)}, {_age(report.header.started, now)}"


def _age(started: str, now: datetime) -> str:
    """`just now`, `12 min old`, `3 h old`, `2 days old`."""
    try:
        moment = datetime.fromisoformat(started)
    except ValueError:
        return f"of {started}"
    seconds = (now - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (unit != "days" and seconds >= length):
            return f"{seconds // length:.0f} {unit} old"
    return "just now"


def _newest_findings(reports: Sequence[Report], now: datetime) -> list[Finding]:
    found: dict[str, Finding] = {}
    for report in reports:
        for each in report.findings:
            known = found.get(each.requirement)
            if known is None or (each.verdict in JUDGED and known.verdict not in JUDGED):
                found[each.requirement] = replace(each, run=_label(report, now))
    return list(found.values())


def _claims(reports: Sequence[Report], findings: Sequence[Finding], now: datetime) -> Iterable[ClaimResult]:
    by_claim: dict[str, list[tuple[Report, ClaimResult]]] = {}
    for report in reports:
        for each in report.claims:
            by_claim.setdefault(each.claim, []).append((report, each))
    settled = {each.claim: each for each in settle([_claim(runs[0][1]) for runs in by_claim.values()], findings, {})}
    run_of = {each.requirement: each.run for each in findings}
    # In the order of the run that has most claims: that of the page.
    most = max(reports, key=lambda each: len(each.claims))
    order = dict.fromkeys([*(each.claim for each in most.claims), *by_claim])
    for name in order:
        newest, told = by_claim[name][0]
        if _left_out(by_claim[name]):
            yield replace(told, run=_label(newest, now))
        else:
            result = settled[name]
            runs = dict.fromkeys(run_of[each] for each in result.settled_by)
            yield replace(result, run="; ".join(runs))


def _left_out(runs: Sequence[tuple[Report, ClaimResult]]) -> bool:
    """Whether a part of a claim, or all of it, is covered by no suite of any of the runs: each says so, and not for
    want of something that the deployment lacks."""
    return all(
        result.verdict is VerdictName.NOT_TESTED and not _lacks(report, result.settled_by) for report, result in runs
    )


def _lacks(report: Report, requirements: Sequence[str]) -> bool:
    found: Mapping[str, Finding] = {each.requirement: each for each in report.findings}
    return any(found[each].verdict is VerdictName.NOT_APPLICABLE for each in requirements if each in found)


def _claim(result: ClaimResult) -> Claim:
    return Claim(
        id=result.claim,
        repository=result.repository,
        area=result.area,
        name=result.name,
        text=result.text,
        said=result.said,
        works=result.works,
        measure=result.measure,
        reach=result.reach,
    )
