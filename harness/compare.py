"""Compares two reports: requirements, claims and declared deviations. Pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from harness.compare_load import Shift, shifts
from harness.report import JUDGED, ClaimResult, Finding, Report, Waiver
from harness.verdict import VerdictName

FORMAT = 1
_OBSERVED_ONLY = "OBSERVE"


class ChangeKind(StrEnum):
    """How the verdict of a requirement or a claim changed.

    NEWLY_VIOLATED: violated, and was not before (or did not exist). FIXED: was violated, and holds now.
    NEWLY_UNDECIDED: was judged, and is no longer. NEWLY_HELD: was not judged, and holds now. NO_LONGER_SEEN: was
    violated, and is no longer judged. APPEARED and GONE: exists in only one of the runs. DEVIATION: became waived, or
    is no longer. OTHER: not judged in both, with different verdicts.
    """

    NEWLY_VIOLATED = "newly_violated"
    NEWLY_UNDECIDED = "newly_undecided"
    NO_LONGER_SEEN = "no_longer_seen"
    FIXED = "fixed"
    NEWLY_HELD = "newly_held"
    DEVIATION = "deviation"
    APPEARED = "appeared"
    GONE = "gone"
    OTHER = "other"


_WORSE = frozenset({ChangeKind.NEWLY_VIOLATED, ChangeKind.NEWLY_UNDECIDED})

_TITLES = {
    ChangeKind.NEWLY_VIOLATED: "Newly violated",
    ChangeKind.NEWLY_UNDECIDED: "Judged before, not decided now",
    ChangeKind.NO_LONGER_SEEN: "Violated before, not decided now",
    ChangeKind.FIXED: "Fixed",
    ChangeKind.NEWLY_HELD: "Not decided before, held now",
    ChangeKind.DEVIATION: "Declared deviations",
    ChangeKind.APPEARED: "Only in the second run",
    ChangeKind.GONE: "Only in the first run",
    ChangeKind.OTHER: "Not decided in both, with another verdict",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A requirement or a claim whose verdict changed; `before` or `after` is None if it is absent from that run.

    `worse`: whether it is a regression (never for OBSERVE). `why`: what was observed, or the reason. `blocked_by`: the
    root requirement, if it is blocked now.
    """

    id: str
    text: str
    level: str
    kind: ChangeKind
    before: VerdictName | None
    after: VerdictName | None
    why: str
    worse: bool
    blocked_by: str = ""


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """One of the two runs."""

    deployment: str
    edition: str
    started: str
    finished: bool
    judged: int
    selected: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes from one run to another.

    `new_problems` and `solved_problems`: declared deviations that are out of date in only one of the runs.
    `new_crashes` and `solved_crashes`: stories that crashed in only one of the runs.
    `changed_waivers`: a sentence for each deviation whose owner, reason or end date changed.
    `warnings`: why the runs may not be comparable. `load`: how the figures of two load runs differ.
    """

    before: ComparedRun
    after: ComparedRun
    warnings: tuple[str, ...]
    requirements: tuple[Change, ...]
    claims: tuple[Change, ...]
    new_problems: tuple[str, ...]
    solved_problems: tuple[str, ...]
    new_crashes: tuple[str, ...]
    solved_crashes: tuple[str, ...]
    changed_waivers: tuple[str, ...]
    broke_off: bool
    load: tuple[Shift, ...] = ()

    @property
    def worse(self) -> bool:
        """Whether there is a regression: a requirement or claim newly violated or no longer judged, a deviation newly
        out of date, a new crash of a story, or a second run that did not finish although the first did."""
        changes = (*self.requirements, *self.claims)
        return self.broke_off or bool(self.new_problems or self.new_crashes) or any(each.worse for each in changes)

    def to_json(self) -> str:
        """The comparison as one JSON object, as documented in docs/report-format.md."""
        value = {
            "format": FORMAT,
            "worse": self.worse,
            **asdict(self),
            "requirements": _by_kind(self.requirements),
            "claims": _by_kind(self.claims),
            "load": [{**asdict(each), "more_than_noise": each.more_than_noise} for each in self.load],
        }
        return json.dumps(value, ensure_ascii=True, indent=2)

    def lines(self) -> Iterator[str]:
        """The comparison as text, the worst first."""
        yield f"before  {_side(self.before)}"
        yield f"after   {_side(self.after)}"
        yield from (f"warning: {each}" for each in self.warnings)
        for noun, changes in (("requirements", self.requirements), ("claims", self.claims)):
            for kind in ChangeKind:
                yield from _group(noun, kind, [each for each in changes if each.kind is kind])
        for title, texts in (
            ("Declared deviations newly out of date", self.new_problems),
            ("Declared deviations no longer out of date", self.solved_problems),
            ("Declared deviations that read differently", self.changed_waivers),
            ("Stories that newly crashed", self.new_crashes),
            ("Stories that no longer crash", self.solved_crashes),
        ):
            if texts:
                yield from ("", f"== {title} ({len(texts)})", *(f"  {each}" for each in texts))
        if self.load:
            changed = sum(each.more_than_noise for each in self.load)
            yield from ("", f"== Under load: {changed} of {len(self.load)} figures changed by more than noise")
            yield from (f"  {each}" for each in self.load)
        yield ""
        yield self._verdict()

    def _verdict(self) -> str:
        if self.worse:
            count = sum(each.worse for each in self.requirements)
            what = f"{count} of {len(self.requirements)} changed requirements got worse" if count else "it got worse"
            return f"Worse: {what}." if not self.broke_off else f"Worse: the second run did not finish; {what}."
        solved = self.solved_problems or self.solved_crashes
        if self.requirements or self.claims or solved or self.changed_waivers:
            return "Nothing got worse."
        return "Nothing changed."


def compare(before: Report, after: Report) -> Comparison:
    """Compare two runs. Pure."""
    old = {each.requirement: each for each in before.findings}
    new = {each.requirement: each for each in after.findings}
    old_claims = {each.claim: each for each in before.claims}
    new_claims = {each.claim: each for each in after.claims}
    return Comparison(
        before=_of(before),
        after=_of(after),
        warnings=tuple(_warnings(before, after)),
        requirements=tuple(_changes(old, new)),
        claims=tuple(_changes(old_claims, new_claims)),
        new_problems=_missing_from(before.footer.problems, after.footer.problems),
        solved_problems=_missing_from(after.footer.problems, before.footer.problems),
        new_crashes=_missing_from(before.footer.crashes, after.footer.crashes),
        solved_crashes=_missing_from(after.footer.crashes, before.footer.crashes),
        changed_waivers=tuple(_changed_waivers(old, new)),
        broke_off=before.footer.finished and not after.footer.finished,
        load=shifts(before.load, after.load),
    )


def _changes(old: Mapping[str, Finding | ClaimResult], new: Mapping[str, Finding | ClaimResult]) -> Iterator[Change]:
    for name in {**new, **old}:
        before, after = old.get(name), new.get(name)
        either = after or old[name]
        kind = _kind(before.verdict if before else None, after.verdict if after else None)
        if kind is None:
            continue
        finding = after if isinstance(after, Finding) else None
        level = either.level if isinstance(either, Finding) else ""
        yield Change(
            id=name,
            text=either.statement if isinstance(either, Finding) else either.text,
            level=level,
            kind=kind,
            before=before.verdict if before else None,
            after=after.verdict if after else None,
            why=(finding.observed if finding else "") or (after.reason if after else ""),
            worse=kind in _WORSE and level != _OBSERVED_ONLY,
            blocked_by=finding.blocked_by if finding else "",
        )


def _kind(before: VerdictName | None, after: VerdictName | None) -> ChangeKind | None:
    """The kind of the change; None if the verdict is the same."""
    violated, waived = VerdictName.VIOLATED, VerdictName.WAIVED
    if before is after:
        return None
    if after is None:
        return ChangeKind.GONE
    if after is violated:
        return ChangeKind.NEWLY_VIOLATED
    if before is None:
        return ChangeKind.APPEARED
    if after in JUDGED and before in JUDGED:
        return ChangeKind.DEVIATION if waived in (before, after) else ChangeKind.FIXED
    if after is VerdictName.HELD:
        return ChangeKind.NEWLY_HELD
    if after is waived:
        return ChangeKind.DEVIATION
    if before in JUDGED:
        return ChangeKind.NO_LONGER_SEEN if before is violated else ChangeKind.NEWLY_UNDECIDED
    return ChangeKind.OTHER


def _missing_from(known: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    return tuple(each for each in others if each not in known)


def _changed_waivers(old: Mapping[str, Finding], new: Mapping[str, Finding]) -> Iterator[str]:
    for requirement, finding in new.items():
        before = old[requirement].waiver if requirement in old else None
        if before is not None and finding.waiver is not None and before != finding.waiver:
            yield f"{requirement}: {_waiver(before)} -> {_waiver(finding.waiver)}"


def _waiver(waiver: Waiver) -> str:
    return f"{waiver.owner} until {waiver.until} ({waiver.reason})"


def _warnings(before: Report, after: Report) -> Iterator[str]:
    if before.header.edition != after.header.edition:
        yield (
            f"different editions of the contract ({before.header.edition} and {after.header.edition}): "
            "the same id may name another rule"
        )
    if before.header.deployment != after.header.deployment:
        yield (
            f"different deployments ({before.header.deployment} and {after.header.deployment}): "
            "a difference is not a change of one of them"
        )
    elif _targets(before) != _targets(after):
        yield "the deployment's applications, or what they are (simulated or real), differ"
    for name, report in (("first", before), ("second", after)):
        if not report.footer.finished:
            yield f"the {name} run did not finish: what is missing in it was not looked at"


def _targets(report: Report) -> list[tuple[str, str, str]]:
    """App, kind and URL of each target; without the URL of a simulator, whose port is random."""
    return [(each.app, each.kind, "" if each.kind == "simulated" else each.url) for each in report.header.targets]


def _of(report: Report) -> ComparedRun:
    judged = sum(each.verdict in JUDGED for each in report.findings)
    header, footer = report.header, report.footer
    selected = max(footer.selected, len(report.findings))
    return ComparedRun(header.deployment, header.edition, header.started, footer.finished, judged, selected)


def _by_kind(changes: Sequence[Change]) -> dict[str, list[dict[str, Any]]]:
    return {kind.value: [asdict(each) for each in changes if each.kind is kind] for kind in ChangeKind}


def _side(side: ComparedRun) -> str:
    return f"{side.deployment}, edition {side.edition}, {side.started}: {side.judged} of {side.selected} judged"


def _group(noun: str, kind: ChangeKind, changes: Sequence[Change]) -> Iterator[str]:
    if not changes:
        return
    yield from ("", f"== {_TITLES[kind]}: {noun} ({len(changes)})")
    roots: dict[str, list[Change]] = {}
    for change in changes:
        if change.blocked_by:
            roots.setdefault(change.blocked_by, []).append(change)
            continue
        yield _became(change)
        yield f"    {change.text}"
        if change.why and change.kind is not ChangeKind.FIXED:
            yield f"    {change.why}"
    for root, blocked in roots.items():
        yield f"  now blocked by {root} ({len(blocked)})"
        yield from (_became(each) for each in blocked)


def _became(change: Change) -> str:
    before = change.before.value if change.before else "absent"
    after = change.after.value if change.after else "absent"
    level = f"{change.level} " if change.level else ""
    return f"{'! ' if change.worse else '  '}{level}{change.id}  {before} -> {after}"
