"""The rules about the page where examples leave off: what accuses nobody, and what still accuses."""

import pytest

from harness.verdict import Held, Inconclusive, NotApplicable, Violated
from tests.contracts.hi_events_page.examples import (
    EXAMPLES,
    FOREIGN,
    ORIGIN,
    REFUSED,
    STORY,
    bait,
    html,
    made,
    page_seen,
    redirect,
)
from tests.contracts.histories import answer, observed, verdict

SEAM = "hi_events_page"


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_page_that_runs_in_a_browser_is_not_judged(name: str) -> None:
    seen = page_seen(
        html(f"{STORY}/page"),
        html(f"{REFUSED}/unknown token"),
        html(f"{REFUSED}/foreign event"),
        html(f"{FOREIGN}/plain", foreign="https://evil.example/callback"),
    )
    found = verdict(f"{SEAM}.{name}", seen)
    # What comes after the page never happened: the rules that read it are stopped by their premise.
    assert isinstance(found, NotApplicable | Inconclusive)


def test_a_page_that_refreshes_to_a_foreign_origin_leads_there() -> None:
    text = '<meta http-equiv="refresh" content="0; url=https://evil.example/callback">'
    seen = page_seen(html(f"{FOREIGN}/plain", text, foreign="https://evil.example/callback"))
    assert isinstance(verdict(f"{SEAM}.never_leads_to_a_foreign_origin", seen), Violated)


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/callback",
        "/\\evil.example/callback",
        "http://localhost:5173@evil.example/hi-events/callback",
        "http://evil.example\\@localhost:5173/hi-events/callback",
        "http://localhost:5173.evil.example/hi-events/callback?status=error",
        "ht\ntp://evil.example/",
        "javascript:alert(document.domain)//localhost:5173",
    ],
)
def test_a_location_is_read_as_a_browser_reads_it(target: str) -> None:
    assert isinstance(verdict(f"{SEAM}.never_leads_to_a_foreign_origin", bait(target, foreign=target)), Violated)


@pytest.mark.parametrize(
    "target", [f"{ORIGIN}/hi-events/callback?status=error", "/auth/login", "http://127.0.0.1:3001/"]
)
def test_a_way_to_an_own_page_is_no_open_redirect(target: str) -> None:
    assert isinstance(verdict(f"{SEAM}.never_leads_to_a_foreign_origin", bait(target)), Held)


def test_an_event_that_is_live_at_once_is_no_draft() -> None:
    assert isinstance(verdict(f"{SEAM}.makes_a_draft_that_carries_the_tuvens_event", made(status="LIVE")), Violated)


@pytest.mark.parametrize("linked_before", [True, None])
def test_an_event_that_may_have_been_linked_before_need_not_be_a_draft_any_more(linked_before: bool | None) -> None:
    seen = made(status="LIVE", linked_before=linked_before)
    assert isinstance(verdict(f"{SEAM}.makes_a_draft_that_carries_the_tuvens_event", seen), Inconclusive)


def test_a_hi_events_that_lets_nobody_read_an_event_lacks_a_capability() -> None:
    seen = page_seen(
        redirect(f"{STORY}/page", f"{ORIGIN}/?hi_events_event_id=40"),
        observed(f"{STORY}/event", tuvens="31", **{"linked before": False}),
        answer(f"{STORY}/event made", 404, b"<h1>Not Found</h1>", callee="hi.events"),
        answer("every_route_is_probed/readEvent", 404, b"<h1>Not Found</h1>", callee="hi.events"),
    )
    assert isinstance(verdict(f"{SEAM}.makes_a_draft_that_carries_the_tuvens_event", seen), NotApplicable)
