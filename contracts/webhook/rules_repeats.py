"""The webhook: deliveries that arrive twice, late, or out of order."""

from contracts.catalogue import RuleFamily
from contracts.status_changes import WEBHOOK, event_reading, expect_ours_alone, reported_status, state_in
from contracts.webhook.rules_processing import SECTION
from harness.expectations import answered, expect, expect_success, held, shown
from harness.history import History
from harness.requirement import SHOULD
from harness.verdict import Verdict

REPEATED, OVERTAKEN = "updates_are_repeated", "updates_overtake_each_other"

rule = RuleFamily(
    level=SHOULD,
    obliged="tuvens-api",
    section=SECTION,
    quote="a delivery whose event_sent_at is older than the last one applied does not overwrite it",
    story=REPEATED,
    operations=[WEBHOOK, "getEvent"],
    depends_on="webhook.an_update_changes_the_event",
)


def _unchanged(history: History, first: str, *later: str) -> Verdict:
    """The event stays as it was after the first, accepted update, whatever comes later."""
    applied = expect_success(history.one(first))
    before = event_reading(history, f"{first}/event")
    was = state_in(before)
    seen = [applied, before]
    for step in later:
        delivery, after = answered(history.one(step)), event_reading(history, f"{step}/event")
        found = state_in(after)
        if found != was:
            story = first.partition("/")[0]
            expect_ours_alone(
                before, after, {reported_status(each) for each in history.exchanges(WEBHOOK, story=story)}
            )
        expect(found == was, expected=f"{was}, as before", observed=str(found), at=(after, delivery))
        seen += [delivery, after]
    return held(seen)


@rule(quote="a delivery repeated leaves the same state", settles="C-SE-03")
def repeated_update_leaves_the_same_state(history: History) -> Verdict:
    """tuvens-api leaves an event in the same state when the same delivery arrives twice."""
    return _unchanged(history, f"{REPEATED}/live", f"{REPEATED}/live again")


@rule(
    quote="a delivery repeated leaves the same state",
    operations=WEBHOOK,
    next_step="Return 200 for an update that was applied before: otherwise hi.events keeps resending it.",
)
def repeated_update_is_no_failure(history: History) -> Verdict:
    """tuvens-api responds to a repeated delivery without a server error (5xx)."""
    again = [history.one(f"{REPEATED}/{step}") for step in ("live again", "live once more")]
    for each in again:
        answered(each)
        expect((each.status or 0) < 500, expected="a status below 500", observed=shown(each), at=each)
    return held(again)


@rule(
    settles="C-SE-03",
    next_step="Store the event_sent_at of the last applied update with the event, and skip older updates.",
    security=True,
)
def repeated_update_does_not_undo_a_later_one(history: History) -> Verdict:
    """tuvens-api keeps the state of a later update when an earlier update is delivered again."""
    return _unchanged(history, f"{REPEATED}/cancelled", f"{REPEATED}/live once more")


@rule(
    story=OVERTAKEN,
    settles="C-SE-03",
    next_step="Store the event_sent_at of the last applied update with the event, and skip older updates.",
    security=True,
)
def stale_update_does_not_overwrite(history: History) -> Verdict:
    """tuvens-api does not apply an update that was sent before the last applied one, even by one second."""
    return _unchanged(history, f"{OVERTAKEN}/live", f"{OVERTAKEN}/ten seconds older", f"{OVERTAKEN}/a second older")


@rule(story=OVERTAKEN)
def newer_update_is_applied_after_a_stale_one(history: History) -> Verdict:
    """tuvens-api applies a newer update after a stale one."""
    update = expect_success(history.one(f"{OVERTAKEN}/newer"))
    before, after = (event_reading(history, f"{OVERTAKEN}/{step}/event") for step in ("live", "newer"))
    was, found = state_in(before), state_in(after)
    expect(
        found != was,
        expected="a different state from before the stale update",
        observed=f"{found}, as before",
        at=(after, update),
    )
    return held((update, after))
