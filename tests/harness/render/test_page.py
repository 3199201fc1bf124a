"""The matrix of the status page: what each cell says, and whether the page is right about production."""

from dataclasses import replace

import pytest

from harness.render.arrange import arrange
from harness.render.html import to_html
from harness.render.markdown import to_markdown
from harness.render.page import Cell, RepositoryRow, StatusPage
from harness.report import Agreement, Finding, Report
from tests.harness.render import sample
from tests.harness.render.sample import BLOCKED, HELD, VIOLATED, finding, report_of, to_text


def page_of(*findings: Finding) -> StatusPage:
    return arrange(report_of(findings)).page


def row(page: StatusPage, repository: str) -> RepositoryRow:
    return next(each for each in page.rows if each.repository == repository)


def cell(page: StatusPage, repository: str, area: str) -> Cell:
    return next(each for each in row(page, repository).cells if each.area == area)


def test_every_line_is_in_one_cell_of_its_repository() -> None:
    page = arrange(sample.sample()).page
    assert [each.repository for each in page.rows] == ["tuvens-api", "hi.events", "tuvens-client", "overall"]
    assert sorted(claim.claim for each in page.rows for claim in each.claims) == sorted(
        each.claim for each in sample.sample().claims
    )
    assert page.total == page.counts.total() == 85
    assert page.areas[:5] == ("Frontend", "Backend API", "Real time and webhooks", "Security", "Performance")


def test_a_cell_names_its_worst_verdict_and_its_root() -> None:
    root = replace(finding("routes.validate", "It is served.", VIOLATED, "C-HE-01"), obliged="hi.events")
    leaf = finding("a.leaf", "Leaf.", BLOCKED, "C-HE-08", blocked_by="routes.validate")
    page = page_of(root, leaf, finding("a.b", "S.", HELD, "C-TA-16"))
    backend = cell(page, "hi.events", "Backend API")
    assert (backend.verdict, backend.count, backend.said) == (VIOLATED, 1, "missing routes")
    assert backend.words == "1 of 8 fail: validate route"
    beside = page_of(root, finding("a.b", "S.", HELD, "C-HE-02"))
    assert cell(beside, "hi.events", "Backend API").words == "1 of 8 fail, 1 hold: validate route"
    assert cell(page, "hi.events", "Database").words == "1 of 3 blocked: hi.events, validate route"
    assert cell(page, "tuvens-api", "Performance").words == "8 of 8 not tested: run crossapp load"


@pytest.mark.parametrize(
    ("requirement", "statement", "words"),
    [
        ("conformity.updateEvent", "It returns to PATCH /api/events/{id} what fits.", "PATCH /api/events/{id}"),
        ("conformity.validate", "It serves POST /auth/validate.", "POST /auth/validate"),
        ("webhook.live_gives_active", "It shows the status.", "live gives active"),
    ],
)
def test_a_root_that_no_line_names_is_named_in_words(requirement: str, statement: str, words: str) -> None:
    root = replace(finding(requirement, statement, VIOLATED, ""), obliged="tuvens-api")
    page = page_of(root, finding("a.leaf", "Leaf.", BLOCKED, "C-HE-08", blocked_by=requirement))
    assert cell(page, "hi.events", "Database").words == f"1 of 3 blocked: tuvens-api, {words}"
    html = to_html(report_of((root, finding("a.leaf", "Leaf.", BLOCKED, "C-HE-08", blocked_by=requirement))))
    assert f"tuvens-api, {words}".replace("/", "/<wbr>") in html


def test_what_the_page_calls_missing_and_works_is_counted_apart() -> None:
    page = page_of(finding("a.b", "S.", HELD, "C-HE-01"), finding("a.c", "S.", VIOLATED, "C-TA-01"))
    assert (page.counts[Agreement.CONTRADICTED], page.pessimistic) == (2, 1)
    assert [page.split(each) for each in Agreement] == ["", "1 work, 1 fail", "", ""]
    assert page.sentence == "Of 85 lines of the status page: 0 confirmed, 2 contradicted, 0 blocked, 83 unknown"


def test_what_the_page_calls_missing_and_is_so_is_counted_apart() -> None:
    page = page_of(finding("a.b", "S.", HELD, "C-TA-01"), finding("a.c", "S.", VIOLATED, "C-HE-01"))
    assert [page.split(each) for each in Agreement] == ["1 work, 1 missing", "", "", ""]
    html = to_html(report_of((finding("a.b", "S.", HELD, "C-TA-01"), finding("a.c", "S.", VIOLATED, "C-HE-01"))))
    assert '<b>2</b> confirmed <span class="of">1 work, 1 missing</span>' in html


@pytest.mark.parametrize(
    ("repository", "findings", "ready", "said"),
    [
        ("tuvens-api", [finding("a.b", "S.", VIOLATED, "C-TA-01")], "no", "yes: contradicted"),
        ("hi.events", [finding("a.b", "S.", VIOLATED, "C-HE-01")], "no", "no: confirmed"),
        ("tuvens-api", [finding("a.b", "S.", HELD, "C-TA-01")], "unknown", "yes: not confirmed"),
        ("tuvens-client", [finding("a.b", "S.", VIOLATED, "C-TC-01")], "not tested: simulated", "yes: not confirmed"),
        ("overall", [finding("a.b", "S.", VIOLATED, "C-TA-01")], "not tested: simulated", "no: not confirmed"),
    ],
)
def test_readiness_is_said_of_real_servers_alone(
    repository: str, findings: list[Finding], ready: str, said: str
) -> None:
    found = row(page_of(*findings), repository)
    assert (found.ready, found.page_said) == (ready, said)


def test_overall_is_ready_when_everything_is() -> None:
    real = replace(sample.HEADER, targets=tuple(replace(each, kind="staging") for each in sample.HEADER.targets))
    held = [finding(f"a.{each.claim}", "S.", HELD, each.claim) for each in sample.sample().claims]

    def overall(report: Report) -> str:
        return row(arrange(report).page, "overall").ready

    whole = report_of(held, header=real)
    settled = replace(whole, claims=tuple(replace(each, verdict=HELD) for each in whole.claims))
    assert overall(settled) == "yes"
    assert overall(report_of([*held, finding("x.y", "S.", VIOLATED, "C-TA-01")], header=real)) == "no"


def test_advice_that_is_not_followed_keeps_no_repository_from_production() -> None:
    advice = finding("a.b", "S.", VIOLATED, "C-TA-01", level="SHOULD")
    assert row(page_of(advice), "tuvens-api").ready == "unknown"
    blocked = finding("a.leaf", "Leaf.", BLOCKED, "C-TA-02", blocked_by="a.b")
    assert row(page_of(advice, blocked), "tuvens-api").ready == "unknown"


def test_a_report_without_claims_has_no_matrix() -> None:
    assert arrange(sample.broken_off()).page.rows == ()


def test_a_report_that_lacks_what_the_page_says_is_not_compared_with_it() -> None:
    new = sample.sample()
    old = replace(new, claims=tuple(replace(each, said="", agreement=Agreement.UNKNOWN) for each in new.claims))
    for text in (to_html(old), to_markdown(old), to_text(old)):
        assert "Of 85 lines of the status page" not in text
    assert "C-TA-01" in to_html(old)
