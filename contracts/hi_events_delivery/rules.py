"""Status changes at hi.events, and the webhooks that report them to tuvens-api."""

import re
from collections import Counter

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.observations import (
    RECEIVER,
    UNSEEN,
    deliveries,
    distinct,
    observed_by,
    seen_deliveries,
    watched,
)
from contracts.status_changes import (
    TICKETING,
    WEBHOOK,
    contact_data,
    event_reading,
    is_about,
    reported_status,
    shows_status,
    stream_message,
    webhook_payload,
)
from contracts.times import iso_or_none
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    UnseenError,
    answered,
    awake,
    expect,
    expect_arrival,
    held,
    let_through,
    shown,
)
from harness.history import Exchange, History, NothingObservedError
from harness.http import header, object_or_empty
from harness.requirement import MUST, SHOULD
from harness.verdict import Blocked, Verdict

SECTION = "Events and outgoing webhooks"
STORY = "statuses_are_changed"
CLOSE = "changes_follow_closely"
STATUSES = ("LIVE", "CANCELLED", "DRAFT", "ENDED", "ARCHIVED")
"""The statuses that an event is set to, in this order: each results in another ticketing status than the one before.
A deployment may not know all of them; `steps` are the changes that it made."""

_CAN_CHANGE = "hi_events_delivery.status_can_be_changed"
_SENT = "hi_events_delivery.a_change_is_sent"
_SIGNED = "hi_events_delivery.deliveries_are_signed"
_TELLS = "hi_events_delivery.deliveries_tell_the_change"
_REPORTED = "statuses_are_reported"
_GIVES = {
    "LIVE": "webhook.live_gives_active",
    "DRAFT": "webhook.draft_gives_setup",
    "CANCELLED": "webhook.cancelled_gives_inactive",
    "ENDED": "webhook.ended_gives_inactive",
    "ARCHIVED": "webhook.archived_gives_setup",
}
_BY_EFFECT = "as tuvens-api's event shows"
_SECRET = re.compile(r"<(session-token|bearer|jwt|shared-secret)(:[0-9a-f]{8})?>")

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SECTION,
    story=STORY,
    operations=["setEventStatus", WEBHOOK],
    needs="linked-event",
    depends_on=_SENT,
)


def event_ids(history: History, story: str = STORY) -> tuple[str, str]:
    """The ids of the story's event at hi.events and at tuvens-api."""
    values = history.observation(f"{story}/event").values
    return str(values["hi"]), str(values["tuvens"])


def _effect(history: History, step: str, status: str) -> Exchange | None:
    """The last reading of the event at tuvens-api after a change; None if it does not show the status."""
    reading = event_reading(history, f"{STORY}/effect/{step}")
    return reading if shows_status(object_or_empty(reading.response_body), status) else None


def _effects(history: History) -> list[Exchange]:
    """The readings that show a change, without DRAFT and ARCHIVED, which leave an event as it was at the beginning."""
    found = (_effect(history, step, status) for step, status in steps(history) if TICKETING[status] != "setup")
    return [each for each in found if each is not None]


def steps(history: History) -> list[tuple[str, str]]:
    """(step, status) of each change that hi.events made, in order; those that it refused are left out, for a deployment
    may not know every status."""
    asked = [each for each in history.every(f"{STORY}/change") if each.is_success]
    statuses = [object_or_empty(each.request_body).get("status") for each in asked]
    return [
        (each.step.removeprefix(f"{STORY}/change/"), str(status))
        for each, status in zip(asked, statuses, strict=True)
        if status in TICKETING
    ]


def _changes(history: History) -> list[str]:
    """The statuses that the event was set to, in order."""
    return [status for _, status in steps(history)]


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
        effects = _effects(history)
        if effects:
            return held(effects, _BY_EFFECT)
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
    if observed_by(history, f"{STORY}/deliveries") == RECEIVER and _effects(history):
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
    effects = _effects(history)
    if not effects:
        raise UndecidedError("tuvens-api accepted no delivery, and the deliveries themselves cannot be observed")
    return held([*effects[:4], forged], "tuvens-api accepted them, and rejects a wrongly signed one")


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote='{"event_type": "event.status_changed", "event_sent_at": "2025-07-25T14:30:00.000Z"',
    settles="C-HE-13",
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
    once, changes = distinct(found), _changes(history)
    if len(once) == len(changes):
        for each, status in zip(once, changes, strict=True):
            expect(
                reported_status(each) == status,
                expected=f"status {status}, as the event was set",
                observed=f"status {reported_status(each)}",
                at=each,
            )
    return held(found)


def _metadata_name_the_event(history: History, hi_event: str) -> Verdict:
    """Judges tuvens-api's event instead of deliveries; that it follows every change is a rule of its own."""
    effects = _effects(history)
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
    return held(effects, _BY_EFFECT)


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
    quote="At least once, in order for one event.",
    story=[STORY, _REPORTED],
    settles="C-HE-13",
    depends_on=[_SENT, _SIGNED, _TELLS],
)
def every_status_is_delivered(history: History) -> Verdict:
    """hi.events delivers to tuvens-api a change to each status that it supports."""
    found = deliveries(history, f"{STORY}/deliveries")
    if found is not None:
        reported = {reported_status(each) for each in found}
        since, until = watched(history, f"{STORY}/deliveries")
        for step, status in steps(history):
            expect_arrival(
                history,
                status in reported,
                expected=f"a webhook that reports {status}",
                observed=f"webhooks that report {', '.join(sorted(reported))}",
                at=history.one(f"{STORY}/change/{step}"),
                since=since,
                until=until,
            )
        return held(found)
    effects = []
    for step, status in steps(history):
        effect = _effect(history, step, status)
        after = history.one(f"{STORY}/effect/{step}")
        refused = _refused_by_tuvens_api(history, status) if effect is None else None
        if refused is not None:
            return Blocked(_GIVES[status], f"tuvens-api rejects {status}: {shown(refused)}")
        changed = history.one(f"{STORY}/change/{step}")
        expect_arrival(
            history,
            effect is not None,
            expected=f"tuvens-api's event follows {status} (ticketing_status {TICKETING[status]})",
            observed="it does not within some seconds",
            at=(changed, after),
            since=changed.started,
            until=after.started + after.seconds,
        )
        effects.append(after)
    return held(effects, _BY_EFFECT)


def _refused_by_tuvens_api(history: History, status: str) -> Exchange | None:
    """Our own, rightly signed webhook of that status, if tuvens-api refused it."""
    ours = history.exchanges(WEBHOOK, story=_REPORTED)
    of_status = (each for each in ours if reported_status(each) == status)
    return next((each for each in of_status if each.is_error), None)


@rule(
    quote="changes an event, and sends tuvens-api the webhook above, signed.",
    settles="C-HE-13",
    depends_on=[_SENT, _SIGNED, _TELLS, "hi_events_delivery.every_status_is_delivered"],
)
def each_change_is_delivered_once(history: History) -> Verdict:
    """hi.events sends one webhook for each change, and repeats it only after a failed attempt."""
    found, changes = deliveries(history, f"{STORY}/deliveries"), steps(history)
    for each in history.every(f"{STORY}/change"):
        let_through(each)  # else the change may have been made, or not
    if found is None:
        statuses, numbers = _streamed(history, STORY)
        if len(statuses) != len(changes):
            raise UndecidedError(f"tuvens-api's stream reports {', '.join(statuses)}: {UNSEEN}")
        return held(numbers[0], f"as the {len(statuses)} messages of tuvens-api's stream show")
    once = distinct(found)
    counted = Counter(reported_status(each) for each in once)
    arrived = Counter(reported_status(each) for each in found)
    for step, status in changes:
        times = sum(each == status for _, each in changes)
        if arrived[status] < times:
            awake(history, *watched(history, f"{STORY}/deliveries"))
        # Two changes to one status within a second are the same bytes where times have whole seconds.
        expect(
            counted[status] <= times <= arrived[status],
            expected=f"{times} webhook(s) that report {status}",
            observed=f"{counted[status]} different ones",
            at=[each for each in once if reported_status(each) == status] or [history.one(f"{STORY}/change/{step}")],
        )
    return held(found, f"{len(changes)} changes, {len(found)} deliveries")


def _streamed(history: History, story: str) -> tuple[list[str], list[int]]:
    """The ticketing statuses in the messages of tuvens-api's stream about the story's event, and the numbers of these
    messages: there is one for each applied webhook. Raises LackingError if there are none."""
    _, tuvens_event = event_ids(history, story)
    try:
        found = [each for each in history.stream(f"{story}/stream") if is_about(each, tuvens_event)]
    except NothingObservedError:
        found = []
    if not found:
        raise LackingError(UNSEEN)
    return [str(stream_message(each).get("status")) for each in found], [each.number for each in found]


def _each_change_is_told(history: History) -> bool:
    """Whether tuvens-api's stream tells each change, in order, where changes do not follow closely."""
    return _streamed(history, STORY)[0] == [TICKETING[each] for each in _changes(history)]


@rule(
    quote="At least once, in order for one event.",
    story=[CLOSE, STORY],
    settles="C-HE-13",
    depends_on=[_SENT, _SIGNED, _TELLS],
    next_step="Let only one worker at a time deliver an event's changes, oldest first.",
)
def deliveries_keep_the_order_of_changes(history: History) -> Verdict:
    """hi.events delivers the changes of one event in their order, however close together they are."""
    found = deliveries(history, f"{CLOSE}/deliveries")
    if found is None:
        statuses, numbers = _streamed(history, CLOSE)
        # tuvens-api applies no webhook that is older than the last one: what was overtaken is not told at all.
        if len(statuses) > 1 and TICKETING["DRAFT"] not in statuses and _each_change_is_told(history):
            raise BrokenRuleError(
                "active, setup, active in tuvens-api's stream after LIVE, DRAFT, LIVE",
                f"{', '.join(statuses)}: the last LIVE came before DRAFT",
                (*numbers, history.one(f"{CLOSE}/change/DRAFT"), history.one(f"{CLOSE}/change/LIVE")),
            )
        if statuses != [TICKETING[each] for each in ("LIVE", "DRAFT", "LIVE")]:
            raise UndecidedError(f"tuvens-api's stream reports {', '.join(statuses)}: {UNSEEN}")
        return held(numbers[0], "as the messages of tuvens-api's stream show")
    # How often each change is reported is a rule of its own.
    reported = list(dict.fromkeys(reported_status(each) for each in distinct(found)))
    if set(reported) != {"LIVE", "DRAFT"}:
        raise UndecidedError(
            f"webhooks report {', '.join(reported) or 'nothing'} within some seconds, not LIVE and DRAFT"
        )
    expect(reported == ["LIVE", "DRAFT"], expected="LIVE, then DRAFT", observed=", then ".join(reported), at=found)
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
