"""The rules about the webhook where examples leave off: what accuses nobody, and what still accuses."""

import pytest

from harness.verdict import Held, Inconclusive, Violated
from tests.contracts.histories import NOW, answer, history, no_answer, verdict
from tests.contracts.webhook.examples import (
    LANGUAGES,
    NOTED,
    REPEATED,
    REPORTED,
    SENSELESS,
    STRANGERS,
    event,
    notes,
    refusals,
    repeated,
    reports,
    speech,
    update,
)

SEAM = "webhook"


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("signed_update_is_accepted", f"{REPORTED}/LIVE/update"),
        ("draft_gives_setup", f"{REPORTED}/DRAFT/update"),
        ("missing_signature_is_refused", f"{STRANGERS}/missing/empty"),
        ("unknown_event_is_not_found", f"{SENSELESS}/unknown event"),
        ("updates_by_php_are_applied", f"{LANGUAGES}/php/pretty/update"),
    ],
)
def test_a_network_that_fails_breaks_no_rule(name: str, step: str) -> None:
    stories = {REPORTED: reports, STRANGERS: refusals, SENSELESS: refusals, LANGUAGES: speech}
    failed = no_answer(step, operation="receiveEventStatusChanged")
    assert isinstance(verdict(f"{SEAM}.{name}", stories[step.partition("/")[0]](failed)), Inconclusive)


def test_a_rate_limit_that_strikes_breaks_no_rule() -> None:
    throttled = update(f"{STRANGERS}/other key/zeros", 429, {})
    assert isinstance(verdict(f"{SEAM}.wrong_signature_is_refused", refusals(throttled)), Inconclusive)


def test_a_ticketing_status_that_was_there_before_shows_no_mapping() -> None:
    seen = reports(event(f"{REPORTED}/live/before", "setup", "POSTPONED"))
    assert isinstance(verdict(f"{SEAM}.status_in_lower_case_gives_setup", seen), Inconclusive)


def test_an_event_that_cannot_be_read_is_another_rules_matter() -> None:
    seen = reports(answer(f"{REPORTED}/LIVE/after", 500, {}, operation="getEvent", method="GET"))
    assert isinstance(verdict(f"{SEAM}.live_gives_active", seen), Inconclusive)


def test_one_change_among_the_updates_shows_that_updates_change_the_event() -> None:
    seen = reports(event(f"{REPORTED}/LIVE/after", None), event(f"{REPORTED}/CANCELLED/after", "inactive"))
    assert isinstance(verdict(f"{SEAM}.an_update_changes_the_event", seen), Held)


@pytest.mark.parametrize("number", [2, "2"])
def test_the_number_of_hi_events_event_may_be_noted_as_text(number: object) -> None:
    seen = notes(event(f"{NOTED}/first/after", "active", "LIVE", hiEventsEventId=number))
    assert isinstance(verdict(f"{SEAM}.metadata_name_the_hi_events_event", seen), Held)


@pytest.mark.parametrize("number", [3, None, True, {"id": 2}])
def test_another_number_than_was_sent_breaks_the_rule(number: object) -> None:
    seen = notes(event(f"{NOTED}/first/after", "active", "LIVE", hiEventsEventId=number))
    assert isinstance(verdict(f"{SEAM}.metadata_name_the_hi_events_event", seen), Violated)


@pytest.mark.parametrize(
    "text",
    [
        "2025-07-25T14:30:00Z",
        "2025-07-25T14:30:00.000Z",
        "2025-07-25T14:30:00.123456Z",
        "2025-07-25T14:30:00+00:00",
    ],
)
def test_the_time_of_an_update_may_have_any_precision(text: str) -> None:
    seen = notes(event(f"{NOTED}/first/after", "active", "LIVE", hiEventsLastUpdated=text))
    assert isinstance(verdict(f"{SEAM}.metadata_tell_when", seen), Held)


@pytest.mark.parametrize(
    "text", ["2025-07-25T16:30:00.000Z", "2025-07-25T16:30:00+02:00", "25 July 2025", 1753453800, None]
)
def test_a_time_of_another_zone_or_form_breaks_the_rule(text: object) -> None:
    seen = notes(event(f"{NOTED}/first/after", "active", "LIVE", hiEventsLastUpdated=text))
    assert isinstance(verdict(f"{SEAM}.metadata_tell_when", seen), Violated)


def test_a_server_whose_clock_is_off_may_note_its_own_time() -> None:
    ahead = {"Date": "Fri, 25 Jul 2025 14:31:40 GMT"}
    taken = answer(
        f"{NOTED}/first/update", 200, {}, headers=ahead, sent=update("any").request_body, operation="any", at=NOW
    )
    read = event(f"{NOTED}/first/after", "active", "LIVE", at=NOW + 100)
    later = event(f"{NOTED}/second/after", "inactive", "CANCELLED", at=NOW + 103)
    second = update(f"{NOTED}/second/update", told="CANCELLED", at=NOW + 103)
    assert isinstance(verdict(f"{SEAM}.metadata_tell_when", notes(taken, read, second, later)), Held)


def test_a_front_may_refuse_an_unusual_signature_itself_but_nobody_may_accept_it() -> None:
    seen_as = ((401, Held), (400, Held), (431, Held), (200, Violated), (500, Violated), (502, Inconclusive))
    for status, wanted in seen_as:
        seen = refusals(update(f"{STRANGERS}/unusual/very long", status, {}))
        assert isinstance(verdict(f"{SEAM}.malformed_signature_is_refused", seen), wanted), status


def test_what_was_accepted_by_mistake_is_no_refusal_that_changed_something() -> None:
    tried = [update(f"{STRANGERS}/other key/another"), event(f"{STRANGERS}/base/event", "active", "LIVE")]
    seen = history(*tried, event(f"{STRANGERS}/afterwards", "inactive", "CANCELLED"))
    assert isinstance(verdict(f"{SEAM}.refused_updates_change_nothing", seen), Inconclusive)


def test_a_body_is_judged_by_the_change_that_it_makes_not_by_the_mapping() -> None:
    steps = [f"{LANGUAGES}/php/compact/after", f"{LANGUAGES}/php/pretty/after"]
    seen = speech(event(steps[0], "setup", "LIVE"), event(steps[1], "inactive", "CANCELLED"))
    assert isinstance(verdict(f"{SEAM}.updates_by_php_are_applied", seen), Held)


def test_a_repeated_update_may_be_refused_as_long_as_nothing_fails() -> None:
    told = [each for each in repeated() if each.step != f"{REPEATED}/live again"]
    seen = history(*told, update(f"{REPEATED}/live again", 409, {}))
    assert isinstance(verdict(f"{SEAM}.repeated_update_is_no_failure", seen), Held)


def test_a_date_out_of_all_measure_leaves_the_time_of_an_update_unchecked() -> None:
    absurd = {"Date": "Fri, 25 Jul 99999999999999999999 14:30:00 GMT"}
    body = {"id": "11", "contactData": {"hiEventsEventId": 2, "hiEventsLastUpdated": "2025-07-25T14:30:00Z"}}
    read = answer(f"{NOTED}/first/after", 200, body, operation="getEvent", method="GET", headers=absurd)
    assert isinstance(verdict(f"{SEAM}.metadata_tell_when", notes(read)), Held)
