import json
from dataclasses import replace

import pytest

from harness.compare import ChangeKind, compare
from harness.report import Finding, Report, Waiver
from harness.verdict import VerdictName
from tests.harness.render.sample import (
    BLOCKED,
    HARNESS_FAULT,
    HEADER,
    HELD,
    INCONCLUSIVE,
    NOT_APPLICABLE,
    VIOLATED,
    WAIVED,
    finding,
    report_of,
    sample,
)

EVERY = [HELD, VIOLATED, BLOCKED, INCONCLUSIVE, NOT_APPLICABLE, HARNESS_FAULT, WAIVED]


def run(verdict: VerdictName | None, *, level: str = "MUST") -> Report:
    """A run with one requirement, or with none."""
    return report_of([] if verdict is None else [one(verdict, level=level)])


def one(verdict: VerdictName, *, level: str = "MUST", waiver: Waiver | None = None) -> Finding:
    found = finding("a.rule", "Somebody keeps it.", verdict, "", level=level, observed="seen", waiver=waiver)
    return replace(found, claims=())


@pytest.mark.parametrize(
    ("before", "after", "kind", "worse"),
    [
        (HELD, VIOLATED, ChangeKind.NEWLY_VIOLATED, True),
        (WAIVED, VIOLATED, ChangeKind.NEWLY_VIOLATED, True),
        (BLOCKED, VIOLATED, ChangeKind.NEWLY_VIOLATED, True),
        (None, VIOLATED, ChangeKind.NEWLY_VIOLATED, True),
        (HELD, BLOCKED, ChangeKind.NEWLY_UNDECIDED, True),
        (HELD, INCONCLUSIVE, ChangeKind.NEWLY_UNDECIDED, True),
        (HELD, HARNESS_FAULT, ChangeKind.NEWLY_UNDECIDED, True),
        (HELD, NOT_APPLICABLE, ChangeKind.NEWLY_UNDECIDED, True),
        (WAIVED, BLOCKED, ChangeKind.NEWLY_UNDECIDED, True),
        (VIOLATED, BLOCKED, ChangeKind.NO_LONGER_SEEN, False),
        (VIOLATED, HELD, ChangeKind.FIXED, False),
        (BLOCKED, HELD, ChangeKind.NEWLY_HELD, False),
        (HELD, WAIVED, ChangeKind.DEVIATION, False),
        (VIOLATED, WAIVED, ChangeKind.DEVIATION, False),
        (WAIVED, HELD, ChangeKind.DEVIATION, False),
        (BLOCKED, WAIVED, ChangeKind.DEVIATION, False),
        (BLOCKED, INCONCLUSIVE, ChangeKind.OTHER, False),
        (None, HELD, ChangeKind.APPEARED, False),
        (None, BLOCKED, ChangeKind.APPEARED, False),
        (HELD, None, ChangeKind.GONE, False),
        (VIOLATED, None, ChangeKind.GONE, False),
    ],
)
def test_what_became_of_a_requirement_has_a_name(
    before: VerdictName | None, after: VerdictName | None, kind: ChangeKind, worse: bool
) -> None:
    comparison = compare(run(before), run(after))
    assert [(each.id, each.kind, each.worse) for each in comparison.requirements] == [("a.rule", kind, worse)]
    assert comparison.worse is worse


@pytest.mark.parametrize("verdict", EVERY)
def test_the_same_verdict_is_no_change(verdict: VerdictName) -> None:
    comparison = compare(run(verdict), run(verdict))
    assert comparison.requirements == ()
    assert not comparison.worse
    assert list(comparison.lines())[-1] == "Nothing changed."


def test_a_step_back_in_what_the_contract_leaves_open_is_told_but_not_worse() -> None:
    comparison = compare(run(HELD, level="OBSERVE"), run(VIOLATED, level="OBSERVE"))
    assert [each.kind for each in comparison.requirements] == [ChangeKind.NEWLY_VIOLATED]
    assert not comparison.worse


def test_a_claim_that_is_no_longer_held_is_worse_even_where_its_requirement_is_gone() -> None:
    before = report_of([finding("a.rule", "S.", HELD, "C-TA-01")])
    comparison = compare(before, report_of([]))
    assert [(each.id, each.before, each.after) for each in comparison.claims] == [
        ("C-TA-01", HELD, VerdictName.NOT_TESTED)
    ]
    assert comparison.worse


def test_a_requirement_under_a_new_name_is_not_worse_while_its_claim_holds() -> None:
    before = report_of([finding("a.old", "S.", HELD, "C-TA-01")])
    comparison = compare(before, report_of([finding("a.new", "S.", HELD, "C-TA-01")]))
    assert {each.kind for each in comparison.requirements} == {ChangeKind.APPEARED, ChangeKind.GONE}
    assert not comparison.worse


def test_a_deviation_that_went_out_of_date_is_worse_and_one_in_order_again_is_not() -> None:
    good, late = report_of([one(HELD)]), report_of([one(HELD)], problems=("the deviation is late",))
    assert compare(good, late).new_problems == ("the deviation is late",)
    assert compare(good, late).worse
    assert compare(late, good).solved_problems == ("the deviation is late",)
    assert not compare(late, good).worse


def test_a_deviation_that_was_prolonged_is_told() -> None:
    short = Waiver("a.rule", "old release", "Lea Brandt", "2026-06-30")
    before, after = (
        report_of([one(WAIVED, waiver=short)]),
        report_of([one(WAIVED, waiver=replace(short, until="2026-12-31"))]),
    )
    (sentence,) = compare(before, after).changed_waivers
    assert sentence == "a.rule: Lea Brandt until 2026-06-30 (old release) -> Lea Brandt until 2026-12-31 (old release)"


def test_other_editions_deployments_and_targets_come_with_a_word_of_warning() -> None:
    report = run(HELD)
    edition = replace(report, header=replace(HEADER, edition="2026-01"))
    deployment = replace(report, header=replace(HEADER, deployment="production"))
    targets = replace(report, header=replace(HEADER, targets=HEADER.targets[:2]))
    assert compare(report, report).warnings == ()
    assert "different editions of the contract (2025-07 and 2026-01)" in compare(report, edition).warnings[0]
    assert "different deployments (staging and production)" in compare(report, deployment).warnings[0]
    assert "applications" in compare(report, targets).warnings[0]


def test_a_simulator_on_another_port_is_the_same_deployment() -> None:
    moved = tuple(
        replace(each, url="http://127.0.0.1:1") if each.kind == "simulated" else each for each in HEADER.targets
    )
    assert compare(run(HELD), replace(run(HELD), header=replace(HEADER, targets=moved))).warnings == ()


def test_what_is_newly_blocked_is_told_under_its_root() -> None:
    before = report_of([finding(f"a.{each}", "S.", HELD, "") for each in ("one", "two")])
    after = report_of([finding(f"a.{each}", "S.", BLOCKED, "", blocked_by="b.root") for each in ("one", "two")])
    lines = list(compare(before, after).lines())
    start = lines.index("  now blocked by b.root (2)")
    assert lines[start + 1 : start + 3] == ["! MUST a.one  held -> blocked", "! MUST a.two  held -> blocked"]


def test_a_run_that_broke_off_is_worse_than_one_that_finished() -> None:
    whole, broken = report_of([one(HELD)]), report_of([one(HELD)], finished=False)
    assert compare(whole, broken).worse
    assert "the second run did not finish" in compare(whole, broken).warnings[0]
    assert not compare(broken, whole).worse


def test_the_text_tells_the_worst_first_with_ids_whole() -> None:
    text = "\n".join(compare(report_of([]), sample()).lines())
    assert text.index("== Newly violated") < text.index("== Only in the second run")
    assert "! MUST webhook.signature_is_over_the_raw_body  absent -> violated" in text
    assert text.split("\n")[-1].startswith("Worse: ")


def test_the_json_has_every_kind_of_change() -> None:
    value = json.loads(compare(run(HELD), run(VIOLATED)).to_json())
    assert set(value["requirements"]) == {each.value for each in ChangeKind}
    assert value["requirements"]["newly_violated"][0]["id"] == "a.rule"
    assert (value["format"], value["worse"]) == (1, True)


def test_a_story_that_newly_crashed_is_worse() -> None:
    good, lost = report_of([one(HELD)]), report_of([one(HELD)], crashes=("a_story: KeyError",))
    assert compare(good, lost).worse
    assert "  a_story: KeyError" in list(compare(good, lost).lines())
    assert not compare(lost, lost).worse
    solved = compare(lost, good)
    assert not solved.worse
    assert list(solved.lines())[-1] == "Nothing got worse."
