"""Claims of the status page, each settled by the findings of its requirements."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.report import JUDGED, ClaimResult, Finding
from harness.verdict import VerdictName


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as the page states it. `measure`: how it can be measured; `reach`: from where."""

    id: str
    system: str
    text: str
    measure: str
    reach: str


@dataclass(frozen=True, slots=True)
class Uncovered:
    """The part of a claim that no suite of a run covers (empty: all of it), and the remedy: what would test it."""

    part: str
    remedy: str


def read_claims(path: Path) -> tuple[Claim, ...]:
    """Read the table (tab-separated; columns id, system, claim, measure, reach)."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return tuple(
            Claim(row["id"], row["system"], row["claim"], row["measure"] or "", row["reach"] or "") for row in rows
        )


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
    return tuple(_settle(claim, findings, uncovered.get(claim.id)) for claim in claims)


def _settle(claim: Claim, findings: Sequence[Finding], uncovered: Uncovered | None) -> ClaimResult:
    deciding = [each for each in findings if claim.id in each.claims and each.level != "OBSERVE"]
    judged = [each for each in deciding if each.verdict in JUDGED]
    verdict, reason = _decide(deciding, len(judged), uncovered)
    return ClaimResult(
        claim=claim.id,
        system=claim.system,
        text=claim.text,
        measure=claim.measure,
        reach=claim.reach,
        verdict=verdict,
        reason=reason,
        judged=len(judged),
        settled_by=tuple(each.requirement for each in deciding),
    )


def _decide(deciding: Sequence[Finding], judged: int, uncovered: Uncovered | None) -> tuple[VerdictName, str]:
    for worst in _WORST_FIRST:
        found = [each for each in deciding if each.verdict is worst]
        if found:
            first = found[0]
            why = first.observed or first.reason
            return worst, f"{len(found)} of {len(deciding)} requirements {_WORDS[worst]}: {first.requirement}: {why}"
    if not deciding:
        remedy = uncovered.remedy if uncovered is not None else "no selected requirement settles it"
        return VerdictName.NOT_TESTED, remedy
    so_far = f"held as far as tested ({judged} of {len(deciding)} requirements)" if judged else ""
    lacking = [each for each in deciding if each.verdict is VerdictName.NOT_APPLICABLE]
    if lacking:
        return VerdictName.NOT_TESTED, "; ".join(filter(None, (so_far, f"not tested: {lacking[0].reason}")))
    if uncovered is not None:
        return VerdictName.NOT_TESTED, f"{so_far}; not tested: {uncovered.part}: {uncovered.remedy}"
    return VerdictName.HELD, f"{judged} of {len(deciding)} requirements held"


_WORDS = {
    VerdictName.VIOLATED: "violated",
    VerdictName.HARNESS_FAULT: "not judged for a fault of the harness",
    VerdictName.BLOCKED: "blocked",
    VerdictName.INCONCLUSIVE: "inconclusive",
    VerdictName.WAIVED: "waived as declared deviations",
}
