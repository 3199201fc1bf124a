"""The webhook: what a rightly signed update does to the event."""

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.effects import state_of
from contracts.hi_events_delivery.seen import body_of, payload_of
from contracts.times import parse_http_date, parse_iso
from harness.history import Exchange, History
from harness.judging import (
    BrokenRuleError,
    UndecidedError,
    expect,
    expect_status,
    expect_success,
    held,
    json_object,
    numbers,
    shown,
)
from harness.requirement import MUST
from harness.verdict import Verdict, Violated

STORY, NOTED = "statuses_are_reported", "an_event_is_told_twice"
SECTION = "POST /api/webhooks/hi-events/event-status-changed (signature)"
WEBHOOK = ("receiveEventStatusChanged",)
READS = ("getEvent",)
_ACCEPTED = "webhook.signed_update_is_accepted"
_UNKNOWN_WORD = "webhook.an_unknown_word_gives_setup"
_NAMES_THE_EVENT = "webhook.metadata_name_the_hi_events_event"
_TOLERANCE = 5.0

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    story=STORY,
    operations=[*WEBHOOK, *READS],
    depends_on="webhook.an_update_changes_the_event",
)


def reading(history: History, step: str) -> Exchange:
    """The last reading of an event at a step; whether events can be read is another rule's matter."""
    found = history.one(step)
    if found.status != 200:
        raise UndecidedError(f"exchange {found.number} ({found.step}): the event could not be read ({found.status})")
    return found


def reading_before(history: History, update: Exchange) -> Exchange:
    """The last reading of the event before an update of the same story."""
    story = update.step.partition("/")[0]
    found = [each for each in history.every(story) if each.operation == "getEvent" and each.number < update.number]
    if not found:
        raise UndecidedError(f"the event was not read before exchange {update.number}")
    if found[-1].status != 200:
        raise UndecidedError(f"exchange {found[-1].number}: the event could not be read ({found[-1].status})")
    return found[-1]


def ticketing_of(event: Exchange) -> object:
    """The ticketing status in a reading."""
    return state_of(json_object(event))[0]


@rule(
    quote='200 `{"success": true, "message": "..."}`.',
    settles="C-TA-14",
    operations=WEBHOOK,
    depends_on=(),
    next_step="Compare the shared secrets of both sides, and that the signature is verified over the raw body.",
)
def signed_update_is_accepted(history: History) -> Verdict:
    """tuvens-api accepts a rightly signed status update of an event."""
    return held(expect_success(history.one(f"{STORY}/LIVE/update")))


@rule(
    section="Where the sources disagree, and the ruling",
    quote="200; 201 is a declared deviation",
    settles="C-TA-14",
    operations=WEBHOOK,
    depends_on=_ACCEPTED,
)
def accepted_update_is_answered_200(history: History) -> Verdict:
    """tuvens-api answers 200 to a status update that it accepts."""
    return held(expect_status(history.one(f"{STORY}/LIVE/update"), 200))


@rule(quote='200 `{"success": true, "message": "..."}`.', settles="C-TA-14", operations=WEBHOOK, depends_on=_ACCEPTED)
def accepted_update_is_called_a_success(history: History) -> Verdict:
    """tuvens-api answers an accepted status update with success true and a message."""
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
    """tuvens-api changes the event's ticketing status after a status update that it accepts."""
    looked_at = []
    for update in history.every(STORY):
        status, _, kind = update.step.removeprefix(f"{STORY}/").partition("/")
        if kind != "update" or not 200 <= (update.status or 0) < 300:
            continue
        before, after = reading_before(history, update), reading(history, f"{STORY}/{status}/after")
        if ticketing_of(after) != ticketing_of(before):
            return held((before, update, after))
        looked_at.append(after)
    if not looked_at:
        raise UndecidedError("no update was accepted")
    observed = f"ticketing_status {ticketing_of(looked_at[0])!r} throughout {len(looked_at)} updates"
    raise BrokenRuleError(Violated("another ticketing_status after an update", observed, numbers(looked_at)))


def _gives(history: History, status: str, wanted: str) -> tuple[Exchange, Exchange, Exchange]:
    """Before the update the event had another ticketing status, after it the wanted one."""
    update = expect_success(history.one(f"{STORY}/{status}/update"))
    before, after = reading_before(history, update), reading(history, f"{STORY}/{status}/after")
    found = ticketing_of(after)
    expect(
        found == wanted,
        expected=f"ticketing_status {wanted} after {status}",
        observed=f"ticketing_status {found!r}, {ticketing_of(before)!r} before",
        at=(after, update),
    )
    if ticketing_of(before) == wanted:
        raise UndecidedError(f"the event had ticketing_status {wanted} before {status} came, so no change was seen")
    return before, update, after


@rule(quote="| LIVE | active |", settles="C-TA-16")
def live_gives_active(history: History) -> Verdict:
    """tuvens-api sets the ticketing status active when an event goes LIVE."""
    return held(_gives(history, "LIVE", "active"))


@rule(quote="| DRAFT | setup |", settles="C-TA-17")
def draft_gives_setup(history: History) -> Verdict:
    """tuvens-api sets the ticketing status setup when an event becomes a DRAFT."""
    return held(_gives(history, "DRAFT", "setup"))


@rule(quote="| CANCELLED | inactive |", settles="C-TA-18")
def cancelled_gives_inactive(history: History) -> Verdict:
    """tuvens-api sets the ticketing status inactive when an event is CANCELLED."""
    return held(_gives(history, "CANCELLED", "inactive"))


@rule(quote="| ENDED | inactive |", settles="C-TA-19")
def ended_gives_inactive(history: History) -> Verdict:
    """tuvens-api sets the ticketing status inactive when an event has ENDED."""
    return held(_gives(history, "ENDED", "inactive"))


@rule(quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |", settles="C-TA-20")
def an_unknown_word_gives_setup(history: History) -> Verdict:
    """tuvens-api accepts a status that it does not know, and sets the ticketing status setup."""
    return held(_gives(history, "POSTPONED", "setup"))


@rule(
    quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |",
    settles="C-TA-20",
    depends_on=_UNKNOWN_WORD,
)
def archived_gives_setup(history: History) -> Verdict:
    """tuvens-api sets the ticketing status setup when an event is ARCHIVED."""
    return held(_gives(history, "ARCHIVED", "setup"))


@rule(quote="| anything else (ARCHIVED, which upstream Hi.Events has, too) | setup |", depends_on=_UNKNOWN_WORD)
def status_in_lower_case_gives_setup(history: History) -> Verdict:
    """tuvens-api takes live for a status that it does not know: LIVE is the word."""
    return held(_gives(history, "live", "setup"))


_UPDATES = (("first", "LIVE"), ("second", "CANCELLED"))


@rule(
    quote="Effect on the event: the ticketing status, and `contactData.hiEventsEventId` (2)",
    story=NOTED,
    settles="C-TA-21",
)
def metadata_name_the_hi_events_event(history: History) -> Verdict:
    """tuvens-api notes in contactData.hiEventsEventId which event of hi.events an update was about."""
    looked_at = []
    for step, _ in _UPDATES:
        update = expect_success(history.one(f"{NOTED}/{step}/update"))
        number = payload_of(update.request_body).get("id")
        after = reading(history, f"{NOTED}/{step}/after")
        found = _noted(after).get("hiEventsEventId")
        expect(
            str(found) == str(number),
            expected=f"contactData.hiEventsEventId {number}, as sent",
            observed=_observed(after, "hiEventsEventId"),
            at=(after, update),
        )
        looked_at += [update, after]
    return held(looked_at)


@rule(
    quote="Effect on the event: the ticketing status, and `contactData.hiEventsEventId` (2)",
    story=NOTED,
    settles="C-TA-21",
    depends_on=_NAMES_THE_EVENT,
)
def metadata_name_the_status(history: History) -> Verdict:
    """tuvens-api notes in contactData.hiEventsStatus the status as hi.events sent it."""
    looked_at = []
    for step, status in _UPDATES:
        update = expect_success(history.one(f"{NOTED}/{step}/update"))
        after = reading(history, f"{NOTED}/{step}/after")
        expect(
            _noted(after).get("hiEventsStatus") == status,
            expected=f"contactData.hiEventsStatus {status}, as sent",
            observed=_observed(after, "hiEventsStatus"),
            at=(after, update),
        )
        looked_at += [update, after]
    return held(looked_at)


@rule(quote="`contactData.hiEventsLastUpdated` (ISO time)", story=NOTED, settles="C-TA-21", depends_on=_NAMES_THE_EVENT)
def metadata_tell_when(history: History) -> Verdict:
    """tuvens-api notes in contactData.hiEventsLastUpdated when an update was processed or sent, and moves it forward
    with the next one."""
    times = []
    looked_at = []
    for step, _ in _UPDATES:
        update = expect_success(history.one(f"{NOTED}/{step}/update"))
        after = reading(history, f"{NOTED}/{step}/after")
        noted = _time(_noted(after).get("hiEventsLastUpdated"))
        expect(
            noted is not None,
            expected="contactData.hiEventsLastUpdated in ISO 8601, UTC, with Z",
            observed=_observed(after, "hiEventsLastUpdated"),
            at=after,
        )
        assert noted is not None
        sent = _time(body_of(update).get("event_sent_at"))
        start, end = _date(update), _date(after)
        if start is not None and end is not None:
            processed = start - update.seconds - _TOLERANCE <= noted <= end + _TOLERANCE
            expect(
                processed or (sent is not None and abs(noted - sent) <= 1),
                expected="the time of processing, or event_sent_at",
                observed=f"{_observed(after, 'hiEventsLastUpdated')}, while Date says {after.header('date')}",
                at=(after, update),
            )
        times.append(noted)
        looked_at += [update, after]
    first, second = (_observed(each, "hiEventsLastUpdated") for each in (looked_at[1], looked_at[3]))
    expect(
        times[1] > times[0],
        expected="a later contactData.hiEventsLastUpdated after the second update",
        observed=f"{first}, then {second}",
        at=(looked_at[3], looked_at[1]),
    )
    return held(looked_at)


def _noted(event: Exchange) -> dict[str, object]:
    contact = json_object(event).get("contactData")
    return contact if isinstance(contact, dict) else {}


def _observed(event: Exchange, name: str) -> str:
    contact = json_object(event).get("contactData")
    if not isinstance(contact, dict):
        return f"contactData is {contact!r}"[:160]
    return f"{name} is {contact.get(name)!r}"[:160]


def _time(value: object) -> float | None:
    try:
        return parse_iso(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _date(exchange: Exchange) -> float | None:
    return parse_http_date(exchange.header("date"))
