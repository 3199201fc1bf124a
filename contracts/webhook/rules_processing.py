"""The webhook: the effect of a correctly signed update on the event."""

from contracts.catalogue import RuleFamily
from contracts.status_changes import (
    WEBHOOK,
    contact_data,
    event_reading,
    event_reading_before,
    readable,
    state_in,
    webhook_payload,
)
from contracts.times import iso_or_none, parse_http_date
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    awake,
    expect,
    expect_arrival,
    expect_status,
    expect_success,
    held,
    json_object,
    numbers,
    shown,
)
from harness.history import Exchange, History
from harness.http import object_or_empty
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

STORY, NOTED = "statuses_are_reported", "an_event_is_told_twice"
SECTION = "POST /api/webhooks/hi-events/event-status-changed (signature)"
_ACCEPTED = "webhook.signed_update_is_accepted"
_UNKNOWN_WORD = "webhook.an_unknown_word_gives_setup"
_NAMES_THE_EVENT = "webhook.metadata_name_the_hi_events_event"
_TOLERANCE = 5.0

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    story=STORY,
    operations=[WEBHOOK, "getEvent"],
    depends_on="webhook.an_update_changes_the_event",
)


@rule(
    quote='200 `{"success": true, "message": "..."}`.',
    settles="C-TA-14",
    operations=WEBHOOK,
    depends_on=(),
    next_step="Check that both sides have the same shared secret and that the signature is verified over the raw body.",
)
def signed_update_is_accepted(history: History) -> Verdict:
    """tuvens-api accepts a correctly signed status update of an event."""
    return held(expect_success(history.one(f"{STORY}/LIVE/update")))


@rule(
    section="Where the sources disagree, and the ruling",
    quote="200; 201 is a declared deviation",
    settles="C-TA-14",
    operations=WEBHOOK,
    depends_on=_ACCEPTED,
)
def accepted_update_is_answered_200(history: History) -> Verdict:
    """tuvens-api returns 200 for a status update that it accepts."""
    return held(expect_status(history.one(f"{STORY}/LIVE/update"), 200))


@rule(quote='200 `{"success": true, "message": "..."}`.', settles="C-TA-14", operations=WEBHOOK, depends_on=_ACCEPTED)
def accepted_update_is_called_a_success(history: History) -> Verdict:
    """tuvens-api returns success true and a message for a status update that it accepts."""
    answer = expect_success(history.one(f"{STORY}/LIVE/update"))
    value = json_object(answer)
    fits = value.get("success") is True and isinstance(value.get("message"), str)
    expect(fits, expected="success true and a message", observed=shown(answer), at=answer)
    return held(answer)


@rule(
    quote="Effect on the event: the ticketing status, and `contactData.hiEventsEventId` (2)",
    settles="C-TA-14",
    depends_on=[_ACCEPTED, "tuvens_event.an_event_is_read"],
)
def an_update_changes_the_event(history: History) -> Verdict:
    """tuvens-api changes the event's ticketing status after it accepts a status update."""
    readings = []
    for update in history.every(STORY):
        status, _, kind = update.step.removeprefix(f"{STORY}/").partition("/")
        if kind != "update" or not update.is_success:
            continue
        before, after = event_reading_before(history, update), event_reading(history, f"{STORY}/{status}/after")
        if state_in(after).ticketing != state_in(before).ticketing:
            return held((before, update, after))
        awake(history, update.started, after.started + after.seconds)
        readings.append(after)
    if not readings:
        raise UndecidedError("no update was accepted")
    observed = f"ticketing_status {state_in(readings[0]).ticketing!r} throughout {len(readings)} updates"
    raise BrokenRuleError("another ticketing_status after an update", observed, numbers(readings))


@rule(
    level=SHOULD,
    quote="Effect on the event: the ticketing status, and `contactData.hiEventsEventId` (2)",
    settles=(),
    next_step="Return 200 only after the change is committed: hi.events does not resend an acknowledged update.",
)
def acknowledged_update_can_be_read(history: History) -> Verdict:
    """tuvens-api returns 200 for a status update only after it has changed the event: an immediate read shows the new
    state."""
    seen: list[Exchange] = []
    for update in history.every(STORY):
        status, _, kind = update.step.removeprefix(f"{STORY}/").partition("/")
        if kind != "update" or not update.is_success:
            continue
        step = f"{STORY}/{status}/after"
        first, last = readable(history.every(step)[0]), event_reading(history, step)
        if first.header("age") not in (None, "0"):
            raise UndecidedError(f"a cache responded in exchange {first.number}")
        was, became = state_in(first).ticketing, state_in(last).ticketing
        expect(
            was == became,
            expected=f"ticketing_status {became!r} right after {status} returned {update.status}",
            observed=f"{was!r}; {became!r} after {last.started - first.started:.1f} s",
            at=(first, update, last),
        )
        seen += [update, first]
    return held(seen)


def _results_in(history: History, status: str, ticketing: str) -> Verdict:
    """Before the update the event had another ticketing status, after it this one."""
    update = expect_success(history.one(f"{STORY}/{status}/update"))
    before, after = event_reading_before(history, update), event_reading(history, f"{STORY}/{status}/after")
    was, found = state_in(before).ticketing, state_in(after).ticketing
    if found == was != ticketing and state_in(after).reported != status:
        awake(history, update.started, after.started + after.seconds)
    expect(
        found == ticketing,
        expected=f"ticketing_status {ticketing} after {status}",
        observed=f"ticketing_status {found!r}, {was!r} before",
        at=(after, update),
    )
    if was == ticketing:
        raise UndecidedError(
            f"the event had ticketing_status {ticketing} before {status} arrived: no change was visible"
        )
    return held((before, update, after))


@rule(quote="| LIVE | active |", settles="C-TA-16")
def live_gives_active(history: History) -> Verdict:
    """tuvens-api sets the ticketing status to active when an event goes LIVE."""
    return _results_in(history, "LIVE", "active")


@rule(quote="| DRAFT | setup |", settles="C-TA-17")
def draft_gives_setup(history: History) -> Verdict:
    """tuvens-api sets the ticketing status to setup when an event becomes a DRAFT."""
    return _results_in(history, "DRAFT", "setup")


@rule(quote="| CANCELLED | inactive |", settles="C-TA-18")
def cancelled_gives_inactive(history: History) -> Verdict:
    """tuvens-api sets the ticketing status to inactive when an event is CANCELLED."""
    return _results_in(history, "CANCELLED", "inactive")


@rule(quote="| ENDED | inactive |", settles="C-TA-19")
def ended_gives_inactive(history: History) -> Verdict:
    """tuvens-api sets the ticketing status to inactive when an event has ENDED."""
    return _results_in(history, "ENDED", "inactive")


@rule(quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |", settles="C-TA-20")
def an_unknown_word_gives_setup(history: History) -> Verdict:
    """tuvens-api accepts an unknown status and sets the ticketing status to setup."""
    return _results_in(history, "POSTPONED", "setup")


@rule(
    quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |",
    settles="C-TA-20",
    depends_on=_UNKNOWN_WORD,
)
def archived_gives_setup(history: History) -> Verdict:
    """tuvens-api sets the ticketing status to setup when an event is ARCHIVED."""
    return _results_in(history, "ARCHIVED", "setup")


@rule(quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |", depends_on=_UNKNOWN_WORD)
def status_in_lower_case_gives_setup(history: History) -> Verdict:
    """tuvens-api treats live in lower case as an unknown status, and sets the ticketing status to setup."""
    return _results_in(history, "live", "setup")


def _updates(history: History) -> list[tuple[Exchange, Exchange]]:
    """Each accepted update of the story, and the event read after it."""
    return [
        (expect_success(history.one(f"{NOTED}/{step}/update")), event_reading(history, f"{NOTED}/{step}/after"))
        for step in ("first", "second")
    ]


def _expect_as_sent(history: History, name: str, sent_as: str) -> Verdict:
    """A field of contactData has the value that the update's payload had."""
    updates = _updates(history)
    for update, after in updates:
        sent = webhook_payload(update.request_body).get(sent_as)
        expect_arrival(
            history,
            str(contact_data(after).get(name)) == str(sent),
            expected=f"contactData.{name} {sent}, as sent",
            observed=_observed(after, name),
            at=(after, update),
            since=update.started,
            until=after.started + after.seconds,
        )
    return held([each for both in updates for each in both])


noting_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    quote="Effect on the event: the ticketing status, and `contactData.hiEventsEventId` (2)",
    story=NOTED,
    settles="C-TA-21",
    operations=[WEBHOOK, "getEvent"],
    depends_on=_NAMES_THE_EVENT,
)


@noting_rule(depends_on="webhook.an_update_changes_the_event")
def metadata_name_the_hi_events_event(history: History) -> Verdict:
    """tuvens-api stores in contactData.hiEventsEventId the id of the hi.events event that an update is about."""
    return _expect_as_sent(history, "hiEventsEventId", "id")


@noting_rule()
def metadata_name_the_status(history: History) -> Verdict:
    """tuvens-api stores in contactData.hiEventsStatus the status exactly as hi.events sent it."""
    return _expect_as_sent(history, "hiEventsStatus", "status")


@noting_rule(quote="`contactData.hiEventsLastUpdated` (ISO time)")
def metadata_tell_when(history: History) -> Verdict:
    """tuvens-api stores in contactData.hiEventsLastUpdated when an update was processed or sent, and moves it forward
    with the next update."""
    updates = _updates(history)
    times = [_last_updated(update, after) for update, after in updates]
    (_, first), (_, second) = updates
    if contact_data(second).get("hiEventsStatus") == contact_data(first).get("hiEventsStatus"):
        awake(history, updates[1][0].started, second.started + second.seconds)
    expect(
        times[1] > times[0],
        expected="a later contactData.hiEventsLastUpdated after the second update",
        observed=f"{_observed(first, 'hiEventsLastUpdated')}, then {_observed(second, 'hiEventsLastUpdated')}",
        at=(second, first),
    )
    return held([each for both in updates for each in both])


def _last_updated(update: Exchange, after: Exchange) -> float:
    """The hiEventsLastUpdated of an event in Unix seconds: about when the update was processed, or its event_sent_at.
    Raises BrokenRuleError if it is neither."""
    noted = iso_or_none(contact_data(after).get("hiEventsLastUpdated"))
    observed = _observed(after, "hiEventsLastUpdated")
    expect(
        noted is not None,
        expected="contactData.hiEventsLastUpdated in ISO 8601, in UTC",
        observed=observed,
        at=after,
    )
    assert noted is not None
    sent = iso_or_none(object_or_empty(update.request_body).get("event_sent_at"))
    start, end = parse_http_date(update.header("date")), parse_http_date(after.header("date"))
    if start is not None and end is not None:
        processed = start - update.seconds - _TOLERANCE <= noted <= end + _TOLERANCE
        expect(
            processed or (sent is not None and abs(noted - sent) <= 1),
            expected="the time of processing, or event_sent_at",
            observed=f"{observed}, while Date says {after.header('date')}",
            at=(after, update),
        )
    return noted


def _observed(event: Exchange, name: str) -> str:
    contact = json_object(event).get("contactData")
    if not isinstance(contact, dict):
        return f"contactData is {contact!r}"[:160]
    return f"{name} is {contact.get(name)!r}"[:160]
