"""What a coordinator asks: each question is answered from the report alone, never more surely than it knows."""

from dataclasses import replace

import pytest

from harness.render.answers import answers
from harness.render.arrange import arrange
from harness.render.html import to_html
from harness.render.words import fix_it
from harness.report import Finding, Report
from tests.harness.render import sample
from tests.harness.render.sample import BLOCKED, HARNESS_FAULT, HELD, INCONCLUSIVE, VIOLATED, finding, report_of
from tests.harness.render.test_load import loaded

REAL = replace(sample.HEADER, targets=tuple(replace(each, kind="staging") for each in sample.HEADER.targets))
SIMULATED = replace(sample.HEADER, targets=tuple(replace(each, kind="simulated") for each in sample.HEADER.targets))
ROUTE = finding(
    "routes.validate",
    "hi.events serves POST /validate.",
    VIOLATED,
    "C-HE-01",
    obliged="hi.events",
    next_step="Register POST /validate; until then nothing that needs it can be verified.",
)
SECRET = replace(finding("a.secret", "tuvens-api rejects it.", VIOLATED, "C-TA-07"), security=True)


def told(report: Report) -> dict[str, str]:
    return {each.question: each.text for each in answers(arrange(report))}


def test_a_blocker_names_its_repository_and_what_depends_on_it() -> None:
    blocked = finding("a.leaf", "Leaf.", BLOCKED, "C-HE-08", blocked_by="routes.validate")
    found = told(report_of([ROUTE, blocked, SECRET], header=REAL))
    assert found["May we deploy?"] == (
        "No: tuvens-api (1 problem) and hi.events (1 problem) block it; 1 more line cannot be tested before that "
        "is fixed."
    )
    assert told(report_of([ROUTE], header=SIMULATED))["May we deploy?"] == (
        "No, if these were real servers: hi.events (1 problem) blocks it."
    )


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (report_of([finding("a.b", "S.", HELD, "C-TA-01")], header=SIMULATED), "no real server was tested"),
        (report_of([finding("a.b", "S.", HELD, "C-TA-01")]), "tuvens-client not tested, only simulated"),
        (
            report_of(
                [
                    finding("a.answers", "S.", INCONCLUSIVE, "", obliged="tuvens-api"),
                    finding("a.leaf", "S.", BLOCKED, "C-TA-01", blocked_by="a.answers"),
                ]
            ),
            "checks of tuvens-api on which others depend are undecided",
        ),
        (report_of([finding("a.b", "S.", INCONCLUSIVE, "C-TA-01")], header=REAL), "no check passed or failed"),
        (report_of([finding("a.b", "S.", HARNESS_FAULT, "C-TA-01")], header=REAL), "crossapp failed"),
        (
            report_of([finding("load.kept_up", "S.", HARNESS_FAULT, "", reason="it was late; 74 ms")], header=REAL),
            "the load measurement is invalid (it was late)",
        ),
        (
            report_of([finding("a.b", "S.", HELD, "C-TA-01")], header=REAL),
            "no blocker was found, but 84 lines of the page remain unknown",
        ),
    ],
)
def test_without_a_blocker_a_doubt_is_named(report: Report, why: str) -> None:
    assert told(report)["May we deploy?"] == f"Not known: {why}."


def test_yes_is_said_only_where_no_line_is_unknown() -> None:
    held = [finding(f"a.{each.claim}", "S.", HELD, each.claim) for each in sample.sample().claims]
    whole = report_of(held, header=REAL)
    settled = replace(
        whole, claims=tuple(replace(each, verdict=HELD, agreement=whole.claims[0].agreement) for each in whole.claims)
    )
    assert told(settled)["May we deploy?"].startswith("Yes: ")
    unfinished = replace(settled, footer=replace(settled.footer, finished=False))
    assert told(unfinished)["May we deploy?"] == "Not known: the run did not finish."


def test_what_the_page_says_wrongly_is_named_in_both_directions() -> None:
    works = [finding(f"a.{number}", "S.", HELD, f"C-HE-0{number}") for number in (1, 2, 3, 4, 6)]
    assert told(report_of([SECRET, *works]))["Where is the page wrong?"] == (
        "1 line that it calls working fails: shared secret required. 5 lines that it calls missing or blocked work: "
        "bad tokens refused, validate route, status route, accounts route and 1 more."
    )
    assert told(report_of([]))["Where is the page wrong?"] == "Nothing that was tested."
    # What a simulator does is no reason to doubt what the page says of the real application, and is named as such.
    simulated = finding("a.title", "S.", VIOLATED, "C-TC-08", obliged="tuvens-client")
    assert told(report_of([simulated]))["Where is the page wrong?"] == (
        "1 line that it calls working fails with simulators: accordion title."
    )


def test_security_is_held_only_where_every_line_of_it_is() -> None:
    claims = [each.claim for each in sample.sample().claims if each.area == "Security"]
    every = [finding(f"a.{each}", "S.", HELD, each) for each in claims if each != "C-SE-01"]
    found = told(report_of(every))["Does security hold?"]
    assert found.startswith("No violation was found, but not all is known: ")
    assert found.endswith("; not tested or undecided: HTTPS.")
    assert told(report_of([SECRET]))["Does security hold?"].startswith(
        "No: 0 of 12 lines about security, in all areas, hold; failed: "
    )
    load = replace(report_of([]), claims=tuple(each for each in sample.sample().claims if each.area == "Performance"))
    assert told(load)["Does security hold?"] == "Not tested in this run."
    https = finding("a.https", "S.", HELD, "C-SE-01")
    assert (
        told(report_of([*every, https]))["Does security hold?"]
        == "Yes: 12 of 12 lines about security, in all areas, hold."
    )
    # Advice that is not followed is no violation.
    sent = replace(https, verdict=VIOLATED, level="SHOULD")
    assert told(report_of([*every, sent]))["Does security hold?"] == (
        "No violation was found: 11 of 12 lines about security, in all areas, hold; recommendation not followed: HTTPS."
    )
    # A violation of another area that lets somebody in counts, too.
    signature = replace(finding("a.signature", "S.", VIOLATED, "C-TA-15"), security=True)
    assert "failed: webhook signature" in told(report_of([*every, https, signature]))["Does security hold?"]


def test_whether_load_was_measured_is_said_with_its_results() -> None:
    load = loaded()
    assert told(report_of([]))["Is performance known?"] == "No: the command crossapp load measures it."
    assert told(load)["Is performance known?"] == "Yes, 3 budgets: 1 passed, 1 failed, 1 undecided."
    late = finding("load.kept_up", "S.", HARNESS_FAULT, "", reason="the generator was late; 74 ms")
    assert load.load is not None
    budgets = load.load.budgets
    for invalid, begins in (
        (budgets[2:], "Partly, 3 budgets: 1 passed, 1 failed"),
        (budgets, "Not validly, 3 budgets"),
    ):
        kept = [replace(each, word="INVALID") if each in invalid else each for each in budgets]
        answer = told(replace(report_of([late]), load=replace(load.load, budgets=tuple(kept))))["Is performance known?"]
        assert (
            answer
            == f"{begins}{', ' if kept[0].word == 'PASS' else ': '}{len(invalid)} invalid (the generator was late)."
        )


def test_what_works_is_counted_by_repository() -> None:
    held = [finding(f"a.{each}", "S.", HELD, each) for each in ("C-TA-01", "C-TA-02", "C-HE-01")]
    assert told(report_of(held, header=REAL))["What works?"] == (
        "3 of 85 lines: tuvens-api 2 of 42, hi.events 1 of 16, tuvens-client 0 of 13, overall 0 of 14."
    )
    assert told(report_of(held, header=SIMULATED))["What works?"].startswith("3 of 85 lines with simulators: ")


@pytest.mark.parametrize(
    ("findings", "answer"),
    [
        ([finding("a.b", "S.", VIOLATED, "C-FL-02")], "No: 1 of 4 fail: real-time flow."),
        ([finding("a.b", "S.", HELD, "C-FL-01 C-FL-02 C-FL-03 C-FL-04")], "Yes: 4 of 4 hold."),
        (
            [ROUTE, finding("a.leaf", "S.", BLOCKED, "C-FL-02", blocked_by="routes.validate")],
            "Not known: 1 of 4 flows blocked by hi.events, validate route.",
        ),
        (
            [finding("a.b", "S.", VIOLATED, "C-FL-02", level="SHOULD")],
            "Yes, but a recommendation is not followed: 1 of 4 fail: real-time flow.",
        ),
    ],
)
def test_whether_the_three_work_together_is_said_by_the_lines_of_the_flow(findings: list[Finding], answer: str) -> None:
    assert told(report_of(findings, header=REAL))["Do they work together?"] == answer
    simulated = told(report_of(findings))["Do they work together?"]
    assert simulated == answer.replace(": ", " (with simulators): ", 1)


def test_what_changed_is_named_where_a_run_was_repeated() -> None:
    report = report_of([SECRET])
    assert "What changed?" not in told(report)
    same = [replace(each, before=each.verdict.value) for each in report.claims]
    assert told(replace(report, claims=tuple(same)))["What changed?"] == "No line, since the run before."
    changed = [replace(each, before="held" if each.claim == "C-TA-07" else each.before) for each in same]
    assert told(replace(report, claims=tuple(changed)))["What changed?"] == (
        "Violated now, held in the run before: shared secret required."
    )


def test_what_comes_next_is_the_step_of_each_owner_or_else_the_statement() -> None:
    unnamed = replace(SECRET, next=fix_it("tuvens-api"))
    assert told(report_of([ROUTE, unnamed]))["What next?"] == (
        "tuvens-api: make sure that it rejects it. hi.events: Register POST /validate."
    )
    others = [replace(ROUTE, requirement=f"routes.{name}", next=f"Register {name}.") for name in "abcd"]
    assert told(report_of([ROUTE, *others, replace(unnamed, security=False)]))["What next?"] == (
        "hi.events: Register POST /validate; Register a; Register b. "
        "tuvens-api: make sure that it rejects it; 2 more steps."
    )
    assert "crossapp verify --deployment FILE" in told(report_of([], header=SIMULATED))["What next?"]
    assert told(report_of([], header=REAL))["What next?"].endswith("unknown lines.")


def test_every_link_of_an_answer_leads_to_a_place_in_the_page() -> None:
    page = to_html(sample.sample())
    first = page[page.index('<dl class="answers">') : page.index('<nav aria-label="Sections">')]
    anchors = [each.split('"')[0] for each in first.split('href="#')[1:]]
    assert len(anchors) > 5
    assert all(f'id="{each}"' in page for each in anchors)
