"""One report of several runs of one deployment: verify, load, pytest, or a run with more patience."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from harness.claims import Claim, Uncovered, settle
from harness.report import (
    JUDGED,
    SIMULATED,
    ClaimResult,
    Finding,
    Report,
    ReportError,
    RunLine,
    TargetLine,
    footer_of,
)


def merge(reports: Sequence[Report], now: datetime) -> Report:
    """One report of several. Each requirement has its newest decided verdict, or else its newest one, and each claim
    the verdict that these give it; both name their run and how old it was at `now`. Where a command was run again, each
    claim also has the verdict before.

    Raises ReportError where the reports are not of one deployment and edition.
    """
    newest_first = sorted(reports, key=lambda each: each.header.started, reverse=True)
    newest = newest_first[0]
    for each in newest_first[1:]:
        _refuse_another_deployment(newest, each)
    findings = _newest_findings(newest_first, now)
    before = _claims_before(newest_first, now)
    claims = tuple(replace(each, before=before.get(each.claim, "")) for each in _claims(newest_first, findings, now))
    footers = [each.footer for each in newest_first]
    return Report(
        header=replace(newest.header, targets=_targets(newest_first), runs=tuple(_run(each) for each in newest_first)),
        findings=tuple(findings),
        claims=claims,
        footer=footer_of(
            findings,
            claims,
            problems=list(dict.fromkeys(problem for each in footers for problem in each.problems)),
            crashes=list(dict.fromkeys(crash for each in footers for crash in each.crashes)),
            seconds=sum(each.duration_seconds for each in footers),
            sent_again=sum(each.sent_again for each in footers),
            finished=all(each.finished for each in footers),
            left=tuple(dict.fromkeys(line for each in footers for line in each.left)),
            stopped="; ".join(dict.fromkeys(each.stopped for each in footers if each.stopped)),
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
        if same.kind != each.kind or (same.kind != SIMULATED and same.url != each.url):
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
    by_claim: dict[str, list[ClaimResult]] = {}
    # First those of the run that has most claims: they are in the order of the page.
    for report in sorted(reports, key=lambda each: -len(each.claims)):
        for each in report.claims:
            by_claim.setdefault(each.claim, []).append(each)
    uncovered = {name: part for name, told in by_claim.items() if (part := _uncovered(told)) is not None}
    run_of = {each.requirement: each.run for each in findings}
    for result in settle([_claim(told[0]) for told in by_claim.values()], findings, uncovered):
        runs = dict.fromkeys(run_of[each] for each in result.settled_by)
        yield replace(result, run="; ".join(runs or (_label(reports[0], now),)))


def _claims_before(newest_first: Sequence[Report], now: datetime) -> dict[str, str]:
    """The verdicts of the claims without the newest run of each command that was run again; empty if none was."""
    kinds = [_kind(each) for each in newest_first]
    earlier = [
        report
        for number, (kind, report) in enumerate(zip(kinds, newest_first, strict=True))
        if kind in kinds[:number] or kinds.count(kind) == 1
    ]
    if len(earlier) == len(newest_first):
        return {}
    found = _claims(earlier, _newest_findings(earlier, now), now)
    return {each.claim: each.verdict.value for each in found}


def _uncovered(results: Sequence[ClaimResult]) -> Uncovered | None:
    """What no suite of any of the runs covers of a claim; None if one of them covers all of it."""
    if not all(each.uncovered for each in results):
        return None
    remedies = (each.would_settle for each in results if each.would_settle)
    part = "a part of it" if any(each.settled_by for each in results) else ""
    return Uncovered(part, results[0].uncovered, next(remedies, "run again"))


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
