"""The webhook: what it rejects, in which order, and that a rejected update changes nothing."""

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
    next_step="Verify the signature with the shared secret before you process the body.",
)
def wrong_signature_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks signed with a wrong or empty key, or with no key (401)."""
    return statuses(history.every(f"{STRANGERS}/other key"), 401)


@signature_rule(section=SECTION, quote="401 signature missing or wrong")
def missing_signature_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks with a missing or empty signature (401)."""
    return statuses(history.every(f"{STRANGERS}/missing"), 401)


@signature_rule()
def signature_without_prefix_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks whose signature lacks the prefix sha256= (401)."""
    return statuses(history.every(f"{STRANGERS}/without prefix"), 401)


@signature_rule()
def signature_by_another_algorithm_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks signed with HMAC-SHA1 or HMAC-SHA512, or with a digest computed without a key
    (401)."""
    return statuses(history.every(f"{STRANGERS}/other algorithm"), 401)


@signature_rule()
def signature_in_upper_case_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks whose signature has upper-case hex digits or an upper-case prefix (401)."""
    return statuses(history.every(f"{STRANGERS}/upper case"), 401)


@signature_rule()
def malformed_signature_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks whose signature is truncated, extended, repeated, in base64, very long, not ASCII or
    contains spaces (401)."""
    malformed = history.every(f"{STRANGERS}/malformed")
    statuses(malformed, 401)
    unusual = history.every(f"{STRANGERS}/unusual")
    # A proxy in front of the application may reject such a header itself: 400, or 431 for its length.
    statuses(unusual, 401, 400, 431)
    return held([*malformed, *unusual])


@signature_rule(
    quote="Verified over the raw bytes, before the body is parsed",
    next_step="Verify the signature over the bytes as received, not over a body that was parsed and serialized again.",
)
def altered_body_is_refused(history: History) -> Verdict:
    """tuvens-api rejects webhooks whose body was changed after signing, even by one space (401)."""
    return statuses(history.every(f"{STRANGERS}/altered body"), 401)


@signature_rule(
    section=SECTION,
    quote="also when the body is nonsense: authentication comes first",
    settles=(),
    depends_on=[_VERIFIED, "webhook.missing_signature_is_refused"],
)
def webhook_authenticates_before_it_reads(history: History) -> Verdict:
    """tuvens-api returns 401, not 400 or 404, for a webhook that is not correctly signed, whatever its body is."""
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
    """tuvens-api returns 400 for a signed webhook whose body is empty, not JSON, not an object or not UTF-8."""
    return statuses(history.every(f"{SENSELESS}/nonsense"), 400)


@body_rule(
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="All fields of the webhook's example are required; another event_type is 400.",
)
def incomplete_update_is_refused(history: History) -> Verdict:
    """tuvens-api returns 400 for a signed webhook that lacks one of its seven fields."""
    return statuses(history.every(f"{SENSELESS}/missing"), 400)


@body_rule(quote="400 signed, but malformed")
def ill_typed_update_is_refused(history: History) -> Verdict:
    """tuvens-api returns 400 for a signed webhook with a field of an invalid type or value."""
    return statuses(history.every(f"{SENSELESS}/ill-typed"), 400)


@body_rule(
    section="Left open: no rule judges these, and a simulator picks the first",
    quote="All fields of the webhook's example are required; another event_type is 400.",
)
def another_event_type_is_refused(history: History) -> Verdict:
    """tuvens-api returns 400 for a signed webhook with another event_type."""
    return held(expect_status(history.one(f"{SENSELESS}/other type"), 400))


@body_rule(quote="404 signed, well formed, but no such Tuvens event")
def unknown_event_is_not_found(history: History) -> Verdict:
    """tuvens-api returns 404 for a signed, well-formed webhook about an event that does not exist."""
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
    """tuvens-api leaves an event unchanged when it rejects a webhook."""
    readings = []
    for story in (STRANGERS, SENSELESS):
        updates = [each for each in history.every(story) if each.operation == WEBHOOK]
        refused = [each for each in updates if each.is_client_error]
        if not refused:
            raise UndecidedError("no webhook was rejected")
        before, after = event_reading(history, f"{story}/base/event"), event_reading(history, f"{story}/afterwards")
        was, found = state_in(before), state_in(after)
        if found != was:
            expect_ours_alone(before, after, {reported_status(each) for each in updates})
        expect(
            found == was,
            expected=f"{was}, as before",
            observed=f"{found} after {len(refused)} rejected webhooks",
            at=(after, before, *refused),
        )
        readings += [before, after]
    return held(readings)
