"""The order of a report in every rendering: what is wrong first, and each cause once."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from harness.exit_codes import ExitCode
from harness.render.page import StatusPage, status_page
from harness.render.text import one_line
from harness.render.words import SYMBOLS, WORDS, count, heading_word, is_invalid_measurement, listed
from harness.report import JUDGED, SIMULATED, Finding, Report, root_of
from harness.verdict import VerdictName

T = TypeVar("T")

_CLAUSE = re.compile(r"[;:](?:\s|$)")
_WHOLE_INTERFACES = ("pact", "fuzzing", "conformity")


@dataclass(frozen=True, slots=True)
class Cause:
    """A finding with the findings that it blocks. `finding` is None if the root that blocks them is not in the
    report. `witnesses`: the other findings that the same thing has violated or left undecided."""

    requirement: str
    finding: Finding | None
    blocks: tuple[Finding, ...] = ()
    witnesses: tuple[Finding, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirement itself, and those of the witnesses."""
        return (self.requirement, *(each.requirement for each in self.witnesses))

    @property
    def same(self) -> str:
        """What the witnesses are, as the beginning of a sentence."""
        undecided = self.finding is not None and self.finding.verdict is VerdictName.INCONCLUSIVE
        return "So are" if undecided else "Seen by"

    @property
    def security(self) -> bool:
        """Whether it lets somebody see or do what they must not."""
        found = (self.finding, *self.witnesses)
        return any(each is not None and each.security for each in found)

    @property
    def severity(self) -> str:
        """`security`, `function`, or `advice` for a violated SHOULD."""
        if self.security:
            return "security"
        return "advice" if self.finding is not None and self.finding.level == "SHOULD" else "function"

    @property
    def blocked_claims(self) -> tuple[str, ...]:
        """The claims that the blocked findings settle, once each."""
        return tuple(dict.fromkeys(claim for each in self.blocks for claim in each.claims))


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A report in order. Each finding is in exactly one group, or in the `blocks` or `witnesses` of one cause. `roots`:
    the roots of blocked findings that are in no other group. `claims`: how many have each verdict; `names`: each in two
    or three words."""

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
    page: StatusPage
    claims: Mapping[VerdictName, int] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def blockers(self) -> tuple[Cause, ...]:
        """What blocks production: each violated MUST, and violated advice that blocks others; security first. What is
        not known to be violated is never among them."""
        found = (*self.violated, *(each for each in self.warnings if each.blocks)) if self.violated else ()
        return tuple(sorted(found, key=lambda each: not each.security))

    @property
    def in_the_way(self) -> tuple[Cause, ...]:
        """The other roots of blocked findings: what they block is not known."""
        others = (*self.faults, *(() if self.violated else self.warnings))
        return (*(each for each in others if each.blocks), *self.roots)

    @property
    def blocking(self) -> tuple[tuple[str, str, tuple[Cause, ...]], ...]:
        """`blockers` and `in_the_way`, each with an anchor and a title, where there are any."""
        title = "What would block production" if self.only_simulators else "What blocks production"
        both = (("blockers", title, self.blockers), ("in-the-way", "Blockers whose result is unknown", self.in_the_way))
        return tuple(each for each in both if each[2])

    @property
    def problems_in_brief(self) -> tuple[tuple[str, Cause], ...]:
        """What is wrong or stands before others, each with its word: what a reader must know of a run."""
        groups = (
            ("violated", tuple(sorted(self.violated, key=lambda each: not each.security))),
            *((heading_word(each.finding), (each,)) for each in self.faults if each.finding is not None),
            ("warning", self.warnings),
            ("inconclusive", (*self.roots, *self.inconclusive)),
        )
        return tuple((word, cause) for word, causes in groups for cause in causes)

    @property
    def invalid(self) -> str:
        """Why the load run cannot be trusted, in a few words; empty if crossapp itself failed, or nothing did."""
        reasons = [each.finding.reason for each in self.faults if is_invalid_measurement(each.finding) and each.finding]
        if self.crashes or not reasons or len(reasons) < len(self.faults):
            return ""
        return _CLAUSE.split(one_line(reasons[0]), maxsplit=1)[0]

    @property
    def faults_title(self) -> str:
        """The title of the list of `faults`."""
        invalid = [is_invalid_measurement(each.finding) for each in self.faults]
        both = (("Bugs in crossapp", not all(invalid)), ("Invalid measurements", any(invalid)))
        return " and ".join(title for title, holds in both if holds)

    def named(self, claims: Iterable[str]) -> str:
        """`C-HE-01 validate route, C-HE-02 status route`."""
        return ", ".join(f"{each} {self.names.get(each, '')}".rstrip() for each in claims)

    def blocked_in_words(self, cause: Cause) -> str:
        """`94 requirements of 2 claims: sign-in page, callback page`."""
        claims = [self.names.get(each) or each for each in cause.blocked_claims]
        of_claims = f" of {count(len(claims), 'claim')}: {', '.join(claims)}" if claims else ""
        return count(len(cause.blocks), "requirement") + of_claims

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
    def held_claims(self) -> int:
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
        page=status_page(report),
        claims=Counter(each.verdict for each in report.claims),
        names={each.claim: each.name for each in report.claims},
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
        stopped = arranged.report.footer.stopped
        ended = f"This run was {one_line(stopped)}" if stopped else "This run did not finish"
        return ended + (f"; it found {count(causes, 'problem')} before it ended" if wrong else "")
    if wrong:
        would = "would block" if arranged.only_simulators else ("blocks" if causes == 1 else "block")
        where = " on the simulators" if arranged.only_simulators else ""
        return f"{count(causes, 'problem')}{where} {would} production"
    if arranged.problems:
        return "A declared deviation is out of date"
    if exit_code == ExitCode.HARNESS_FAULT or arranged.faults or arranged.crashes:
        if arranged.invalid:
            return f"The load measurement is invalid: {arranged.invalid}"
        return "crossapp failed: the results are incomplete"
    if not arranged.judged:
        return "No check passed or failed"
    if arranged.undecided:
        return (
            f"No blocker was found, but {arranged.undecided} of {count(arranged.selected, 'requirement')} could not be "
            "decided"
        )
    checks = f"{arranged.judged} of {count(arranged.judged, 'check')} passed"
    return f"{checks} on the simulators" if arranged.only_simulators else checks


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
        missing = "inconclusive because a story did not end" if arranged.report.footer.stopped else "missing below"
        sentences.append(f"What is {missing} was not checked: its state is unknown.")
    if arranged.only_simulators:
        sentences.append("No real server was tested: this report says nothing about production.")
    elif arranged.simulated:
        what = "is simulated" if len(arranged.simulated) == 1 else "are simulated"
        sentences.append(
            f"{listed(arranged.simulated)} {what}: results there are about the simulator, not about a real server."
        )
    return tuple(sentences)


def counts_in_words(arranged: Arrangement) -> tuple[str, ...]:
    """The counts, each as `n of m`, that of repeated requests if there are any, and what the run leaves behind."""
    again = arranged.report.footer.sent_again
    claims = len(arranged.report.claims)
    must = [each for each in arranged.report.findings if each.level == "MUST"]
    kept = sum(each.verdict is VerdictName.HELD for each in must)
    missing = arranged.selected - len(arranged.report.findings)
    verdicts = verdict_counts(each.verdict for each in arranged.report.findings)
    found = ", ".join(filter(None, (verdicts, f"{missing} not checked" if missing else "")))
    return (
        f"{arranged.judged} of {count(arranged.selected, 'requirement')} judged" + (f": {found}" if found else ""),
        f"{kept} of {count(len(must), 'MUST requirement')} held",
        f"{arranged.held_claims} of {count(claims, 'claim')} held",
        *((f"{count(again, 'request')} sent again after no response or a 429",) if again else ()),
        *arranged.report.footer.left,
    )


def _blocked_by_root(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """The blocked findings by root."""
    by_id = {each.requirement: each for each in findings}
    return _grouped((root_of(each, by_id), each) for each in by_id.values() if each.verdict is VerdictName.BLOCKED)


def _grouped(pairs: Iterable[tuple[str, T]]) -> dict[str, tuple[T, ...]]:
    """Items by key, keys in the order of their first appearance."""
    groups: dict[str, list[T]] = {}
    for key, item in pairs:
        groups.setdefault(key, []).append(item)
    return {key: tuple(items) for key, items in groups.items()}
