"""The rules about the stream of ticketing changes where examples leave off: what accuses nobody, what still accuses."""

import pytest

from contracts.event_stream.rules import BY_CLOCK, BY_WAITING, STORY
from contracts.every_operation.rules_routes import STORY as PROBE
from contracts.status_changes import stream_message
from harness.verdict import HarnessFault, Held, Inconclusive, NotApplicable, Violated
from tests.contracts.event_stream.examples import (
    LEAVING,
    PAGE,
    STAYING,
    STRANGER,
    WAITED,
    by_clock,
    by_waiting,
    entries,
    first_is,
    heard,
    probe,
    without_ids,
)
from tests.contracts.event_stream.examples import told as message_of
from tests.contracts.histories import NOW, answer, closed, comment, history, message, verdict

SEAM = "event_stream"
HEARTBEAT = f"{SEAM}.a_silent_stream_has_a_heartbeat"


def test_a_stream_that_cannot_be_had_breaks_no_rule() -> None:
    seen = history(closed(f"{PROBE}/streamEventUpdates", "ReadTimeout"))
    assert isinstance(verdict(f"{SEAM}.it_is_an_event_stream", seen), Inconclusive)


def test_a_stream_that_a_proxy_closes_leaves_open_what_would_have_been_told() -> None:
    seen = first_is(message_of(STAYING, "active", 1), closed(LEAVING, "RemoteProtocolError"))
    assert isinstance(verdict(f"{SEAM}.an_applied_update_is_told", seen), Inconclusive)


def test_messages_about_other_events_are_nobodys_second_message() -> None:
    seen = first_is(
        message_of(STAYING, "active", 1), message_of(STAYING, "active", 1, about="12"), message_of(LEAVING, "active", 1)
    )
    assert isinstance(verdict(f"{SEAM}.one_message_for_each_update", seen), Held)


def test_an_event_that_is_named_message_reaches_a_page_too() -> None:
    named = message(STAYING, {"type": "ticketing_status_changed", "eventId": "11", "status": "active"}, event="message")
    assert isinstance(verdict(f"{SEAM}.messages_are_unnamed", first_is(named, message_of(LEAVING, "active", 1))), Held)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "status"},
        {"eventId": 11},
        {"status": "LIVE"},
        {"timestamp": "2025-07-25T16:30:00+02:00"},
        {"timestamp": None},
    ],
)
def test_a_message_of_another_form_breaks_the_rule(fields: dict[str, object]) -> None:
    wrong = first_is(message_of(STAYING, "active", 1, **fields), message_of(LEAVING, "active", 1))
    assert isinstance(verdict(f"{SEAM}.messages_have_the_form", wrong), Violated)


def test_further_fields_in_a_message_are_fine() -> None:
    seen = first_is(message_of(STAYING, "active", 1, title="An evening"), message_of(LEAVING, "active", 1))
    assert isinstance(verdict(f"{SEAM}.messages_have_the_form", seen), Held)


def test_a_late_second_message_of_an_applied_update_is_no_message_of_a_refused_one() -> None:
    seen = heard(refusals=[message_of(STAYING, "active", 3)])
    assert isinstance(verdict(f"{SEAM}.a_refused_update_is_not_told", seen), Held)


def test_a_message_about_an_event_that_does_not_exist_breaks_the_rule() -> None:
    seen = heard(refusals=[message_of(STAYING, "setup", 9, about=STRANGER)])
    assert isinstance(verdict(f"{SEAM}.a_refused_update_is_not_told", seen), Violated)


def test_a_message_of_a_forgery_that_was_accepted_is_another_rules_matter() -> None:
    seen = heard(refused=200, refusals=[message_of(STAYING, "setup", 9)])
    assert isinstance(verdict(f"{SEAM}.a_refused_update_is_not_told", seen), Inconclusive)


def test_without_ids_no_page_can_say_what_it_saw_last() -> None:
    assert isinstance(verdict(f"{SEAM}.a_reconnect_misses_nothing", without_ids()), NotApplicable)


def test_an_update_that_was_refused_leaves_the_stream_undecided() -> None:
    refused = answer(f"{STORY}/first/update", 429, {}, operation="receiveEventStatusChanged")
    kept = [each for each in entries() if each.step != f"{STORY}/first/update"]
    assert isinstance(verdict(f"{SEAM}.an_applied_update_is_told", history(refused, *kept)), Inconclusive)


def test_a_comment_from_before_the_silence_is_no_heartbeat() -> None:
    assert isinstance(verdict(HEARTBEAT, by_clock()), Violated)


def test_a_stream_that_was_closed_meanwhile_leaves_its_heartbeat_undecided() -> None:
    assert isinstance(verdict(HEARTBEAT, by_clock(closed(PAGE))), Inconclusive)
    assert isinstance(verdict(HEARTBEAT, by_waiting(closed(WAITED))), Inconclusive)


def test_without_a_control_plane_a_heartbeat_is_waited_for() -> None:
    assert isinstance(verdict(HEARTBEAT, by_waiting(comment(WAITED, at=NOW + 15))), Held)
    assert isinstance(verdict(HEARTBEAT, by_waiting(comment(WAITED, "open", at=NOW))), Violated)


def test_a_stream_that_is_never_silent_need_not_have_a_heartbeat() -> None:
    busy = [message(WAITED, {}, at=NOW + seconds) for seconds in (10, 20)]
    assert isinstance(verdict(HEARTBEAT, by_waiting(*busy)), NotApplicable)


def test_a_story_that_crashed_is_our_fault() -> None:
    seen = history(ended={BY_CLOCK: "crashed", BY_WAITING: "finished"})
    assert isinstance(verdict(HEARTBEAT, seen), HarnessFault)


def test_what_is_no_json_object_tells_nothing() -> None:
    for data in ("", "LIVE", "[1]", "NaN", "{"):
        assert stream_message(message(STAYING, data)) == {}
    assert stream_message(comment(STAYING, "{}")) == {}


def test_a_stream_that_is_rate_limited_breaks_no_rule() -> None:
    assert isinstance(verdict(f"{SEAM}.it_is_an_event_stream", probe(429, "application/json")), Inconclusive)
