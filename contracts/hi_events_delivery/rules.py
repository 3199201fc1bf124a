"""Status changes at hi.events, and the webhooks that report them to tuvens-api."""

import re

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.observations import (
    BY_EFFECT,
    CLOSE,
    RECEIVER,
    SECTION,
    STORY,
    deliveries,
    distinct,
    event_ids,
    observed_by,
    seen_deliveries,
    steps,
    visible_effects,
    watched,
)
from contracts.status_changes import (
    WEBHOOK,
    contact_data,
    reported_status,
    webhook_payload,
)
from contracts.times import iso_or_none, parse_http_date
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    UnseenError,
    answered,
    awake,
    expect,
    held,
)
from harness.history import Exchange, History
from harness.http import header, object_or_empty
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

_CAN_CHANGE = "hi_events_delivery.status_can_be_changed"
# Seconds that are surely no delay, but another time zone.
_OFF = 300.0
_SECRET = re.compile(r"<(session-token|bearer|jwt|shared-secret)(:[0-9a-f]{8})?>")

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SECTION,
    story=STORY,
    operations=["setEventStatus", WEBHOOK],
    needs="linked-event",
    depends_on="hi_events_delivery.a_change_is_sent",
)


@rule(
    quote="changes an event, and sends tuvens-api the webhook above, signed.",
    settles="C-HE-13",
    depends_on=_CAN_CHANGE,
    next_step="Check that hi.events' queue worker is running and has tuvens-api's URL and the same shared secret.",
)
def a_change_is_sent(history: History) -> Verdict:
    """hi.events sends a webhook to tuvens-api when an event's status changes."""
    found = deliveries(history, f"{STORY}/deliveries")
    if found:
        return held(found)
    changed = history.one(f"{STORY}/change/LIVE")
    if found is None:
        effects = visible_effects(history)
        if effects:
            return held(effects, BY_EFFECT)
        ours = answered(history.one(f"{STORY}/rightly signed"))
        if not ours.is_success:
            raise UndecidedError(f"tuvens-api also returns {ours.status} for crossapp's correctly signed webhook")
        last = history.every(f"{STORY}/effect")[-1]
        awake(history, changed.started, last.started + last.seconds)
        raise BrokenRuleError(
            "tuvens-api's event follows one of the changes",
            "it follows none of them within some seconds",
            (changed, history.one(f"{STORY}/effect/LIVE")),
        )
    if observed_by(history, f"{STORY}/deliveries") == RECEIVER and visible_effects(history):
        raise UndecidedError(
            "tuvens-api's event follows the changes, but no webhook reached crossapp's receiver: configure the "
            "receiver's url as the webhook address of hi.events"
        )
    awake(history, *watched(history, f"{STORY}/deliveries"))
    raise BrokenRuleError("a webhook to tuvens-api", "none within some seconds", changed)


@rule(
    quote="changes an event, and sends tuvens-api the webhook above, signed.",
    story=[STORY, CLOSE, "event_goes_live", "deliveries_fail"],
    settles="C-HE-13",
    next_step="Sign exactly the bytes that are sent: sha256=<lower-case hex HMAC-SHA256>, keyed by the shared secret.",
    security=True,
)
def deliveries_are_signed(history: History) -> Verdict:
    """hi.events signs every webhook: the signature header is correct for exactly the bytes that are sent."""
    if observed_by(history, f"{STORY}/deliveries") is not None:
        found = [each for each in history.exchanges(WEBHOOK) if each.facts.get("delivery")]
        for each in found:
            expect(
                bool(each.facts.get("signature_valid")),
                expected="x-hi-events-signature: sha256=<HMAC-SHA256 of the body>",
                observed=f"another value; tuvens-api returned {each.facts.get('answered')}",
                at=each,
            )
        if not found:
            raise UnseenError("the run has no delivery")
        return held(found[:6], f"{len(found)} deliveries")
    forged = answered(history.one(f"{STORY}/wrongly signed"))
    if forged.status != 401:
        raise UndecidedError(
            f"tuvens-api returns {forged.status} for a wrong signature, so an accepted webhook proves nothing"
        )
    effects = visible_effects(history)
    if not effects:
        raise UndecidedError("tuvens-api accepted no delivery, and the deliveries themselves cannot be observed")
    return held([*effects[:4], forged], "tuvens-api accepted them, and rejects a wrongly signed one")


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote='{"event_type": "event.status_changed", "event_sent_at": "2025-07-25T14:30:00.000Z"',
    settles="C-HE-13",
    next_step="Build the body from the event as it is after the change, with the time in UTC.",
)
def deliveries_tell_the_change(history: History) -> Verdict:
    """hi.events' webhook contains event_type, event_sent_at, and the event's id, title, new status and
    tuvens_event_id."""
    hi_event, tuvens_event = event_ids(history)
    found = deliveries(history, f"{STORY}/deliveries")
    if found is None:
        return _metadata_name_the_event(history, hi_event)
    for each in found:
        problem = _body_problem(each, hi_event, tuvens_event)
        expect(not problem, expected="the body that the contract defines", observed=problem, at=each)
        _expect_present_time(history, each)
    once, changes = distinct(found), [status for _, status in steps(history)]
    if len(once) == len(changes):
        for each, status in zip(once, changes, strict=True):
            expect(
                reported_status(each) == status,
                expected=f"status {status}, as the event was set",
                observed=f"status {reported_status(each)}",
                at=each,
            )
    return held(found)


def _expect_present_time(history: History, delivery: Exchange) -> None:
    """A webhook is dated when its change was made, by the clock of hi.events: one that is dated ahead makes later ones
    stale."""
    dates = [parse_http_date(each.header("date")) for each in history.every(f"{STORY}/change")]
    known = [each for each in dates if each is not None]
    sent_at = object_or_empty(delivery.request_body).get("event_sent_at")
    at = iso_or_none(sent_at)
    if known and at is not None:
        expect(
            min(known) - _OFF <= at <= max(known) + _OFF,
            expected="event_sent_at, the time of the change in UTC",
            observed=f"event_sent_at is {sent_at}, {abs(at - known[-1]):.0f} s from the Date of hi.events' responses",
            at=delivery,
        )


def _metadata_name_the_event(history: History, hi_event: str) -> Verdict:
    """Judges tuvens-api's event instead of deliveries; that it follows every change is a rule of its own."""
    effects = visible_effects(history)
    if not effects:
        raise UndecidedError("tuvens-api's event follows no change, and the deliveries themselves cannot be observed")
    for each in effects:
        number = contact_data(each).get("hiEventsEventId")
        expect(
            number is None or str(number) == hi_event,
            expected=f"payload.id {hi_event}",
            observed=f"tuvens-api received {number!r}"[:120],
            at=each,
        )
    return held(effects, BY_EFFECT)


def _body_problem(exchange: Exchange, hi_event: str, tuvens_event: str) -> str:
    """What is wrong with a delivery's body; empty if nothing is."""
    body, payload = object_or_empty(exchange.request_body), webhook_payload(exchange.request_body)
    event_type, sent_at = body.get("event_type"), body.get("event_sent_at")
    number, title, status, tuvens = (payload.get(name) for name in ("id", "title", "status", "tuvens_event_id"))
    checks = (
        (event_type == "event.status_changed", f"event_type is {event_type!r}"),
        (iso_or_none(sent_at) is not None, f"event_sent_at is {sent_at!r}, not an ISO 8601 time in UTC"),
        (type(number) is int and str(number) == hi_event, f"payload.id is {number!r}, not {hi_event}"),
        (isinstance(title, str), f"payload.title is {title!r}, not text"),
        (tuvens == tuvens_event, f"payload.tuvens_event_id is {tuvens!r}, not {tuvens_event!r}"),
        (isinstance(status, str) and status != "", f"payload.status is {status!r}"),
    )
    return next((problem[:120] for fits, problem in checks if not fits), "")


@rule(
    level=SHOULD,
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote='{"event_type": "event.status_changed", "event_sent_at": "2025-07-25T14:30:00.000Z"',
)
def deliveries_are_sent_as_json(history: History) -> Verdict:
    """hi.events sends webhooks with Content-Type application/json, with or without parameters."""
    found = seen_deliveries(history, f"{STORY}/deliveries")
    for each in found:
        media_type = header(each.request_headers, "content-type")
        expect(
            media_type is not None and media_type.partition(";")[0].strip().lower() == "application/json",
            expected="Content-Type: application/json",
            observed="no Content-Type" if media_type is None else f"Content-Type: {media_type}"[:120],
            at=each,
        )
    return held(found)


@rule(
    level=SHOULD,
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote='"payload": {"id": 2, "title": "Event Title", "status": "LIVE", "tuvens_event_id": "11"}}',
    next_step="Remove the field from the webhook: data in queues, logs and dumps is not secret.",
    security=True,
)
def deliveries_carry_no_secret(history: History) -> Verdict:
    """hi.events sends no session token, JWT, bearer token or shared secret in a webhook's body."""
    found = seen_deliveries(history, f"{STORY}/deliveries")
    for each in found:
        leak = _SECRET.search(each.request_body.decode("utf-8", "replace"))
        expect(leak is None, expected="no secret", observed=f"a {leak[1] if leak else ''} in the body", at=each)
    return held(found)
