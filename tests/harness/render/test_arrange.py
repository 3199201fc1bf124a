from dataclasses import replace

import pytest

from harness.render.arrange import arrange, cautions, counts_in_words, headline, is_good
from harness.report import Finding, Report
from tests.harness.render import sample
from tests.harness.render.sample import BLOCKED, HELD, INCONCLUSIVE, VIOLATED, finding, report_of

LATE = finding("load.kept_up", "S.", sample.HARNESS_FAULT, "", reason="the generator was late: 74 ms (p95)")


def test_every_finding_is_told_exactly_once() -> None:
    report = sample.sample()
    told = arrange(report)
    groups = (told.violated, told.faults, told.warnings, told.roots, told.inconclusive, told.waived, told.notes)
    names = [entry.requirement for group in groups for entry in group]
    names += [each.requirement for group in groups for entry in group for each in (*entry.blocks, *entry.witnesses)]
    names += [
        each.requirement for kept in (told.not_applicable, told.held) for found in kept.values() for each in found
    ]
    assert sorted(names) == sorted(each.requirement for each in report.findings)


def test_a_missing_route_is_one_entry_with_what_it_blocks() -> None:
    told = arrange(sample.sample())
    first = told.violated[0]
    assert first.requirement == sample.VALIDATE
    assert len(first.blocks) == 11
    assert "C-HE-05" in first.blocked_claims
    assert sample.VALIDATE not in [each.requirement for each in told.roots]


def test_a_root_behind_a_blocked_requirement_is_found() -> None:
    told = arrange(
        report_of(
            [
                finding("a.root", "Root.", INCONCLUSIVE, ""),
                finding("a.middle", "Middle.", BLOCKED, "", blocked_by="a.root"),
                finding("a.leaf", "Leaf.", BLOCKED, "", blocked_by="a.middle"),
            ]
        )
    )
    assert [(each.requirement, len(each.blocks)) for each in told.roots] == [("a.root", 2)]
    assert told.inconclusive == ()


def test_a_root_that_was_not_selected_is_named() -> None:
    told = arrange(report_of([finding("a.leaf", "Leaf.", BLOCKED, "", blocked_by="b.root")]))
    assert [(each.requirement, each.finding) for each in told.roots] == [("b.root", None)]


def test_requirements_that_block_each_other_do_not_hang() -> None:
    told = arrange(
        report_of(
            [
                finding("a.one", "One.", BLOCKED, "", blocked_by="a.two"),
                finding("a.two", "Two.", BLOCKED, "", blocked_by="a.one"),
            ]
        )
    )
    assert [len(each.blocks) for each in told.roots] == [2]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (sample.sample(), "4 problems block production"),
        (sample.nothing_judged(), "No check passed or failed"),
        (sample.broken_off(), "This run did not finish; it found 4 problems before it ended"),
        (sample.stopped(), "This run was stopped after 31 of 84 stories; it found 4 problems before it ended"),
        (sample.honest(), "34 of 34 checks passed on the simulators"),
        (report_of([]), "No check passed or failed"),
        (report_of([finding("a.b", "S.", HELD, "")]), "1 of 1 check passed"),
        (report_of([finding("a.b", "S.", HELD, "")], problems=("late",)), "A declared deviation is out of date"),
        (
            report_of([finding("a.b", "S.", HELD, ""), finding("a.c", "S.", INCONCLUSIVE, "")]),
            "No blocker was found, but 1 of 2 requirements could not be decided",
        ),
        (
            report_of([finding("a.b", "S.", HELD, ""), finding("a.c", "S.", sample.HARNESS_FAULT, "")]),
            "crossapp failed: the results are incomplete",
        ),
        (
            report_of([finding("a.b", "S.", HELD, "")], crashes=("a: KeyError",)),
            "crossapp failed: the results are incomplete",
        ),
        (report_of([LATE]), "The load measurement is invalid: the generator was late"),
        (
            report_of([LATE, finding("a.b", "S.", sample.HARNESS_FAULT, "")]),
            "crossapp failed: the results are incomplete",
        ),
        (report_of([LATE], crashes=("a: KeyError",)), "crossapp failed: the results are incomplete"),
    ],
)
def test_the_headline_says_how_the_run_ended(report: Report, words: str) -> None:
    assert headline(arrange(report)) == words


@pytest.mark.parametrize(
    "report",
    [
        sample.sample(),
        sample.nothing_judged(),
        sample.broken_off(),
        report_of([]),
        report_of([finding("a.b", "S.", HELD, "")], crashes=("a: KeyError",)),
    ],
)
def test_only_a_run_that_judged_something_and_found_nothing_wrong_is_good(report: Report) -> None:
    assert not is_good(arrange(report))
    assert is_good(arrange(sample.honest()))


def test_a_simulated_application_is_never_taken_for_a_real_one() -> None:
    assert "tuvens-client is simulated" in cautions(arrange(sample.sample()))[0]
    assert "No real server was tested" in cautions(arrange(sample.honest()))[0]


def test_an_undecided_root_is_not_said_to_block_production() -> None:
    told = arrange(
        report_of([finding("a.leaf", "Leaf.", BLOCKED, "", blocked_by="a.root"), finding("a.b", "S.", HELD, "")])
    )
    assert [title for _, title, _ in told.blocking] == ["Blockers whose result is unknown"]
    assert told.blockers == ()
    assert headline(told).startswith("No blocker was found")
    whole = arrange(sample.sample())
    assert [title for _, title, _ in whole.blocking] == ["What blocks production", "Blockers whose result is unknown"]
    assert all(each.finding is not None and each.finding.verdict is VIOLATED for each in whole.blockers)


def test_what_one_thing_has_violated_is_one_problem_with_its_witnesses() -> None:
    def seen(name: str, cause: str = "post-success-201", level: str = "MUST") -> Finding:
        return replace(finding(name, "S.", VIOLATED, "", level=level), cause=cause, deviations=(cause,))

    blocked = [finding(f"c.{by}", "S.", BLOCKED, "", blocked_by=by) for by in ("pact.one", "fuzzing.one")]
    found = [seen("pact.one"), seen("fuzzing.one"), seen("a.rule"), seen("a.other", "another"), *blocked]
    told = arrange(report_of(found))
    assert headline(told) == "2 problems block production"
    assert [each.requirement for each in told.violated] == ["pact.one", "a.other"]
    assert [each.requirement for each in told.violated[0].witnesses] == ["fuzzing.one", "a.rule"]
    assert [each.requirement for each in told.violated[0].blocks] == ["c.pact.one", "c.fuzzing.one"]


def test_a_rule_of_one_thing_stands_for_those_of_whole_interfaces() -> None:
    found = [replace(finding(name, "S.", VIOLATED, ""), cause="one") for name in ("pact.one", "a.rule")]
    assert arrange(report_of(found)).violated[0].requirement == "a.rule"


def test_security_is_the_first_of_what_blocks_production() -> None:
    found = [finding("a.b", "S.", VIOLATED, ""), replace(finding("c.d", "S.", VIOLATED, ""), security=True)]
    found.append(finding("a.leaf", "Leaf.", BLOCKED, "", blocked_by="a.b"))
    told = arrange(report_of(found))
    assert [(each.requirement, each.severity) for each in told.blockers] == [("c.d", "security"), ("a.b", "function")]


def test_a_claim_of_which_only_advice_is_violated_does_not_block_production() -> None:
    told = arrange(report_of([finding("a.b", "S.", VIOLATED, "C-SE-04", level="SHOULD")]))
    assert told.advice_claims == {"C-SE-04"}
    assert told.blockers == ()


def test_requirements_that_a_broken_run_did_not_reach_are_counted() -> None:
    report = sample.broken_off()
    told = arrange(replace(report, footer=replace(report.footer, selected=67)))
    assert counts_in_words(told)[0].startswith("7 of 67 requirements judged")
    assert counts_in_words(told)[0].endswith("47 not checked")
