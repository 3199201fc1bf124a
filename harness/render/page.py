"""The lines of the status page beside what was found: counts, and the matrix of repository by area."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.report import SIMULATED, Agreement, ClaimResult, Finding, Report
from harness.verdict import VerdictName

PRODUCTION_READY = "Production ready"
_AREAS = (
    "Frontend",
    "Backend API",
    "Real time and webhooks",
    "Security",
    "Performance",
    "Database",
    "Flow",
    "Operations",
)
_ROUTE = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE) /[^\s.]*")
_READY = frozenset({VerdictName.HELD, VerdictName.WAIVED})
_WORST_FIRST = (
    VerdictName.VIOLATED,
    VerdictName.BLOCKED,
    VerdictName.HARNESS_FAULT,
    VerdictName.INCONCLUSIVE,
    VerdictName.NOT_TESTED,
    VerdictName.NOT_APPLICABLE,
    VerdictName.WAIVED,
    VerdictName.HELD,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """The claims of one area of a repository. `verdict`: the worst of them; `count`: how many have it; `why`: the
    first of these, what blocks it or what would settle it, in a few words. `said`: what the page says of the area,
    empty if its matrix has no such cell."""

    area: str
    claims: tuple[ClaimResult, ...]
    verdict: VerdictName
    count: int
    why: str
    said: str = ""

    @property
    def words(self) -> str:
        """`12 of 12 hold`, `2 of 12 fail, 9 hold: webhook signature`."""
        counted = f"{self.count} of {len(self.claims)} {_CELL_WORDS[self.verdict]}"
        held = sum(each.verdict is VerdictName.HELD for each in self.claims)
        if held and self.verdict is not VerdictName.HELD:
            counted += f", {held} hold"
        return f"{counted}: {self.why}" if self.why else counted


@dataclass(frozen=True, slots=True)
class RepositoryRow:
    """A repository: its areas that have claims, whether it is ready for production (yes, no, unknown, or not tested:
    simulated), and what the page says of that."""

    repository: str
    cells: tuple[Cell, ...]
    ready: str
    said: str

    @property
    def claims(self) -> tuple[ClaimResult, ...]:
        """All its claims."""
        return tuple(claim for cell in self.cells for claim in cell.claims)

    def cell(self, area: str) -> Cell | None:
        """The cell of an area; None if it has no claims there."""
        return next((each for each in self.cells if each.area == area), None)

    @property
    def agreement(self) -> Agreement:
        """Whether the page is right about its readiness."""
        if not self.said or self.ready not in ("yes", "no"):
            return Agreement.UNKNOWN
        return Agreement.CONFIRMED if self.said == self.ready else Agreement.CONTRADICTED

    @property
    def page_said(self) -> str:
        """`yes: contradicted`, `no: not confirmed`; a dash if the page says nothing of it."""
        right = "not confirmed" if self.agreement is Agreement.UNKNOWN else self.agreement.value
        return f"{self.said}: {right}" if self.said else "–"


@dataclass(frozen=True, slots=True)
class StatusPage:
    """All lines of the page. `counts`: how many are confirmed, contradicted, blocked and unknown. `pessimistic`: how
    many of the contradicted ones say that something is broken which works. `would_settle`: how many unknown ones each
    remedy would settle, most first. `in_doubt`: the lines that are not confirmed, in groups with titles."""

    rows: tuple[RepositoryRow, ...]
    counts: Counter[Agreement]
    pessimistic: int
    would_settle: tuple[tuple[str, int], ...]
    in_doubt: tuple[tuple[str, tuple[ClaimResult, ...]], ...]

    @property
    def is_known(self) -> bool:
        """Whether the report has what the page says: those of earlier versions lack it."""
        return any(claim.said for row in self.rows for claim in row.claims)

    @property
    def total(self) -> int:
        """How many lines the page has."""
        return self.counts.total()

    def split(self, agreement: Agreement) -> str:
        """`34 work, 10 missing`: what confirmed or contradicted lines are about; empty where it is the same for all."""
        word = {Agreement.CONFIRMED: "missing", Agreement.CONTRADICTED: "fail"}.get(agreement, "")
        claims = [claim for row in self.rows for claim in row.claims if claim.agreement == agreement]
        works = sum(each.works is (agreement == Agreement.CONFIRMED) for each in claims)
        return f"{works} work, {len(claims) - works} {word}" if word and 0 < works < len(claims) else ""

    @property
    def areas(self) -> tuple[str, ...]:
        """The areas that some repository has, in order."""
        found = {cell.area for row in self.rows for cell in row.cells}
        return (*(each for each in _AREAS if each in found), *sorted(found - {*_AREAS}))

    @property
    def sentence(self) -> str:
        """`Of 85 lines of the status page: 58 confirmed, 10 contradicted, 0 blocked, 17 unknown`."""
        found = ", ".join(f"{self.counts[each]} {each.value}" for each in Agreement)
        return f"Of {self.total} lines of the status page: {found}"


def status_page(report: Report) -> StatusPage:
    """The page as a report shows it. A report without claims gives one without rows."""
    claims = report.claims
    settling = Counter(each.would_settle for each in claims if each.would_settle)
    return StatusPage(
        rows=tuple(_rows(report)),
        counts=Counter(each.agreement for each in claims),
        pessimistic=sum(each.agreement is Agreement.CONTRADICTED and not each.works for each in claims),
        would_settle=tuple(settling.most_common()),
        in_doubt=_in_doubt(report, settling),
    )


def _in_doubt(report: Report, settling: Counter[str]) -> tuple[tuple[str, tuple[ClaimResult, ...]], ...]:
    """What the page says wrongly, then what is blocked, by root, then what is unknown, by what would settle it."""
    findings = {each.requirement: each for each in report.findings}
    names = {each.claim: each.name for each in report.claims}
    groups: dict[str, list[ClaimResult]] = {"Said to work, but fail": [], "Said to be missing or blocked, but work": []}
    contradicted, blocked, unknown = (
        [each for each in report.claims if each.agreement is agreement]
        for agreement in (Agreement.CONTRADICTED, Agreement.BLOCKED, Agreement.UNKNOWN)
    )
    for each in contradicted:
        groups["Said to work, but fail" if each.works else "Said to be missing or blocked, but work"].append(each)
    for each in blocked:
        groups.setdefault(f"Blocked by {_root(each, findings, names)}", []).append(each)
    for each in sorted(unknown, key=lambda each: -settling[each.would_settle]):
        groups.setdefault(f"Unknown: {each.would_settle}" if each.would_settle else "Unknown", []).append(each)
    return tuple((title, tuple(claims)) for title, claims in groups.items() if claims)


def _rows(report: Report) -> Iterable[RepositoryRow]:
    said = {(each.repository, each.area): each.said for each in report.header.page}
    simulated = {each.app for each in report.header.targets if each.kind == SIMULATED}
    findings = {each.requirement: each for each in report.findings}
    names = {each.claim: each.name for each in report.claims}
    by_repository: dict[str, dict[str, list[ClaimResult]]] = {}
    for each in report.claims:
        by_repository.setdefault(each.repository, {}).setdefault(each.area, []).append(each)
    for repository, areas in by_repository.items():
        order = {area: number for number, area in enumerate(_AREAS)}
        cells = tuple(
            _cell(area, claims, findings, names, said.get((repository, area), ""))
            for area, claims in sorted(areas.items(), key=lambda item: order.get(item[0], len(order)))
        )
        # What spans all applications is ready when everything is.
        of = [claim for cell in cells for claim in cell.claims] if repository in _apps(report) else report.claims
        tested_simulated = repository in simulated if repository in _apps(report) else bool(simulated)
        ready = "not tested: simulated" if tested_simulated else _ready(of, findings)
        yield RepositoryRow(repository, cells, ready, said.get((repository, PRODUCTION_READY), ""))


def _apps(report: Report) -> frozenset[str]:
    return frozenset(each.app for each in report.header.targets)


def _ready(claims: Sequence[ClaimResult], findings: Mapping[str, Finding]) -> str:
    """`no` only where a MUST is violated, itself or as what blocks: advice that is not followed decides nothing."""
    concerned = {name for each in claims for name in (*each.settled_by, each.blocked_by)}
    found = [findings[name] for name in concerned if name in findings]
    if any(each.verdict is VerdictName.VIOLATED and each.level == "MUST" for each in found):
        return "no"
    return "yes" if {each.verdict for each in claims} <= _READY else "unknown"


def _cell(
    area: str, claims: Sequence[ClaimResult], findings: dict[str, Finding], names: dict[str, str], said: str
) -> Cell:
    worst = next(each for each in _WORST_FIRST if any(claim.verdict is each for claim in claims))
    found = [each for each in claims if each.verdict is worst]
    return Cell(area, tuple(claims), worst, len(found), _why(worst, found, findings, names), said)


def _why(
    verdict: VerdictName, claims: Sequence[ClaimResult], findings: dict[str, Finding], names: dict[str, str]
) -> str:
    first = claims[0]
    if verdict is VerdictName.BLOCKED and first.blocked_by:
        return _root(first, findings, names)
    if verdict in (VerdictName.VIOLATED, VerdictName.WAIVED):
        return first.name
    if verdict is VerdictName.HELD:
        return ""
    settling = Counter(each.would_settle for each in claims if each.would_settle).most_common()
    return settling[0][0] + ("\u00a0…" if len(settling) > 1 else "") if settling else ""


def _root(claim: ClaimResult, findings: Mapping[str, Finding], names: Mapping[str, str]) -> str:
    """`hi.events, validate route`: what blocks a claim, in a few words."""
    root = findings.get(claim.blocked_by)
    if root is None:
        return claim.blocked_by
    name = next((names[each] for each in root.claims if each in names), "")
    return f"{root.obliged}, {name or _in_words(root)}"


def _in_words(finding: Finding) -> str:
    """A requirement that no claim names: the route that it is about, or else its name."""
    route = _ROUTE.search(finding.statement)
    return route.group() if route else finding.requirement.rpartition(".")[2].replace("_", " ")


_CELL_WORDS = {
    VerdictName.VIOLATED: "fail",
    VerdictName.BLOCKED: "blocked",
    VerdictName.HARNESS_FAULT: "not judged",
    VerdictName.INCONCLUSIVE: "inconclusive",
    VerdictName.NOT_TESTED: "not tested",
    VerdictName.NOT_APPLICABLE: "not applicable",
    VerdictName.WAIVED: "waived",
    VerdictName.HELD: "hold",
}
