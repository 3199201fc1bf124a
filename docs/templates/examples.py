"""Example histories of the template rule, to copy to tests/contracts/<seam>/examples.py."""

from harness.history import History
from tests.contracts.documented import error
from tests.contracts.examples import Examples, breaks, holds, leaves_open
from tests.contracts.histories import history, no_answer

STEP = "events_are_read/unknown event"


def answered(status: int) -> History:
    """The response to a request for an unknown event has this status."""
    return history(error("getEvent", status, STEP))


# By the name of the rule: one example that holds, one for each way to break it, and those that leave it undecided.
EXAMPLES: Examples = {
    "an_unknown_event_is_not_found": (
        holds("it is answered 404", answered(404)),
        breaks("it is answered 200", answered(200)),
        breaks("it is answered 500", answered(500)),
        leaves_open("a rate limit strikes", answered(429)),
        leaves_open("no answer comes", history(no_answer(STEP))),
    ),
}
