"""The webhook's signature is compared in constant time."""

from contracts.catalogue import RuleFamily
from contracts.status_changes import WEBHOOK
from contracts.timing import takes_as_long
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "forged_signatures_are_timed"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    quote="Verified over the raw bytes, before the body is parsed; compared in constant time.",
    story=STORY,
    settles="C-TA-08",
    operations=WEBHOOK,
    needs="near:tuvens-api",
    depends_on="webhook.wrong_signature_is_refused",
    next_step="Compare the digests with crypto.timingSafeEqual, not as strings with ===.",
)


@rule()
def no_timing_leak_is_seen(history: History) -> Verdict:
    """tuvens-api takes equally long to reject a webhook signature that is wrong in its last digit and one that is wrong
    in all digits."""
    return takes_as_long(history, STORY)
