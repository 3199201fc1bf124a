"""The rules about the whole way where examples leave off: what accuses nobody, and what still accuses."""

from dataclasses import replace
from typing import TypeGuard

from harness.history import Entry, Exchange
from harness.verdict import Blocked, Held, Inconclusive, NotApplicable, Violated
from tests.contracts.flow.examples import LIVE, NETWORK, change, live, network
from tests.contracts.hi_events_page.examples import html
from tests.contracts.hi_events_session.examples import signed_in
from tests.contracts.histories import NOW, answer, history, instead, no_answer, observed, verdict

SEAM = "flow"
DRAFTS = "hi_events_page.makes_a_draft_that_carries_the_tuvens_event"


def test_a_draft_without_its_tuvens_event_blocks_the_flow_and_is_its_root() -> None:
    assert verdict(f"{SEAM}.an_event_goes_live", live(tuvens_event_id=None)) == Blocked(
        DRAFTS, "the draft carries tuvens_event_id None, not '31'"
    )


def test_an_event_that_the_page_makes_live_at_once_blocks_the_flow() -> None:
    found = verdict(f"{SEAM}.an_event_goes_live", live(status="LIVE"))
    assert isinstance(found, Blocked)
    assert found.by == DRAFTS


def test_where_the_page_runs_in_a_browser_an_event_that_was_linked_before_goes_live() -> None:
    seen = history(
        answer(f"{LIVE}/generate session", 200, {}),
        signed_in(f"{LIVE}/sign in"),
        html(f"{LIVE}/page"),
        observed(f"{LIVE}/event", hi="11", tuvens="11", **{"made by": "that was linked before"}),
        *change(LIVE),
    )
    found = verdict(f"{SEAM}.an_event_goes_live", seen)
    assert isinstance(found, Held)
    assert "linked before" in found.note


def test_a_listener_who_hears_what_was_missed_is_told_so_in_the_note() -> None:
    found = verdict(f"{SEAM}.a_lost_network_is_recovered_from", network(("setup", 1.0), ("active", 10.1)))
    assert isinstance(found, Held)
    assert "Last-Event-ID" in found.note


def test_a_message_of_before_the_last_change_is_not_taken_for_its_own() -> None:
    found = verdict(f"{SEAM}.a_lost_network_is_recovered_from", network(("active", 1.0)))
    assert isinstance(found, Violated)


def _changes(entry: Entry, step: str) -> TypeGuard[Exchange]:
    return isinstance(entry, Exchange) and entry.step == step


def test_a_message_that_came_before_a_change_was_sent_again_is_its_own() -> None:
    step = f"{NETWORK}/change/LIVE again"
    lost = replace(no_answer(step, callee="hi.events", method="PUT", at=NOW + 10), superseded=True)
    told = network(("active", 10.1))
    again = [replace(each, started=NOW + 12) if _changes(each, step) else each for each in told.entries]
    place = next(index for index, each in enumerate(again) if each.step == step)
    found = verdict(f"{SEAM}.a_lost_network_is_recovered_from", history(*again[:place], lost, *again[place:]))
    assert isinstance(found, Held)


def test_tokens_of_unknown_users_leave_concurrent_questions_untested() -> None:
    seen = history(answer("many_are_asked_about_at_once/question", 200, {"user_id": "1"}))
    assert isinstance(verdict(f"{SEAM}.concurrent_questions_are_told_apart", seen), NotApplicable)


def test_an_event_that_cannot_be_read_accuses_nobody() -> None:
    unread = answer(f"{LIVE}/event at tuvens-api/LIVE", 429, {})
    seen = history(*instead(live().entries, unread), settings=live().context.settings)
    assert isinstance(verdict(f"{SEAM}.an_event_goes_live", seen), Inconclusive)
