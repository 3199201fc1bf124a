"""The webhook: deliveries that come twice, late, or in another order."""

from contracts.catalogue import RuleFamily
from contracts.hi_events_delivery.effects import state_of
from contracts.webhook.rules_processing import READS, SECTION, WEBHOOK, reading
from harness.history import History
from harness.judging import answered, expect, expect_success, held, json_object, shown
from harness.requirement import SHOULD
from harness.verdict import Verdict

REPEATED, OVERTAKEN = "updates_are_repeated", "updates_overtake_each_other"

rule = RuleFamily(
    level=SHOULD,
    obliged="tuvens-api",
    section=SECTION,
    quote="a delivery whose event_sent_at is older than the last one applied does not overwrite it",
    story=REPEATED,
    operations=[*WEBHOOK, *READS],
    depends_on="webhook.an_update_changes_the_event",
)


def _unchanged(history: History, first: str, *later: str) -> Verdict:
    """An accepted update, the event read after it, and read again after each of the later deliveries."""
    applied = expect_success(history.one(first))
    before = reading(history, f"{first}/event")
    looked_at = [applied, before]
    was = state_of(json_object(before))
    for step in later:
        delivery, after = answered(history.one(step)), reading(history, f"{step}/event")
        found = state_of(json_object(after))
        expect(
            found == was,
            expected=f"ticketing_status {was[0]!r} and hiEventsStatus {was[1]!r}, as before",
            observed=f"ticketing_status {found[0]!r} and hiEventsStatus {found[1]!r}",
            at=(after, delivery),
        )
        looked_at += [delivery, after]
    return held(looked_at)


@rule(quote="a delivery repeated leaves the same state", settles="C-SE-03")
def repeated_update_leaves_the_same_state(history: History) -> Verdict:
    """tuvens-api leaves an event in the same state when the same delivery comes twice."""
    return _unchanged(history, f"{REPEATED}/live", f"{REPEATED}/live again")


@rule(
    quote="a delivery repeated leaves the same state",
    operations=WEBHOOK,
    next_step="Answer 200 to what was applied before: hi.events would send it again and again otherwise.",
)
def repeated_update_is_no_failure(history: History) -> Verdict:
    """tuvens-api answers a delivery that comes again without a server error (5xx)."""
    again = [history.one(f"{REPEATED}/{step}") for step in ("live again", "live once more")]
    for each in again:
        answered(each)
        expect((each.status or 0) < 500, expected="an answer below 500", observed=shown(each), at=each)
    return held(again)


@rule(
    settles="C-SE-03",
    next_step="Keep the event_sent_at of the last applied update with the event, and skip what is older.",
)
def repeated_update_does_not_undo_a_later_one(history: History) -> Verdict:
    """tuvens-api leaves an event as a later update made it when an earlier one is delivered again."""
    return _unchanged(history, f"{REPEATED}/cancelled", f"{REPEATED}/live once more")


@rule(
    story=OVERTAKEN,
    settles="C-SE-03",
    next_step="Keep the event_sent_at of the last applied update with the event, and skip what is older.",
)
def stale_update_does_not_overwrite(history: History) -> Verdict:
    """tuvens-api leaves an event as it is when an update comes that was sent before the last one applied, be it by a
    second."""
    return _unchanged(history, f"{OVERTAKEN}/live", f"{OVERTAKEN}/ten seconds older", f"{OVERTAKEN}/a second older")


@rule(story=OVERTAKEN)
def newer_update_is_applied_after_a_stale_one(history: History) -> Verdict:
    """tuvens-api applies a newer update after one that was stale."""
    update = expect_success(history.one(f"{OVERTAKEN}/newer"))
    before, after = reading(history, f"{OVERTAKEN}/live/event"), reading(history, f"{OVERTAKEN}/newer/event")
    was, found = state_of(json_object(before)), state_of(json_object(after))
    expect(
        found != was,
        expected="another state than before the stale update",
        observed=f"ticketing_status {found[0]!r} and hiEventsStatus {found[1]!r}, as before",
        at=(after, update),
    )
    return held((update, after))
