"""The shared secret is compared in constant time. A measurement can show a leak, never that there is none."""

import math

from contracts.catalogue import page, requirement
from contracts.session_token.rules_minting import MINTS
from contracts.shared_secret.timing import median_bounds, would_be_seen
from harness.history import History
from harness.judging import BrokenRuleError, UndecidedError
from harness.requirement import MUST
from harness.verdict import Held, Verdict, Violated

STORY = "refusals_are_timed"
# With 5.5 standard deviations one honest run in 25 million would be accused.
_FAR = 5.5
_SMALLEST_LEAK = 20.0


@requirement(
    level=MUST,
    obliged="tuvens-api",
    source=page("Authentication", "Compared in constant time."),
    story=STORY,
    settles=("C-TA-08",),
    operations=("validateSession",),
    needs=("near:tuvens-api",),
    depends_on=(
        MINTS,
        "shared_secret.validate_session_refuses_a_wrong_secret",
    ),
    next_step="Compare with crypto.timingSafeEqual over digests of equal length.",
)
def no_timing_leak_is_seen(history: History) -> Verdict:
    """tuvens-api takes as long to refuse a shared secret that is nearly right as one that is wrong throughout."""
    seen = history.observation(f"{STORY}/comparison")
    if not seen.values["all_refused"]:
        raise UndecidedError("not every guess was answered 401 (a rate limit?), so the times cannot be compared")
    probe, control = seen.values["probe"], seen.values["control"]
    if abs(control["z"]) > _FAR:
        raise UndecidedError(f"equal requests differ, too (z {control['z']:+.1f}): the machine is too noisy to tell")
    smallest = max(would_be_seen(seen.values["differences"]["control"], _FAR), _SMALLEST_LEAK)
    if math.isinf(smallest):
        raise UndecidedError(f"{seen.values['pairs']} pairs are too few for any difference to be seen")
    told = f"{seen.values['pairs']} pairs, median difference {probe['microseconds']:+.0f} µs (z {probe['z']:+.1f})"
    if probe["z"] > _FAR and probe["microseconds"] > _SMALLEST_LEAK:
        low, high = median_bounds(seen.values["differences"]["probe"])
        leak = f"{told}: a leak of {probe['microseconds']:.0f} µs ({low:.0f} to {high:.0f})"
        raise BrokenRuleError(Violated("no difference", leak, (seen.values["exchange"],)))
    return Held(
        (seen.values["exchange"], seen.number), f"{told}: no difference above {smallest:.0f} µs, which would be seen"
    )
