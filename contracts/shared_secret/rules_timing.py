"""The shared secret is compared in constant time."""

from contracts.catalogue import RuleFamily
from contracts.timing import takes_as_long
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "refusals_are_timed"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Authentication",
    quote="Compared in constant time.",
    story=STORY,
    settles="C-TA-08",
    operations="validateSession",
    needs="near:tuvens-api",
    depends_on=["session_token.mints_a_session", "shared_secret.validate_session_refuses_a_wrong_secret"],
    next_step="Compare with crypto.timingSafeEqual over digests of equal length.",
)


@rule()
def no_timing_leak_is_seen(history: History) -> Verdict:
    """tuvens-api takes equally long to reject a nearly correct shared secret and one that is wrong throughout."""
    return takes_as_long(history, STORY)
