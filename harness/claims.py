"""Claims of the status page, each settled by the findings of its requirements."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.render.words import count
from harness.report import JUDGED, Agreement, ClaimResult, Finding, PageLine, root_of
from harness.verdict import VerdictName


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the status page. `name`: two or three words; `said`: what the page said of it; `works`: whether that
    means that it works; `measure`: how it can be measured; `reach`: from where."""

    id: str
    repository: str
    area: str
    name: str
    text: str
    said: str
    works: bool
    measure: str
    reach: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """The part of a claim that no suite of a run covers (empty: all of it), and the remedy: what would test it.
    `settled_by`: the remedy in two or three words, the same for all claims that it would settle. `covered_by`: how the
    ids of requirements begin that cover it after all where they can be judged."""

    part: str
    remedy: str
    settled_by: str
    covered_by: str = ""


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read the table (tab-separated; columns id, repository, area, name, claim, said, page_says, measure, reach)."""
    return tuple(
        Claim(
            id=row["id"],
            repository=row["repository"],
            area=row["area"],
            name=row["name"],
            text=row["claim"],
            said=row["said"],
            works=row["page_says"] == "works",
            measure=row["measure"] or "",
            reach=row["reach"] or "",
        )
        for row in _rows(path)
    )


def read_page(path: Path) -> tuple[PageLine, ...]:
    """Read the page's own closing matrix (tab-separated; columns repository, area, said)."""
    return tuple(PageLine(row["repository"], row["area"], row["said"]) for row in _rows(path))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


# A claim gets the worst verdict of the requirements that settle it.
_WORST_FIRST = (
    VerdictName.VIOLATED,
    VerdictName.HARNESS_FAULT,
    VerdictName.BLOCKED,
    VerdictName.INCONCLUSIVE,
    VerdictName.WAIVED,
)


def settle(
    claims: Iterable[Claim], findings: Sequence[Finding], uncovered: Mapping[str, Uncovered]
) -> tuple[ClaimResult, ...]:
    """One result for each claim. A claim is held only if every requirement that settles it was judged and held, and no
    part of it is uncovered."""
    by_id = {each.requirement: each for each in findings}
    of_claim: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.level != "OBSERVE":
            for each in finding.claims:
                of_claim.setdefault(each, []).append(finding)
    return tuple(_settle(claim, of_claim.get(claim.id, ()), by_id, uncovered.get(claim.id)) for claim in claims)


def _settle(
    claim: Claim, deciding: Sequence[Finding], by_id: Mapping[str, Finding], uncovered: Uncovered | None
) -> ClaimResult:
    if uncovered is not None:
        # What access shows that is not given, the remedy of what is not covered covers, too.
        deciding = [each for each in deciding if not each.lacks.startswith("metrics:")]
    judged = [each for each in deciding if each.verdict in JUDGED]
    if uncovered is not None and uncovered.covered_by:
        uncovered = None if any(each.requirement.startswith(uncovered.covered_by) for each in judged) else uncovered
    verdict, reason = _decide(deciding, len(judged), uncovered)
    roots = [root_of(each, by_id) for each in deciding if each.verdict is VerdictName.BLOCKED]
    root = next((each for each in roots if each in by_id and by_id[each].verdict is VerdictName.VIOLATED), "")
    agreement = _agreement(verdict, works=claim.works, root=root)
    return ClaimResult(
        claim=claim.id,
        repository=claim.repository,
        area=claim.area,
        name=claim.name,
        text=claim.text,
        said=claim.said,
        works=claim.works,
        measure=claim.measure,
        reach=claim.reach,
        verdict=verdict,
        reason=reason,
        agreement=agreement,
        blocked_by=root if verdict is VerdictName.BLOCKED else "",
        would_settle=_would_settle(verdict, deciding, uncovered) if agreement is Agreement.UNKNOWN else "",
        uncovered=uncovered.remedy if uncovered is not None else "",
        judged=len(judged),
        settled_by=tuple(each.requirement for each in deciding),
    )


def _agreement(verdict: VerdictName, *, works: bool, root: str) -> Agreement:
    """Whether the page is right. `works`: whether it says that the claim's subject works; `root`: the violated
    requirement that blocks it, if there is one. What only something unknown blocks is unknown."""
    match verdict:
        case VerdictName.HELD:
            return Agreement.CONFIRMED if works else Agreement.CONTRADICTED
        case VerdictName.VIOLATED | VerdictName.WAIVED:
            return Agreement.CONTRADICTED if works else Agreement.CONFIRMED
        case VerdictName.BLOCKED if root:
            return Agreement.BLOCKED if works else Agreement.CONFIRMED
        case _:
            return Agreement.UNKNOWN


def _would_settle(verdict: VerdictName, deciding: Sequence[Finding], uncovered: Uncovered | None) -> str:
    """What would settle an unknown claim, in a few words."""
    match verdict:
        case VerdictName.HARNESS_FAULT:
            return "fix crossapp"
        case VerdictName.BLOCKED:
            of_the_run = any(each.blocked_by.startswith("load.") for each in deciding)
            return "measure the load again" if of_the_run else "fix what blocks it"
        case VerdictName.INCONCLUSIVE:
            return "run again"
    if not deciding:
        return uncovered.settled_by if uncovered is not None else "select its requirements"
    lacking = next((each for each in deciding if each.verdict is VerdictName.NOT_APPLICABLE), None)
    if lacking is None or (not lacking.lacks and uncovered is not None):
        return uncovered.settled_by if uncovered is not None else ""
    if not lacking.lacks:
        return COMPLETE_FILE if "[[users]]" in lacking.reason else "run again"
    capability, _, app = lacking.lacks.partition(":")
    # Only a simulator can be made to fail on purpose.
    return f"simulate {app}" if capability == "control" else _PROVIDED_BY.get(capability, COMPLETE_FILE)


_PROVIDED_BY = {
    "browser": "install a browser",
    "database": "give access to the database",
    "audit-log": "give access to the audit log",
    "launch": "add a launch command",
    "failures": "receive webhooks",
    "retries": "receive webhooks",
    "receiver": "receive webhooks",
    "metrics": "give access to metrics",
    "near": "run beside the server",
    "https": "use https",
    "expiry": "wait for an expiry",
    "time": "run crossapp load longer",
}
COMPLETE_FILE = "complete the deployment file"


def _decide(deciding: Sequence[Finding], judged: int, uncovered: Uncovered | None) -> tuple[VerdictName, str]:
    for worst in _WORST_FIRST:
        found = [each for each in deciding if each.verdict is worst]
        if found:
            first = found[0]
            why = first.observed or first.reason
            return (
                worst,
                f"{len(found)} of {count(len(deciding), 'requirement')} {_WORDS[worst]}: {first.requirement}: {why}",
            )
    if not deciding:
        remedy = uncovered.remedy if uncovered is not None else "no selected requirement settles it"
        return VerdictName.NOT_TESTED, remedy
    so_far = f"held as far as tested ({judged} of {count(len(deciding), 'requirement')})" if judged else ""
    lacking = [each for each in deciding if each.verdict is VerdictName.NOT_APPLICABLE]
    if lacking:
        return VerdictName.NOT_TESTED, "; ".join(filter(None, (so_far, f"not tested: {lacking[0].reason}")))
    if uncovered is not None:
        return VerdictName.NOT_TESTED, f"{so_far}; not tested: {uncovered.part}: {uncovered.remedy}"
    return VerdictName.HELD, f"{judged} of {count(len(deciding), 'requirement')} held"


_WORDS = {
    VerdictName.VIOLATED: "violated",
    VerdictName.HARNESS_FAULT: "not decided because of a bug in crossapp",
    VerdictName.BLOCKED: "blocked",
    VerdictName.INCONCLUSIVE: "inconclusive",
    VerdictName.WAIVED: "waived as declared deviations",
}
