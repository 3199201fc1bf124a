"""Example histories of the rules about conformity: a family, made by the operation from its document's example."""

from collections.abc import Sequence

import openapi
from tests.contracts.documented import documented, without
from tests.contracts.examples import Example, Examples, breaks, holds, lacks
from tests.contracts.histories import answer, history, no_answer
from tests.openapi.bodies import answer_example


def _of_operation(operation_id: str) -> Sequence[Example]:
    step = f"a_story/{operation_id}"
    right = answer_example(openapi.find(operation_id), 200)
    first = next(iter(right))
    limited = {"X-RateLimit-Limit": None, "X-RateLimit-Remaining": None, "X-RateLimit-Reset": None}
    return (
        holds("the document's example", history(documented(operation_id, 200, step))),
        holds("a further field", history(documented(operation_id, 200, step, {**right, "further": [1]}))),
        holds(
            "the media type has a parameter",
            history(documented(operation_id, 200, step, headers={"Content-Type": "Application/JSON; charset=utf-8"})),
        ),
        holds(
            "rate-limit headers are missing, which is another rule's matter",
            history(documented(operation_id, 200, step, headers=limited)),
        ),
        holds(
            "another operation's answer is wrong",
            history(documented(operation_id, 200, step), answer("a_story/other", 200, [], operation="showWidget")),
        ),
        breaks("a field is missing", history(documented(operation_id, 200, step, without(right, first)))),
        breaks("a field is of another type", history(documented(operation_id, 200, step, {**right, first: [[]]}))),
        breaks("the body is a list", history(documented(operation_id, 200, step, [right]))),
        # A site may give a page for every URL: an optional route is not served then.
        (lacks if openapi.find(operation_id).contract.optional else breaks)(
            "the body is HTML",
            history(documented(operation_id, 200, step, b"<p>Hello", headers={"Content-Type": "text/html"})),
        ),
        breaks(
            "the second answer is wrong",
            history(documented(operation_id, 200, step), documented(operation_id, 200, step, without(right, first))),
        ),
        lacks("no success was seen", history(documented(operation_id, 401, step, {}))),
        lacks("no answer was seen", history(no_answer(step, operation=operation_id))),
    )


_X_AUTH = documented("validateCrossAppSession", 200, "a_story/sign in", headers={"X-Auth-Token": None})

_STEP = "a_story/setEventStatus"

EXAMPLES: Examples = {
    "setEventStatus": (
        holds("the document's example", history(documented("setEventStatus", 200, _STEP))),
        holds("no field, as the contract names none", history(documented("setEventStatus", 200, _STEP, {}))),
        breaks("the body is a list", history(documented("setEventStatus", 200, _STEP, []))),
        breaks("there is no body", history(documented("setEventStatus", 200, _STEP, b""))),
        lacks("no success was seen", history(documented("setEventStatus", 422, _STEP))),
    ),
    "validateCrossAppSession": (
        *_of_operation("validateCrossAppSession"),
        breaks("the header X-Auth-Token is missing", history(_X_AUTH)),
    ),
    "*": _of_operation,
}
