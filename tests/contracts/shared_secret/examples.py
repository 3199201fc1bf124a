"""Example histories of the rules about the shared secret."""

from collections.abc import Sequence

from contracts.shared_secret.rules import STORY
from contracts.shared_secret.rules_timing import STORY as TIMED
from harness.history import History as Seen
from tests.contracts.documented import error
from tests.contracts.examples import Example, Examples, breaks, holds, leaves_open
from tests.contracts.histories import history, no_answer
from tests.contracts.timings import comparisons

OPERATIONS = {
    "validate_session": "validateSession",
    "user_accounts": "listUserAccounts",
    "validate_permission": "validatePermission",
}
_WRONG = ("other", "prefix", "first half", "suffixed", "prefixed", "other case", "last character")


def _of_route(name: str) -> Sequence[Example]:
    route, operation = next(each for each in OPERATIONS.items() if name.startswith(each[0]))
    if name.endswith("_refuses_a_missing_secret"):
        return _all_refused(operation, f"{operation}/missing", ("absent", "empty"))
    if name.endswith("_refuses_a_wrong_secret"):
        return _all_refused(operation, f"{operation}/wrong", _WRONG)
    assert name == f"{route}_authenticates_before_it_reads"
    step = f"{STORY}/ill-formed/{operation}"
    return (
        holds("it is answered 401", history(error(operation, 401, step))),
        breaks("the form is looked at first", history(error(operation, 400, step))),
        breaks("it is answered with success", history(error(operation, 200, step))),
        leaves_open("no answer comes", history(no_answer(step))),
        leaves_open("a rate limit strikes", history(error(operation, 429, step))),
    )


def _all_refused(operation: str, step: str, kinds: Sequence[str]) -> Sequence[Example]:
    def tried(**other: int) -> Seen:
        statuses = {**dict.fromkeys(kinds, 401), **{name.replace("_", " "): each for name, each in other.items()}}
        return history(*(error(operation, each, f"{STORY}/{step}/{kind}") for kind, each in statuses.items()))

    return (
        holds("each is answered 401", tried()),
        *(breaks(f"one is let in: {kind}", tried(**{kind: 200})) for kind in kinds),
        breaks("one is answered 403", tried(**{kinds[-1]: 403})),
        breaks("one crashes the comparison", tried(**{kinds[-1]: 500})),
        breaks("one is let in, though a rate limit strikes", tried(**{kinds[0]: 429, kinds[-1]: 200})),
        leaves_open("a rate limit strikes", tried(**{kinds[0]: 429})),
        leaves_open("no answer comes", history(*tried().entries, no_answer(f"{STORY}/{step}/{kinds[0]}"))),
    )


EXAMPLES: Examples = {
    "no_timing_leak_is_seen": comparisons(TIMED, "validateSession"),
    "*": _of_route,
}
