"""Reading events: a template, to copy to contracts/<seam>/rules.py (a new seam also needs an empty __init__.py)."""

from contracts.catalogue import RuleFamily
from harness.expectations import expect_status, held
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

# The story in scenarios/stories/ whose record the judge reads; reading another one is a fault of the harness.
STORY = "events_are_read"

# What the rules of this file share; a rule may replace each of these facts.
rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",  # the application that must fulfil the rule
    section="Errors",  # a heading of docs/contract/2025-07.md
    story=STORY,
    operations="getEvent",  # operationIds whose routes must be served; else the rule is blocked
    depends_on="tuvens_event.an_event_is_read",  # ids of other rules that must hold; else the rule is blocked
)


# The function's name becomes the id (<seam>.<name>), its docstring the sentence of the report, the quote its proof.
@rule(quote="then existence and permission (404, 403)", next_step="Look up the event before you compare its account.")
def an_unknown_event_is_not_found(history: History) -> Verdict:
    """Reading an event that does not exist returns 404."""
    return held(expect_status(history.one(f"{STORY}/unknown event"), 404))
