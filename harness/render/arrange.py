"""The order in which every rendering tells a report: what is wrong first, and each cause once."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from harness.exit_codes import ExitCode
from harness.render.words import SYMBOLS, WORDS, count, listed
from harness.report import JUDGED, ClaimResult, Finding, Report
from harness.verdict import VerdictName

T = TypeVar("T")

SIMULATED = "simulated"
_KNOWN_TO_BLOCK = (VerdictName.VIOLATED, VerdictName.BLOCKED)
_CERTAIN = (VerdictName.HELD, VerdictName.WAIVED, *_KNOWN_TO_BLOCK)


@dataclass(frozen=True, slots=True)
class Entry:
    """A finding to be told in full, with the findings that it blocks.

    `finding` is None where a root is no finding of this report (`requirement` still names it).
    """

    requirement: str
    finding: Finding | None
    blocks: tuple[Finding, ...] = ()

    @property
    def blocked_claims(self) -> tuple[str, ...]:
        """The claims that the blocked findings would settle, once each."""
        return tuple(dict.fromkeys(claim for each in self.blocks for claim in each.claims))


@dataclass(frozen=True, slots=True)
class Area:
    """The claims of one system, in the order of the report."""

    name: str
    claims: tuple[ClaimResult, ...]

    @property
    def held(self) -> int:
        """How many of its claims hold."""
        return sum(each.verdict is VerdictName.HELD for each in self.claims)

    @property
    def others(self) -> str:
        """What is not held, in words: `2 violated, 1 not tested`."""
        return verdict_counts(each.verdict for each in self.claims if each.verdict is not VerdictName.HELD)


@dataclass(frozen=True, slots=True)
class Tally:
    """What is ready, what blocks production and what is not known, of `total` of `noun`. The numbers add up."""

    noun: str
    total: int
    ready: int
    waived: int
    blocking: int
    advice: int
    unknown: int
    unknown_in_words: str


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A report in the order in which it is told. Each finding is in exactly one of the groups, or in the `blocks`
    of one entry; `roots` are those roots of blocked findings that no other group tells."""

    report: Report
    violated: tuple[Entry, ...]
    faults: tuple[Entry, ...]
    warnings: tuple[Entry, ...]
    problems: tuple[str, ...]
    crashes: tuple[str, ...]
    roots: tuple[Entry, ...]
    inconclusive: tuple[Entry, ...]
    waived: tuple[Entry, ...]
    notes: tuple[Entry, ...]
    not_applicable: Mapping[str, tuple[Finding, ...]]
    held: Mapping[str, tuple[Finding, ...]]
    areas: tuple[Area, ...]
    claims: Mapping[VerdictName, int] = field(default_factory=dict)

    @property
    def blockers(self) -> tuple[Entry, ...]:
        """What blocks production: each violated MUST, and each other root of something blocked."""
        others = (each for each in (*self.faults, *self.warnings) if each.blocks)
        return (*self.violated, *others, *self.roots)

    @property
    def blockers_title(self) -> str:
        """What `blockers` are: known to block production, or only standing in the way of knowing."""
        if not self.violated:
            return "What stands in the way"
        return "What would block production" if self.only_simulators else "What blocks production"

    @property
    def verdicts(self) -> Counter[VerdictName]:
        """How many findings have each verdict."""
        return Counter(each.verdict for each in self.report.findings)

    @property
    def selected(self) -> int:
        """How many requirements were to be judged; at least as many as there are findings."""
        return max(self.report.footer.selected, len(self.report.findings))

    @property
    def judged(self) -> int:
        """How many findings are held, violated or waived."""
        return sum(each.verdict in JUDGED for each in self.report.findings)

    @property
    def undecided(self) -> int:
        """How many findings are blocked, inconclusive or lost to a fault of the harness."""
        found = self.verdicts
        return found[VerdictName.BLOCKED] + found[VerdictName.INCONCLUSIVE] + found[VerdictName.HARNESS_FAULT]

    @property
    def simulated(self) -> tuple[str, ...]:
        """The applications that are simulated."""
        return tuple(each.app for each in self.report.header.targets if each.kind == SIMULATED)

    @property
    def only_simulators(self) -> bool:
        """Whether no real server was asked."""
        return bool(self.simulated) and len(self.simulated) == len(self.report.header.targets)

    @property
    def ready_claims(self) -> int:
        """How many claims hold."""
        return self.claims.get(VerdictName.HELD, 0)

    @property
    def advice_claims(self) -> frozenset[str]:
        """The violated claims of which only advice (SHOULD) is violated."""
        must = {each.requirement for each in self.violated}
        should = {each.requirement for each in self.warnings}
        return frozenset(
            each.claim
            for each in self.report.claims
            if each.verdict is VerdictName.VIOLATED
            and should.intersection(each.settled_by)
            and not must.intersection(each.settled_by)
        )

    @property
    def tally(self) -> Tally:
        """The counts for a reader of ten seconds: of claims, or of requirements in a report without claims."""
        if self.report.claims:
            found = Counter(each.verdict for each in self.report.claims)
            # What only a fault of ours stands in the way of is not known to block anything.
            lost = self._lost_claims
            found[VerdictName.BLOCKED] -= len(lost)
            found[VerdictName.HARNESS_FAULT] += len(lost)
            return _tally("claim", len(self.report.claims), found, advice=len(self.advice_claims))
        advice = sum(each.verdict is VerdictName.VIOLATED for each in self.report.findings) - len(self.violated)
        return _tally("requirement", self.selected, self.verdicts, advice=advice)

    @property
    def _lost_claims(self) -> frozenset[str]:
        """The claims that are blocked by faults of the harness alone."""
        ours = {claim for each in self.faults for claim in each.blocked_claims}
        theirs = {claim for each in (*self.violated, *self.warnings, *self.roots) for claim in each.blocked_claims}
        blocked = {each.claim for each in self.report.claims if each.verdict is VerdictName.BLOCKED}
        return frozenset(blocked & (ours - theirs))

    @property
    def legend(self) -> tuple[tuple[VerdictName, int], ...]:
        """The verdicts that claims have, each with how many have it."""
        return tuple((each, self.claims[each]) for each in SYMBOLS if self.claims.get(each))


def arrange(report: Report) -> Arrangement:
    """Put a report in order. Pure."""
    blocked_by = _blocked_by_root(report.findings)
    found = {each.requirement: each for each in report.findings}

    def entries(findings: Iterable[Finding]) -> tuple[Entry, ...]:
        made = [Entry(each.requirement, each, blocked_by.get(each.requirement, ())) for each in findings]
        return tuple(sorted(made, key=lambda each: -len(each.blocks)))

    violated = [each for each in report.findings if each.verdict is VerdictName.VIOLATED]
    must = entries(each for each in violated if each.level not in ("SHOULD", "OBSERVE"))
    faults = entries(each for each in report.findings if each.verdict is VerdictName.HARNESS_FAULT)
    warnings = entries(each for each in violated if each.level == "SHOULD")
    told = {each.requirement for each in (*must, *faults, *warnings)}
    roots = tuple(
        Entry(root, found.get(root), blocks)
        for root, blocks in sorted(blocked_by.items(), key=lambda item: -len(item[1]))
        if root not in told
    )
    told |= {each.requirement for each in roots}
    rest = [each for each in report.findings if each.requirement not in told]
    return Arrangement(
        report=report,
        violated=must,
        faults=faults,
        warnings=warnings,
        problems=report.footer.problems,
        crashes=report.footer.crashes,
        roots=roots,
        inconclusive=entries(each for each in rest if each.verdict is VerdictName.INCONCLUSIVE),
        waived=entries(each for each in rest if each.verdict is VerdictName.WAIVED),
        notes=entries(each for each in rest if each.verdict is VerdictName.VIOLATED and each.level == "OBSERVE"),
        not_applicable=_grouped((each.reason, each) for each in rest if each.verdict is VerdictName.NOT_APPLICABLE),
        held=_grouped((place_of(each), each) for each in rest if each.verdict is VerdictName.HELD),
        areas=tuple(
            Area(name, claims) for name, claims in _grouped((each.system, each) for each in report.claims).items()
        ),
        claims=Counter(each.verdict for each in report.claims),
    )


def place_of(finding: Finding) -> str:
    """The place in a requirement's id (place.name)."""
    return finding.requirement.rpartition(".")[0] or finding.requirement


def verdict_counts(verdicts: Iterable[VerdictName]) -> str:
    """`2 violated, 1 not tested`, in the order of the verdicts; empty for none."""
    found = Counter(verdicts)
    return ", ".join(f"{found[each]} {WORDS[each]}" for each in SYMBOLS if found[each])


def headline(arranged: Arrangement) -> str:
    """The report in one sentence. It never sounds good when nothing was judged or the run broke off."""
    exit_code = arranged.report.footer.exit_code
    wrong = len(arranged.violated)
    causes = len(arranged.blockers)
    if not arranged.report.footer.finished:
        return "This run did not finish" + (f"; it found {count(causes, 'problem')} before it ended" if wrong else "")
    if wrong:
        would = "would block" if arranged.only_simulators else ("blocks" if causes == 1 else "block")
        where = " on the simulators" if arranged.only_simulators else ""
        return f"{count(causes, 'problem')}{where} {would} production"
    if arranged.problems:
        return "A declared deviation is out of date"
    if exit_code == ExitCode.HARNESS_FAULT or arranged.faults or arranged.crashes:
        return "The harness is at fault: the results are incomplete"
    if not arranged.judged:
        return "Nothing was judged"
    if arranged.undecided:
        return (
            f"Nothing is known to block production, but {arranged.undecided} of "
            f"{count(arranged.selected, 'requirement')} could not be decided"
        )
    if arranged.only_simulators:
        return "Nothing that was judged on the simulators would block production"
    return "Nothing that was judged blocks production"


def is_good(arranged: Arrangement) -> bool:
    """Whether the run ended with something judged and nothing wrong or undecided: the only case told in green."""
    return (
        arranged.report.footer.finished
        and arranged.report.footer.exit_code == ExitCode.OK
        and arranged.judged > 0
        and not (arranged.violated or arranged.faults or arranged.problems or arranged.crashes or arranged.undecided)
    )


def cautions(arranged: Arrangement) -> tuple[str, ...]:
    """What a reader must know before believing the rest."""
    told = []
    if not arranged.report.footer.finished:
        told.append("Whatever is missing below was not looked at, and is not known to be good.")
    if arranged.only_simulators:
        told.append(
            "Simulators only: no real server was asked. This shows that the checks work, and says nothing about "
            "production."
        )
    elif arranged.simulated:
        what = "is simulated" if len(arranged.simulated) == 1 else "are simulated"
        told.append(
            f"{listed(arranged.simulated)} {what}: what holds there holds of the simulator, not of a real server."
        )
    return tuple(told)


def counts_in_words(arranged: Arrangement) -> tuple[str, ...]:
    """The counts, each as `n of m`; of what was sent again only where something was."""
    again = arranged.report.footer.sent_again
    claims = len(arranged.report.claims)
    must = [each for each in arranged.report.findings if each.level == "MUST"]
    kept = sum(each.verdict is VerdictName.HELD for each in must)
    return (
        f"{arranged.judged} of {count(arranged.selected, 'requirement')} judged"
        + (f": {verdict_counts(each.verdict for each in arranged.report.findings)}" if arranged.verdicts else ""),
        f"{kept} of {count(len(must), 'MUST requirement')} held",
        f"{arranged.ready_claims} of {count(claims, 'claim')} held",
        *((f"{count(again, 'request')} sent again: no answer came, or 429",) if again else ()),
    )


def _blocked_by_root(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """The blocked findings by root, following roots that are themselves blocked."""
    by_id = {each.requirement: each for each in findings}
    grouped: dict[str, list[Finding]] = {}
    for finding in by_id.values():
        if finding.verdict is not VerdictName.BLOCKED:
            continue
        root = finding.blocked_by or "an unnamed requirement"
        seen = {finding.requirement}
        while root in by_id and root not in seen and by_id[root].verdict is VerdictName.BLOCKED:
            seen.add(root)
            root = by_id[root].blocked_by or "an unnamed requirement"
        if root in seen:
            root = "requirements that block each other"
        grouped.setdefault(root, []).append(finding)
    return {root: tuple(blocked) for root, blocked in grouped.items()}


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    """Items by key, keys in the order of their first appearance."""
    groups: dict[str, list[T]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return {key: tuple(items) for key, items in groups.items()}


def _tally(noun: str, total: int, found: Counter[VerdictName], *, advice: int) -> Tally:
    ready, waived = found[VerdictName.HELD], found[VerdictName.WAIVED]
    blocking = sum(found[each] for each in _KNOWN_TO_BLOCK) - advice
    unknown = total - ready - waived - blocking - advice
    words = verdict_counts(each for each in found.elements() if each not in _CERTAIN)
    missing = total - found.total()
    if missing:
        words = ", ".join(filter(None, (words, f"{missing} not looked at")))
    return Tally(noun, total, ready, waived, blocking, advice, unknown, words)
