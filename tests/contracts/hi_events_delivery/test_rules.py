"""The rules about outgoing webhooks where examples leave off: what accuses nobody, and what still accuses."""

import pytest

from contracts.status_changes import WEBHOOK, reported_event, shows_status
from harness.verdict import Blocked, HarnessFault, Held, Inconclusive, NotApplicable, Violated
from tests.contracts.hi_events_delivery.examples import (
    CHANGES,
    ORDER,
    SERVER_ERROR,
    STORY,
    body,
    changes,
    delivery,
    effects,
    part,
    received,
    seen,
    sent_at,
    unseen,
)
from tests.contracts.histories import answer, history, instead, observed, verdict

SEAM = "hi_events_delivery"


@pytest.mark.parametrize(
    "name",
    [
        "a_change_is_sent",
        "deliveries_are_signed",
        "deliveries_tell_the_change",
        "every_status_is_delivered",
        "each_change_is_delivered_once",
        "refused_status_is_not_sent",
    ],
)
def test_where_deliveries_cannot_be_seen_their_effect_is_the_evidence(name: str) -> None:
    found = verdict(f"{SEAM}.{name}", unseen())
    assert isinstance(found, Held)
    assert "tuvens-api" in found.note


def test_that_deliveries_hold_no_secret_is_not_tested_where_they_cannot_be_seen() -> None:
    assert isinstance(verdict(f"{SEAM}.deliveries_carry_no_secret", unseen()), NotApplicable)


def test_an_effect_shows_no_signature_where_tuvens_api_takes_wrong_ones() -> None:
    assert isinstance(verdict(f"{SEAM}.deliveries_are_signed", unseen(forged=200)), Inconclusive)


def test_a_status_that_tuvens_api_never_shows_was_not_delivered() -> None:
    shown = ("LIVE", "CANCELLED", "CANCELLED", "ENDED", "ENDED", "CANCELLED")
    assert isinstance(verdict(f"{SEAM}.every_status_is_delivered", unseen(shown=shown)), Violated)


def test_a_change_that_shows_nowhere_was_not_sent_if_tuvens_api_takes_webhooks() -> None:
    shown = ("DRAFT", "DRAFT", "LIVE", "DRAFT", "ENDED", "DRAFT")
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", unseen(shown=shown)), Violated)
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", unseen(shown=shown, ours=500)), Inconclusive)


def test_a_status_that_tuvens_api_refuses_is_tuvens_apis_fault() -> None:
    shown = ("LIVE", "CANCELLED", "DRAFT", "ENDED", "ENDED", "CANCELLED")
    told = unseen(shown=shown)
    refused = answer("statuses_are_reported/ARCHIVED/update", 400, operation=WEBHOOK, sent=body("ARCHIVED"))
    again = history(*told.entries, refused)
    found = verdict(f"{SEAM}.every_status_is_delivered", again)
    assert isinstance(found, Blocked)
    assert found.by == "webhook.archived_gives_setup"


def test_another_events_id_at_tuvens_api_shows_that_the_change_was_told_wrongly() -> None:
    assert isinstance(verdict(f"{SEAM}.deliveries_tell_the_change", unseen(hi=12)), Violated)


def test_a_change_that_an_event_shows_anyway_is_no_evidence_of_a_delivery() -> None:
    shown = ("DRAFT",) * len(CHANGES)
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", unseen(shown=shown)), Violated)
    assert isinstance(verdict(f"{SEAM}.deliveries_tell_the_change", unseen(shown=shown)), Inconclusive)


def test_messages_of_the_stream_that_do_not_match_accuse_nobody() -> None:
    found = verdict(f"{SEAM}.each_change_is_delivered_once", unseen(stream=("active", "active", "inactive")))
    assert isinstance(found, Inconclusive)


def test_a_silent_stream_leaves_the_number_of_deliveries_untested() -> None:
    assert isinstance(verdict(f"{SEAM}.each_change_is_delivered_once", unseen(stream=())), NotApplicable)


def test_a_delivery_that_is_repeated_byte_for_byte_is_one_delivery() -> None:
    step = f"{STORY}/deliveries"
    told = [delivery(step, body(each, sent_at=sent_at(at))) for at, each in enumerate(CHANGES)]
    assert isinstance(verdict(f"{SEAM}.each_change_is_delivered_once", seen([told[0], *told])), Held)


@pytest.mark.parametrize(
    ("what", "sent"),
    [
        ("another event type", body("LIVE").replace(b"event.status_changed", b"event.changed")),
        ("a time without Z", body("LIVE", sent_at="2025-07-25T14:30:00")),
        ("the id as text", body("LIVE", hi="11")),
        ("another Tuvens event", body("LIVE", tuvens="12")),
        ("the Tuvens event's id as a number", body("LIVE", tuvens=11)),
        ("no status", body("")),
        ("no JSON", b"status=LIVE"),
    ],
)
def test_a_body_of_another_form_breaks_the_rule(what: str, sent: bytes) -> None:
    told = seen([delivery(f"{STORY}/deliveries", sent)])
    assert isinstance(verdict(f"{SEAM}.deliveries_tell_the_change", told), Violated), what


def test_a_story_that_stopped_before_it_looked_for_deliveries_decides_nothing() -> None:
    told = history(*changes(), ended={STORY: "stopped"})
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", told), Inconclusive)


def test_a_story_that_crashed_is_our_fault() -> None:
    told = history(*changes(), ended={STORY: "crashed"})
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", told), HarnessFault)


def test_without_a_429_nothing_is_said_of_what_follows_one() -> None:
    told = history(*part("too many requests", ("LIVE", 200), ("ENDED", 200)))
    assert isinstance(verdict(f"{SEAM}.retries_after_too_many_requests", told), Inconclusive)


_RECEIVER = {"receiver": {"retry_within": 60.0}}


def test_a_second_retry_that_was_not_waited_for_is_not_tested() -> None:
    told = history(*received("server error", 503, 503, apart=(0.0, 10.0)), settings=_RECEIVER)
    found = verdict(f"{SEAM}.retries_after_a_server_error", told)
    assert isinstance(found, NotApplicable)
    assert "10.0 s" in found.reason
    assert "--patience" in found.reason


def test_no_retry_within_the_time_that_the_deployment_says_breaks_the_rule_and_the_time_is_told() -> None:
    told = history(*received("server error", 503), settings=_RECEIVER)
    found = verdict(f"{SEAM}.retries_after_a_server_error", told)
    assert isinstance(found, Violated)
    assert "60 s (receiver.retry_within)" in found.observed


@pytest.mark.parametrize(
    ("apart", "expected"),
    [((0.0, 1.0, 6.0), Held), ((0.0, 10.0, 20.1), Violated), ((0.0, 10.0, 21.0), Inconclusive)],
)
def test_pauses_are_taken_from_arrivals_where_no_log_can_be_read_and_chance_is_no_growth(
    apart: tuple[float, ...], expected: type
) -> None:
    told = history(*received("server error", 503, 503, 200, apart=apart), settings=_RECEIVER)
    assert isinstance(verdict(f"{SEAM}.pauses_between_retries_grow", told), expected)


def test_an_attempt_that_was_answered_all_the_same_shows_nothing_of_time_outs() -> None:
    told = history(*received("time-out", 200))
    assert isinstance(verdict(f"{SEAM}.retries_after_a_time_out", told), Inconclusive)


@pytest.mark.parametrize(("content_type", "expected"), [(None, Violated), ("application/JSON", Held)])
def test_a_webhook_says_that_it_is_json(content_type: str | None, expected: type) -> None:
    told = seen([delivery(f"{STORY}/deliveries", body("LIVE"), content_type=content_type)])
    assert isinstance(verdict(f"{SEAM}.deliveries_are_sent_as_json", told), expected)


def test_a_receiver_that_nothing_came_to_accuses_nobody_where_the_event_follows_all_the_same() -> None:
    nothing = observed(f"{STORY}/deliveries", **{"told by": "receiver"})
    told = history(*changes(), *effects(), nothing)
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", told), Inconclusive)
    told = history(*changes(), *effects(shown=("DRAFT",) * len(CHANGES)), nothing)
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", told), Violated)


def test_one_pause_says_nothing_about_growing() -> None:
    told = history(*part("server error", ("LIVE", 503), ("LIVE", 200)))
    assert isinstance(verdict(f"{SEAM}.pauses_between_retries_grow", told), Inconclusive)


def test_an_event_shows_a_status_by_its_metadata_or_by_its_ticketing_status() -> None:
    assert shows_status({"ticketing_status": "setup", "contactData": {"hiEventsStatus": "LIVE"}}, "LIVE")
    assert shows_status({"ticketing_status": "active", "contactData": None}, "LIVE")
    assert not shows_status({"ticketing_status": None, "contactData": {}}, "POSTPONED")
    assert not shows_status([], "LIVE")


def test_a_delivery_names_its_event_whatever_form_its_body_has() -> None:
    assert reported_event(body("LIVE")) == "11"
    assert reported_event(body("LIVE", tuvens=11)) == "11"
    assert reported_event(b"[]") == ""
    assert reported_event(b"\xff") == ""


def test_an_event_whose_metadata_are_nonsense_was_told_of_no_refused_status() -> None:
    readings = [
        answer(each.step, 200, {"ticketing_status": "setup", "contactData": ["x"]})
        for each in unseen().entries
        if each.step.startswith(f"{STORY}/effect/")
    ]
    told = history(*instead(unseen().entries, *readings))
    assert isinstance(verdict(f"{SEAM}.refused_status_is_not_sent", told), Held)


@pytest.mark.parametrize("status", [429, 500])
def test_an_event_that_cannot_be_read_accuses_nobody_at_hi_events(status: int) -> None:
    unread = answer("deliveries_fail/order/event", status, {})
    whole = history(*instead([*SERVER_ERROR, *ORDER], unread))
    assert isinstance(verdict(f"{SEAM}.failures_leave_the_right_state", whole), Inconclusive)
    told = history(*instead(unseen().entries, answer(f"{STORY}/effect/LIVE", status, {})))
    assert isinstance(verdict(f"{SEAM}.a_change_is_sent", told), Inconclusive)
