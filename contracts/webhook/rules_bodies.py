"""The webhook: bodies as PHP, Node and Python write them, and times with an offset of zero."""

from contracts.catalogue import RuleFamily
from contracts.status_changes import WEBHOOK, event_reading, event_reading_before, state_in
from harness.expectations import expect_arrival, expect_success, held
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "updates_of_other_languages_are_sent"

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    quote="HMAC-SHA256 of the raw request body",
    story=STORY,
    settles="C-TA-14",
    operations=[WEBHOOK, "getEvent"],
    depends_on="webhook.an_update_changes_the_event",
    next_step="Verify the signature over the bytes as received: the sender may choose escapes, spaces and key order.",
)


def _applied(history: History, language: str) -> Verdict:
    """Every update with a body as this language writes it changes the event's ticketing status."""
    updates = [each for each in history.every(f"{STORY}/{language}") if each.operation == WEBHOOK]
    for update in updates:
        expect_success(update)
        after = event_reading(history, update.step.removesuffix("update") + "after")
        was, found = state_in(event_reading_before(history, update)).ticketing, state_in(after).ticketing
        expect_arrival(
            history,
            found != was,
            expected="another ticketing_status after the update",
            observed=f"ticketing_status {found!r} as before ({update.step.rsplit('/', 2)[1]})",
            at=(update, after),
            since=update.started,
            until=after.started + after.seconds,
        )
    return held(updates)


@rule()
def updates_by_php_are_applied(history: History) -> Verdict:
    """tuvens-api applies a correctly signed update as PHP writes it: slashes and accents escaped or not, pretty-printed
    or compact."""
    return _applied(history, "php")


@rule()
def updates_by_node_are_applied(history: History) -> Verdict:
    """tuvens-api applies a correctly signed update as Node writes it: accents, emoji and U+2028 unescaped, keys in any
    order."""
    return _applied(history, "node")


@rule()
def updates_by_python_are_applied(history: History) -> Verdict:
    """tuvens-api applies a correctly signed update as Python writes it: with spaces, non-ASCII characters escaped, and
    a newline at the end."""
    return _applied(history, "python")


@rule(
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="whoever reads them takes both",
    settles=(),
    next_step="Parse event_sent_at as ISO 8601 with an offset: PHP writes UTC as +00:00.",
)
def a_time_with_an_offset_of_zero_is_read(history: History) -> Verdict:
    """tuvens-api applies a correctly signed update whose event_sent_at ends in +00:00 instead of Z."""
    return _applied(history, "time with offset")
