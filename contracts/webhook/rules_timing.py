"""The webhook's signature is compared in constant time."""

from contracts.catalogue import RuleFamily
from contracts.timing import takes_as_long
from contracts.webhook.rules_processing import WEBHOOK
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "forged_signatures_are_timed"

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    story=STORY,
    operations=WEBHOOK,
    needs="near:tuvens-api",
    depends_on="webhook.wrong_signature_is_refused",
)


@rule(
    quote="Verified over the raw bytes, before the body is parsed; compared in constant time.",
    settles="C-TA-08",
    next_step="Compare the digests with crypto.timingSafeEqual, not the texts with ===.",
)
def no_timing_leak_is_seen(history: History) -> Verdict:
    """tuvens-api takes as long to refuse a webhook's signature that is wrong in its last digit as one that is wrong in
    all of them."""
    return takes_as_long(history, STORY)
