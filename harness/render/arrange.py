"""The order of a report in every rendering: what is wrong first, and each cause once."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.exit_codes import ExitCode
from harness.render.words import SYMBOLS, WORDS, count, listed
from harness.report import JUDGED, ClaimResult, Finding, Report
from harness.verdict import VerdictName

T = TypeVar("T")

SIMULATED = "simulated"
_WHOLE_INTERFACES = ("pact", "fuzzing", "conformity")
_KNOWN_TO_BLOCK = (VerdictName.VIOLATED, VerdictName.BLOCKED)
_CERTAIN = (VerdictName.HELD, VerdictName.WAIVED, *_KNOWN_TO_BLOCK)


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding with the findings that it blocks. `finding` is None if the root that blocks them is not in the
    report. `witnesses`: the other findings that the same thing has violated."""

    requirement: str
    finding: Finding | None
    blocks: tuple[Finding, ...] = ()
    witnesses: tuple[Finding, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirement itself, and those of the witnesses."""
        return (self.requirement, *(each.requirement for each in self.witnesses))

    @property
    def blocked_claims(self) -> tuple[str, ...]:
        """The claims that the blocked findings settle, once each."""
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
        """Counts of the other verdicts: `2 violated, 1 not tested`."""
        return verdict_counts(each.verdict for each in self.claims if each.verdict is not VerdictName.HELD)


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts that add up to `total`: what is ready, what blocks production, what is unknown."""

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
    """A report in order. Each finding is in exactly one group, or in the `blocks` or `witnesses` of one cause. `roots`:
    the roots of blocked findings that are in no other group."""

    report: Report
    violated: tuple[Cause, ...]
    faults: tuple[Cause, ...]
    warnings: tuple[Cause, ...]
    problems: tuple[str, ...]
    crashes: tuple[str, ...]
    roots: tuple[Cause, ...]
    inconclusive: tuple[Cause, ...]
    waived: tuple[Cause, ...]
    notes: tuple[Cause, ...]
    not_applicable: Mapping[str, tuple[Finding, ...]]
    held: Mapping[str, tuple[Finding, ...]]
    areas: tuple[Area, ...]
    claims: Mapping[VerdictName, int] = field(default_factory=dict)

    @property
    def blockers(self) -> tuple[Cause, ...]:
        """What blocks production: each violated MUST, and violated advice that blocks others. What is not known to be
        violated is never among them."""
        return (*self.violated, *(each for each in self.warnings if each.blocks)) if self.violated else ()

    @property
    def in_the_way(self) -> tuple[Cause, ...]:
        """The other roots of blocked findings: what they block is not known."""
        others = (*self.faults, *(() if self.violated else self.warnings))
        return (*(each for each in others if each.blocks), *self.roots)

    @property
    def blocking(self) -> tuple[tuple[str, str, tuple[Cause, ...]], ...]:
        """`blockers` and `in_the_way`, each with an anchor and a title, where there are any."""
        title = "What would block production" if self.only_simulators else "What blocks production"
        both = (("blockers", title, self.blockers), ("in-the-way", "What stands in the way", self.in_the_way))
        return tuple(each for each in both if each[2])

    @property
    def verdicts(self) -> Counter[VerdictName]:
        """How many findings have each verdict."""
        return Counter(each.verdict for each in self.report.findings)

    @property
    def selected(self) -> int:
        """How many requirements were selected; at least the number of findings."""
        return max(self.report.footer.selected, len(self.report.findings))

    @property
    def judged(self) -> int:
        """How many findings are held, violated or waived."""
        return sum(each.verdict in JUDGED for each in self.report.findings)

    @property
    def undecided(self) -> int:
        """How many findings are blocked, inconclusive or harness faults."""
        found = self.verdicts
        return found[VerdictName.BLOCKED] + found[VerdictName.INCONCLUSIVE] + found[VerdictName.HARNESS_FAULT]

    @property
    def simulated(self) -> tuple[str, ...]:
        """The applications that are simulated."""
        return tuple(each.app for each in self.report.header.targets if each.kind == SIMULATED)

    @property
    def only_simulators(self) -> bool:
        """Whether every application is simulated."""
        return bool(self.simulated) and len(self.simulated) == len(self.report.header.targets)

    @property
    def ready_claims(self) -> int:
        """How many claims hold."""
        return self.claims.get(VerdictName.HELD, 0)

    @property
    def advice_claims(self) -> frozenset[str]:
        """The violated claims with no violated MUST, only a SHOULD."""
        must = {name for each in self.violated for name in each.requirements}
        should = {name for each in self.warnings for name in each.requirements}
        return frozenset(
            each.claim
            for each in self.report.claims
            if each.verdict is VerdictName.VIOLATED
            and should.intersection(each.settled_by)
            and not must.intersection(each.settled_by)
        )

    @property
    def tally(self) -> Tally:
        """The summary of claims, or of requirements in a report without claims."""
        if self.report.claims:
            found = Counter(each.verdict for each in self.report.claims)
            # Claims that only something unknown blocks are not known to block production.
            for verdict, causes in ((VerdictName.HARNESS_FAULT, self.faults), (VerdictName.INCONCLUSIVE, self.roots)):
                lost = self._claims_lost_to(causes)
                found[VerdictName.BLOCKED] -= len(lost)
                found[verdict] += len(lost)
            return _tally("claim", len(self.report.claims), found, advice=len(self.advice_claims))
        advice = sum(each.verdict is VerdictName.VIOLATED and each.level != "MUST" for each in self.report.findings)
        found = self.verdicts
        unknown = sum(len(each.blocks) for each in (*self.faults, *self.roots))
        found[VerdictName.BLOCKED] -= unknown
        found[VerdictName.INCONCLUSIVE] += unknown
        return _tally("requirement", self.selected, found, advice=advice)

    def _claims_lost_to(self, causes: Sequence[Cause]) -> frozenset[str]:
        """The claims that these unknown causes block, and nothing that is violated, nor a fault of the harness if these
        are none."""
        others = [*self.violated, *self.warnings, *(() if causes is self.faults else self.faults)]
        unknown = {claim for each in causes for claim in each.blocked_claims}
        known = {claim for each in others for claim in each.blocked_claims}
        blocked = {each.claim for each in self.report.claims if each.verdict is VerdictName.BLOCKED}
        return frozenset(blocked & (unknown - known))

    @property
    def legend(self) -> tuple[tuple[VerdictName, int], ...]:
        """The verdicts of the claims, each with its count."""
        return tuple((each, self.claims[each]) for each in SYMBOLS if self.claims.get(each))


def arrange(report: Report) -> Arrangement:
    """Put a report in order. Pure."""
    blocked_by = _blocked_by_root(report.findings)
    found = {each.requirement: each for each in report.findings}

    def causes(findings: Iterable[Finding]) -> tuple[Cause, ...]:
        # What several declared deviations waive is several entries.
        groups = _grouped((f"{each.cause or each.requirement} {each.waiver or ''}", each) for each in findings)
        made = [_cause(found, blocked_by) for found in groups.values()]
        return tuple(sorted(made, key=lambda each: -len(each.blocks)))

    violated = [each for each in report.findings if each.verdict is VerdictName.VIOLATED]
    must = causes(each for each in violated if each.level not in ("SHOULD", "OBSERVE"))
    faults = causes(each for each in report.findings if each.verdict is VerdictName.HARNESS_FAULT)
    warnings = causes(each for each in violated if each.level == "SHOULD")
    known = {name for each in (*must, *faults, *warnings) for name in each.requirements}
    roots = tuple(
        Cause(root, found.get(root), blocks)
        for root, blocks in sorted(blocked_by.items(), key=lambda item: -len(item[1]))
        if root not in known
    )
    known |= {each.requirement for each in roots}
    rest = [each for each in report.findings if each.requirement not in known]
    return Arrangement(
        report=report,
        violated=must,
        faults=faults,
        warnings=warnings,
        problems=report.footer.problems,
        crashes=report.footer.crashes,
        roots=roots,
        inconclusive=causes(each for each in rest if each.verdict is VerdictName.INCONCLUSIVE),
        waived=causes(each for each in rest if each.verdict is VerdictName.WAIVED),
        notes=causes(each for each in rest if each.verdict is VerdictName.VIOLATED and each.level == "OBSERVE"),
        not_applicable=_grouped((each.reason, each) for each in rest if each.verdict is VerdictName.NOT_APPLICABLE),
        held=_grouped((place_of(each), each) for each in rest if each.verdict is VerdictName.HELD),
        areas=tuple(
            Area(name, claims) for name, claims in _grouped((each.system, each) for each in report.claims).items()
        ),
        claims=Counter(each.verdict for each in report.claims),
    )


def _cause(found: Sequence[Finding], blocked_by: Mapping[str, tuple[Finding, ...]]) -> Cause:
    """One cause of several findings: the one that blocks most stands for all, before those of whole interfaces."""

    def last(each: Finding) -> tuple[int, bool]:
        return -len(blocked_by.get(each.requirement, ())), place_of(each) in _WHOLE_INTERFACES

    first, *others = sorted(found, key=last)
    blocks = tuple(blocked for each in (first, *others) for blocked in blocked_by.get(each.requirement, ()))
    return Cause(first.requirement, first, blocks, tuple(others))


def place_of(finding: Finding) -> str:
    """The place in a requirement's id (place.name)."""
    return finding.requirement.rpartition(".")[0] or finding.requirement


def verdict_counts(verdicts: Iterable[VerdictName]) -> str:
    """`2 violated, 1 not tested`, in the order of the verdicts; empty for none."""
    found = Counter(verdicts)
    return ", ".join(f"{found[each]} {WORDS[each]}" for each in SYMBOLS if found[each])


def headline(arranged: Arrangement) -> str:
    """The report in one sentence, never positive if nothing was judged or the run did not finish."""
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
    """Whether something was judged and nothing is wrong or undecided: the only case in green."""
    return (
        arranged.report.footer.finished
        and arranged.report.footer.exit_code == ExitCode.OK
        and arranged.judged > 0
        and not (arranged.violated or arranged.faults or arranged.problems or arranged.crashes or arranged.undecided)
    )


def cautions(arranged: Arrangement) -> tuple[str, ...]:
    """Sentences that limit what the report shows: an unfinished run, simulated applications."""
    sentences = []
    if not arranged.report.footer.finished:
        sentences.append("Whatever is missing below was not looked at, and is not known to be good.")
    if arranged.only_simulators:
        sentences.append(
            "Simulators only: no real server was asked. This shows that the checks work, and says nothing about "
            "production."
        )
    elif arranged.simulated:
        what = "is simulated" if len(arranged.simulated) == 1 else "are simulated"
        sentences.append(
            f"{listed(arranged.simulated)} {what}: what holds there holds of the simulator, not of a real server."
        )
    return tuple(sentences)


def counts_in_words(arranged: Arrangement) -> tuple[str, ...]:
    """The counts, each as `n of m`, and the number of repeated requests if there are any."""
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
    """The blocked findings by root; a root that is itself blocked is followed to its own root."""
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
