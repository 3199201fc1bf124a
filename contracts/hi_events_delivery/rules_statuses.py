"""Events of hi.events and the statuses that they can be set to."""

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.observations import BY_EFFECT, NAMES_NONE, SECTION, STORY, deliveries, event_ids
from contracts.hi_events_session.wire import event_of
from contracts.status_changes import WEBHOOK, event_reading, reported_status, state_in
from harness.expectations import (
    LackingError,
    expect,
    expect_status,
    expect_success,
    held,
    json_object,
    let_through,
    shown,
)
from harness.fronts import media_type
from harness.history import History
from harness.requirement import MUST, Judge
from harness.verdict import Verdict

_CAN_CHANGE = "hi_events_delivery.status_can_be_changed"

rule = RuleFamily(
    level=MUST, obliged="hi.events", section=SECTION, story=STORY, operations="setEventStatus", needs="linked-event"
)


@rule(
    quote="GET /events/{id} (bearer) reads one: id, title, status, tuvens_event_id",
    operations=(),
    depends_on="hi_events_session.accepts_a_live_session",
)
def an_event_names_its_tuvens_event(history: History) -> Verdict:
    """hi.events returns the id of the Tuvens event for a linked event: in a field or among the attributes."""
    _, tuvens_event = event_ids(history)
    reading = let_through(history.one(f"{STORY}/prepare/read"))
    if reading.status in (404, 405) or media_type(reading) == "text/html":
        raise LackingError("hi.events does not serve GET /events/{id}")
    found = event_of(json_object(expect_success(reading))).get("tuvens_event_id")
    expect(
        str(found) == tuvens_event,
        expected=f"tuvens_event_id {tuvens_event}",
        observed=f"tuvens_event_id is {found!r}"[:120],
        at=reading,
        check=NAMES_NONE if found is None else "",
    )
    return held(reading)


@rule(
    quote='PUT /events/{id}/status (bearer) `{"status": "LIVE"}` (DRAFT, LIVE, CANCELLED, ENDED, ARCHIVED',
    depends_on="hi_events_session.accepts_a_live_session",
)
def status_can_be_changed(history: History) -> Verdict:
    """hi.events lets an organiser set an event of their own account to LIVE and to DRAFT."""
    return held([expect_success(history.one(f"{STORY}/change/{status}")) for status in ("LIVE", "DRAFT")])


def _can_be_set(status: str) -> Judge:
    def judge(history: History) -> Verdict:
        changed = history.one(f"{STORY}/change/{status}")
        known, check = changed.status != 422, "a documented status is refused"
        expect(known, expected="success (2xx)", observed=shown(changed), at=changed, check=check)
        return held(expect_success(changed))

    return judge


for _status in ("CANCELLED", "ENDED", "ARCHIVED"):
    rule(
        id=f"hi_events_delivery.{_status.lower()}_can_be_set",
        statement=f"hi.events lets an organiser set an event of their own account to {_status}.",
        quote="breaks only the rules about that status",
        depends_on=_CAN_CHANGE,
        next_step="Add the status to the enumeration; all other rules use the statuses that hi.events supports.",
    )(_can_be_set(_status))


@rule(quote="(DRAFT, LIVE, CANCELLED, ENDED, ARCHIVED; else 422)", depends_on=_CAN_CHANGE)
def unknown_status_is_refused(history: History) -> Verdict:
    """hi.events returns 422 for a change of an event's status to an unknown status."""
    return held(expect_status(history.one(f"{STORY}/unknown status"), 422))


@rule(
    operations=["setEventStatus", WEBHOOK],
    quote="(DRAFT, LIVE, CANCELLED, ENDED, ARCHIVED; else 422)",
    depends_on=["hi_events_delivery.a_change_is_sent", "hi_events_delivery.unknown_status_is_refused"],
)
def refused_status_is_not_sent(history: History) -> Verdict:
    """hi.events sends no webhook to tuvens-api about a status that it rejected."""
    found = deliveries(history, f"{STORY}/deliveries")
    refused = history.observation(f"{STORY}/event").values["refused"]
    if found is None:
        readings = [event_reading(history, each.step) for each in history.every(f"{STORY}/effect")]
        applied = any(state_in(each).reported == refused for each in readings)
        expect(not applied, expected=f"no {refused}", observed=f"tuvens-api received {refused}", at=readings)
        return held(readings[-1], BY_EFFECT)
    for each in found:
        reported = reported_status(each)
        expect(reported != refused, expected=f"no webhook that reports {refused}", observed="one arrived", at=each)
    return held(found)
