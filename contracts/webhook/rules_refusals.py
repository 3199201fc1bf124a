"""The webhook: what it refuses, in which order, and that a refused update changes nothing."""

from contracts.catalogue import RuleFamily
from contracts.status_changes import WEBHOOK, event_reading, expect_ours_alone, reported_status, state_in
from contracts.webhook.rules_processing import SECTION
from harness.expectations import UndecidedError, expect, expect_status, held, statuses
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STRANGERS, SENSELESS = "strangers_send_updates", "senseless_updates_are_sent"
_ACCEPTED = "webhook.signed_update_is_accepted"
_VERIFIED = "webhook.wrong_signature_is_refused"

signature_rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    quote="Webhook: header `x-hi-events-signature: sha256=<lower-case hex HMAC-SHA256 of the raw request body, key = "
    "shared secret>`.",
    story=STRANGERS,
    settles="C-TA-15",
    operations=WEBHOOK,
    depends_on=_VERIFIED,
)


@signature_rule(
    section=SECTION,
    quote="401 signature missing or wrong",
    depends_on=_ACCEPTED,
    next_step="Verify the signature with the shared secret before anything else is done with the body.",
)
def wrong_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook that another key signed, an empty one, or none."""
    return statuses(history.every(f"{STRANGERS}/other key"), 401)


@signature_rule(section=SECTION, quote="401 signature missing or wrong")
def missing_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook without a signature, and with an empty one."""
    return statuses(history.every(f"{STRANGERS}/missing"), 401)


@signature_rule()
def signature_without_prefix_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature lacks sha256= before the hex digits."""
    return statuses(history.every(f"{STRANGERS}/without prefix"), 401)


@signature_rule()
def signature_by_another_algorithm_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook signed with HMAC-SHA1 or HMAC-SHA512, and to a digest that no key went
    into."""
    return statuses(history.every(f"{STRANGERS}/other algorithm"), 401)


@signature_rule()
def signature_in_upper_case_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature is in upper case: its hex digits, or its prefix."""
    return statuses(history.every(f"{STRANGERS}/upper case"), 401)


@signature_rule()
def malformed_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature is cut, prolonged, spaced out, doubled or in base64, and
    refuses one that is very long or not ASCII."""
    malformed = history.every(f"{STRANGERS}/malformed")
    statuses(malformed, 401)
    unusual = history.every(f"{STRANGERS}/unusual")
    # What stands before the application may refuse such a header itself: 400, or 431 for its length.
    statuses(unusual, 401, 400, 431)
    return held([*malformed, *unusual])


@signature_rule(
    quote="Verified over the raw bytes, before the body is parsed",
    next_step="Verify the signature over the bytes as received, not over the body parsed and written again.",
)
def altered_body_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose body was changed after signing, be it by a space."""
    return statuses(history.every(f"{STRANGERS}/altered body"), 401)


@signature_rule(
    section=SECTION,
    quote="also when the body is nonsense: authentication comes first",
    settles=(),
    depends_on=[_VERIFIED, "webhook.missing_signature_is_refused"],
)
def webhook_authenticates_before_it_reads(history: History) -> Verdict:
    """tuvens-api answers 401, not 400 or 404, to a webhook that is not rightly signed, whatever its body is."""
    return statuses(history.every(f"{STRANGERS}/nonsense"), 401)


body_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    story=SENSELESS,
    settles="C-TA-22",
    operations=WEBHOOK,
    depends_on=_ACCEPTED,
)


@body_rule(quote="400 signed, but malformed")
def nonsense_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook whose body is empty, no JSON, no object or not UTF-8."""
    return statuses(history.every(f"{SENSELESS}/nonsense"), 400)


@body_rule(
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="All fields of the webhook's example are required; another event_type is 400.",
)
def incomplete_update_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook that lacks one of its seven fields."""
    return statuses(history.every(f"{SENSELESS}/missing"), 400)


@body_rule(quote="400 signed, but malformed")
def ill_typed_update_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook with a field that cannot be what it should be."""
    return statuses(history.every(f"{SENSELESS}/ill-typed"), 400)


@body_rule(
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="All fields of the webhook's example are required; another event_type is 400.",
)
def another_event_type_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook of another event_type."""
    return held(expect_status(history.one(f"{SENSELESS}/other type"), 400))


@body_rule(quote="404 signed, well formed, but no such Tuvens event")
def unknown_event_is_not_found(history: History) -> Verdict:
    """tuvens-api answers 404 to a signed, well-formed webhook for an event that it does not have."""
    return held(expect_status(history.one(f"{SENSELESS}/unknown event"), 404))


@signature_rule(
    section=SECTION,
    quote="401 signature missing or wrong",
    story=[STRANGERS, SENSELESS],
    settles=(),
    operations=[WEBHOOK, "getEvent"],
    depends_on="webhook.an_update_changes_the_event",
)
def refused_updates_change_nothing(history: History) -> Verdict:
    """tuvens-api leaves an event as it was when it refuses a webhook."""
    readings = []
    for story in (STRANGERS, SENSELESS):
        updates = [each for each in history.every(story) if each.operation == WEBHOOK]
        refused = [each for each in updates if each.is_client_error]
        if not refused:
            raise UndecidedError("no webhook was refused")
        before, after = event_reading(history, f"{story}/base/event"), event_reading(history, f"{story}/afterwards")
        was, found = state_in(before), state_in(after)
        if found != was:
            expect_ours_alone(before, after, {reported_status(each) for each in updates})
        expect(
            found == was,
            expected=f"{was}, as before",
            observed=f"{found} after {len(refused)} refusals",
            at=(after, before, *refused),
        )
        readings += [before, after]
    return held(readings)
