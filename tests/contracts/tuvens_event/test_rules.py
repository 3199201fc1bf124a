"""The rules about the event at tuvens-api where examples leave off: what accuses nobody, and what still accuses."""

from typing import Any

import pytest

from harness.verdict import Held, Inconclusive, NotApplicable, Violated
from tests.contracts.histories import history, no_answer, verdict
from tests.contracts.tuvens_event.examples import CHANGED, READ, change, changed, event, read

SEAM = "tuvens_event"


def test_without_a_known_event_it_is_not_tested_whether_one_is_read() -> None:
    seen = history(ended={READ: "finished"})
    assert isinstance(verdict(f"{SEAM}.an_event_is_read", seen), NotApplicable)
    assert isinstance(verdict(f"{SEAM}.an_event_is_read", history(ended={READ: "stopped"})), Inconclusive)


@pytest.mark.parametrize("fields", [{"id": ...}, {"account_id": "123"}, {"account_id": True}, {"account_id": ...}])
def test_an_event_without_its_id_or_account_breaks_the_rule(fields: dict[str, Any]) -> None:
    assert isinstance(verdict(f"{SEAM}.an_event_is_read", read(event(f"{READ}/known event", **fields))), Violated)


def test_a_network_that_fails_breaks_no_rule() -> None:
    assert isinstance(verdict(f"{SEAM}.an_event_is_read", read(no_answer(f"{READ}/known event"))), Inconclusive)
    failed = changed(no_answer(f"{CHANGED}/by the member/both"))
    assert isinstance(verdict(f"{SEAM}.a_change_without_permission_is_refused", failed), Inconclusive)


def test_the_number_of_hi_events_event_may_be_text_in_one_place_and_a_number_in_the_other() -> None:
    seen = changed(event(f"{CHANGED}/second/event", 2, hiEventsEventId="2"))
    assert isinstance(verdict(f"{SEAM}.legacy_aliases_agree", seen), Held)
    assert isinstance(verdict(f"{SEAM}.the_callback_is_noted", seen), Held)


def test_an_alias_that_says_something_else_breaks_the_rule() -> None:
    others: tuple[dict[str, Any], ...] = ({"ticketStatus": "active"}, {"hasTicketing": False}, {"hiEventsEventId": "3"})
    for other in others:
        seen = changed(event(f"{CHANGED}/second/event", "2", **other))
        assert isinstance(verdict(f"{SEAM}.legacy_aliases_agree", seen), Violated), other


def test_a_change_that_is_answered_and_not_made_breaks_the_rule() -> None:
    seen = changed(event(f"{CHANGED}/first/event", 4711, enabled=False))
    assert isinstance(verdict(f"{SEAM}.the_callback_is_noted", seen), Violated)
    assert isinstance(verdict(f"{SEAM}.the_callback_is_noted", changed(change(f"{CHANGED}/first", 500))), Violated)
