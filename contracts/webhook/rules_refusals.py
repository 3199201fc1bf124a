"""The webhook: whom and what it refuses, in which order, and that the refused leaves no trace."""

from contracts.catalogue import page, requirement
from contracts.hi_events_delivery.effects import state_of
from contracts.webhook.rules_processing import ACCEPTED, CHANGES, READS, SECTION, WEBHOOK, reading
from harness.history import History
from harness.judging import UndecidedError, expect, expect_status, held, json_object, statuses
from harness.requirement import MUST
from harness.verdict import Verdict

STRANGERS, SENSELESS = "strangers_send_updates", "senseless_updates_are_sent"
_VERIFIED = "webhook.wrong_signature_is_refused"
_HEADER = page(
    "Authentication",
    "Webhook: header `x-hi-events-signature: sha256=<lower-case hex HMAC-SHA256 of the raw request body, key = shared "
    "secret>`.",
)
_RAW = page("Authentication", "Verified over the raw bytes, before the body is parsed")
_WRONG = page(SECTION, "401 signature missing or wrong")
_MALFORMED = page(SECTION, "400 signed, but malformed")
_REQUIRED = page(
    "Left open: no rule judges these, and a simulator picks the first",
    "All fields of the webhook's example are required; another event_type is 400.",
)
_SIGNATURE = ("C-TA-15",)
_ERRORS = ("C-TA-22",)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_WRONG,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
    next_step="Verify the signature with the shared secret before anything else is done with the body.",
)
def wrong_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook that another key signed, an empty one, or none."""
    return statuses(history.every(f"{STRANGERS}/other key"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_WRONG,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
)
def missing_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook without a signature, and with an empty one."""
    return statuses(history.every(f"{STRANGERS}/missing"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_HEADER,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
)
def signature_without_prefix_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature lacks sha256= before the hex digits."""
    return statuses(history.every(f"{STRANGERS}/without prefix"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_HEADER,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
)
def signature_by_another_algorithm_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook signed with HMAC-SHA1 or HMAC-SHA512, and to a digest that no key went
    into."""
    return statuses(history.every(f"{STRANGERS}/other algorithm"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_HEADER,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
)
def signature_in_upper_case_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature is in upper case: its hex digits, or its prefix."""
    return statuses(history.every(f"{STRANGERS}/upper case"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_HEADER,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
)
def malformed_signature_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose signature is cut, prolonged, spaced out, doubled or in base64, and
    refuses one that is very long or not ASCII."""
    malformed = history.every(f"{STRANGERS}/malformed")
    statuses(malformed, 401)
    unusual = history.every(f"{STRANGERS}/unusual")
    # What stands before the application may refuse such a header itself: 400, or 431 for its length.
    statuses(unusual, 401, 400, 431)
    return held([*malformed, *unusual])


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_RAW,
    story=STRANGERS,
    settles=_SIGNATURE,
    operations=WEBHOOK,
    depends_on=(_VERIFIED,),
    next_step="Verify the signature over the bytes as received, not over the body parsed and written again.",
)
def altered_body_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to a webhook whose body was changed after signing, be it by a space."""
    return statuses(history.every(f"{STRANGERS}/altered body"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=page(SECTION, "also when the body is nonsense: authentication comes first"),
    story=STRANGERS,
    operations=WEBHOOK,
    depends_on=(_VERIFIED, "webhook.missing_signature_is_refused"),
)
def webhook_authenticates_before_it_reads(history: History) -> Verdict:
    """tuvens-api answers 401, not 400 or 404, to a webhook that is not rightly signed, whatever its body is."""
    return statuses(history.every(f"{STRANGERS}/nonsense"), 401)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_MALFORMED,
    story=SENSELESS,
    settles=_ERRORS,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
)
def nonsense_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook whose body is empty, no JSON, no object or not UTF-8."""
    return statuses(history.every(f"{SENSELESS}/nonsense"), 400)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_REQUIRED,
    story=SENSELESS,
    settles=_ERRORS,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
)
def incomplete_update_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook that lacks one of its seven fields."""
    return statuses(history.every(f"{SENSELESS}/missing"), 400)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_MALFORMED,
    story=SENSELESS,
    settles=_ERRORS,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
)
def ill_typed_update_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook with a field that cannot be what it should be."""
    return statuses(history.every(f"{SENSELESS}/ill-typed"), 400)


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=_REQUIRED,
    story=SENSELESS,
    settles=_ERRORS,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
)
def another_event_type_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to a signed webhook of another event_type."""
    return held(expect_status(history.one(f"{SENSELESS}/other type"), 400))


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=page(SECTION, "404 signed, well formed, but no such Tuvens event"),
    story=SENSELESS,
    settles=_ERRORS,
    operations=WEBHOOK,
    depends_on=(ACCEPTED,),
)
def unknown_event_is_not_found(history: History) -> Verdict:
    """tuvens-api answers 404 to a signed, well-formed webhook for an event that it does not have."""
    return held(expect_status(history.one(f"{SENSELESS}/unknown event"), 404))


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=page(SECTION, "401 signature missing or wrong"),
    story=(STRANGERS, SENSELESS),
    operations=(*WEBHOOK, *READS),
    depends_on=(CHANGES,),
)
def refused_updates_change_nothing(history: History) -> Verdict:
    """tuvens-api leaves an event as it was when it refuses a webhook."""
    looked_at = []
    for story in (STRANGERS, SENSELESS):
        tried = [each for each in history.every(story) if each.operation == WEBHOOK[0]]
        refused = [each for each in tried if 400 <= (each.status or 0) < 500]
        if not refused:
            raise UndecidedError("no webhook was refused")
        before, after = reading(history, f"{story}/base/event"), reading(history, f"{story}/afterwards")
        was, found = state_of(json_object(before)), state_of(json_object(after))
        expect(
            found == was,
            expected=f"ticketing_status {was[0]!r} and hiEventsStatus {was[1]!r}, as before",
            observed=f"ticketing_status {found[0]!r} and hiEventsStatus {found[1]!r} after {len(refused)} refusals",
            at=(after, before, *refused),
        )
        looked_at += [before, after]
    return held(looked_at)
