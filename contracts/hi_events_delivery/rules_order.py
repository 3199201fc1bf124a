"""How often, and in which order, hi.events delivers the changes of an event."""

from collections import Counter

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.observations import (
    BY_EFFECT,
    CLOSE,
    RIGHTLY_SENT,
    SECTION,
    STORY,
    UNSEEN,
    deliveries,
    distinct,
    effect_of,
    event_ids,
    steps,
    watched,
)
from contracts.status_changes import TICKETING, WEBHOOK, is_about, reported_status, stream_message
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    awake,
    expect,
    expect_arrival,
    held,
    let_through,
    shown,
)
from harness.history import Exchange, History, NothingObservedError
from harness.requirement import MUST
from harness.verdict import Blocked, Verdict

_GIVES = {
    "LIVE": "webhook.live_gives_active",
    "DRAFT": "webhook.draft_gives_setup",
    "CANCELLED": "webhook.cancelled_gives_inactive",
    "ENDED": "webhook.ended_gives_inactive",
    "ARCHIVED": "webhook.archived_gives_setup",
}
_REPORTED = "statuses_are_reported"

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SECTION,
    story=STORY,
    settles="C-HE-13",
    operations=["setEventStatus", WEBHOOK],
    needs="linked-event",
    depends_on=RIGHTLY_SENT,
)


@rule(
    quote="At least once, in order for one event.",
    story=[STORY, _REPORTED],
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
        effect = effect_of(history, step, status)
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
    return held(effects, BY_EFFECT)


def _refused_by_tuvens_api(history: History, status: str) -> Exchange | None:
    """Our own, rightly signed webhook of that status, if tuvens-api refused it."""
    ours = history.exchanges(WEBHOOK, story=_REPORTED)
    of_status = (each for each in ours if reported_status(each) == status)
    return next((each for each in of_status if each.is_error), None)


@rule(
    quote="changes an event, and sends tuvens-api the webhook above, signed.",
    depends_on=[*RIGHTLY_SENT, "hi_events_delivery.every_status_is_delivered"],
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
    return _streamed(history, STORY)[0] == [TICKETING[status] for _, status in steps(history)]


@rule(
    quote="At least once, in order for one event.",
    story=[CLOSE, STORY],
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
