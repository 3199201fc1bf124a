"""Example histories of the rules about fuzzing."""

from typing import Any

import openapi
from contracts.every_operation.rules_fuzzing import STORY
from contracts.every_operation.rules_routes import STORY as PROBE
from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds
from tests.contracts.histories import answer, history, observed

SERVER_ERROR = {
    "check": "not_a_server_error",
    "key": "not_a_server_error: 500",
    "expected": "a status below 500",
    "observed": 'a server error in 500 {"message": "no"}',
    "exchanges": [2, 1],
}
UNREFUSED = {
    "check": "negative_data_rejection",
    "key": "negative_data_rejection: /body/account_id",
    "expected": "an error (4xx) for a malformed request",
    "observed": "a request accepted whose body/account_id is required",
    "exchanges": [1],
}
MISSHAPEN = {**UNREFUSED, "check": "response_schema_conformance", "expected": "a body that matches the document"}


FUZZED = [each.id for each in openapi.operations() if each.contract.refusals is not None]


def fuzzed(operation_id: str, *others: Entry, sent: int = 2, **noted: Any) -> Seen:
    """An operation that was fuzzed with so many cases; of what the story noted some is otherwise."""
    operation = openapi.find(operation_id)
    step = f"{STORY}/{operation_id}"
    cases = [answer(step, 200, {}, operation=operation_id, callee=operation.app) for _ in range(sent)]
    values: dict[str, Any] = {
        "cases": {"examples": 1, "coverage": max(sent - 1, 0)},
        "exchanges": list(range(1, sent + 1)),
        "causes": [],
        "seed": 0,
        "error": "",
        "ended": "",
        **noted,
    }
    probe = answer(f"{PROBE}/{operation_id}", 401, {}, operation=operation_id, callee=operation.app)
    return history(*cases, *others, observed(step, **values), probe)


EXAMPLES: Examples = {
    **{
        name: (
            holds("no case fails", fuzzed(name)),
            breaks("a case is answered 500", fuzzed(name, causes=[SERVER_ERROR])),
        )
        for name in FUZZED
    },
    "nonsense_is_refused": (
        holds("only a shape is wrong", fuzzed("getEvent", causes=[MISSHAPEN])),
        breaks("one operation accepts it", fuzzed("getEvent", causes=[MISSHAPEN, UNREFUSED])),
    ),
}
