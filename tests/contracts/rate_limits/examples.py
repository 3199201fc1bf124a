"""Example histories of the rules about rate limits."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import openapi
from contracts.every_operation.rules_rate_limits import limited, story_of
from harness.history import Entry, Exchange
from harness.history import History as Seen
from harness.http import Headers
from tests.contracts.documented import documented, error
from tests.contracts.examples import Example, Examples, breaks, holds, lacks, leaves_open
from tests.contracts.histories import EXPIRED, NOW, history, no_answer, observed

LIMIT = 3
CONTROLLED = ("control:tuvens-api",)
OPERATIONS = {str(limit.name).replace("-", "_"): operation.id for operation, limit in limited()}


def asked(operation: str, *statuses: int | None, every: float = 0.1) -> list[Entry]:
    """The limit that is in force, and that many requests, so many seconds apart; None for one without an answer."""
    step = f"{story_of(openapi.find(operation))}/{operation}"
    found: list[Entry] = [observed(f"{step}/limit", limit=LIMIT)]
    for number, status in enumerate(statuses):
        at = NOW + number * every
        if status is None:
            found.append(no_answer(f"{step}/asked", operation=operation, at=at))
        else:
            found.append(error(operation, status, f"{step}/asked", at=at))
    return found


def _not_tried(operation: str) -> Entry:
    return observed(f"{story_of(openapi.find(operation))}/{operation}/limit", limit=5_000, **{"not tried": "too many"})


def _expired(operation: str, count: int) -> list[Entry]:
    """Requests about a session that may have expired before they arrived."""
    step = f"{story_of(openapi.find(operation))}/{operation}/asked"
    return [error(operation, 404, step, at=NOW + 1, facts=EXPIRED) for _ in range(count)]


def another(operation: str, status: int) -> Exchange:
    """Somebody else asks while the first one is limited."""
    return error(operation, status, f"{story_of(openapi.find(operation))}/{operation}/another key")


def _limited(operation: str) -> Sequence[Example]:
    tries = partial(asked, operation)
    passed = [200] * LIMIT
    unlimited = [200] * (2 * LIMIT + 1)
    return (
        holds("429 past the limit", history(*tries(*passed, 429))),
        holds("as many as the limit are let through", history(*tries(*passed, 429), capabilities=CONTROLLED)),
        holds("a window ended meanwhile", history(*tries(*passed, 200, 429))),
        holds(
            "one request was lost, which may have been counted",
            history(*tries(200, None, 429), capabilities=CONTROLLED),
        ),
        breaks("more than twice the limit are let through", history(*tries(*unlimited))),
        breaks("one more than the limit is let through", history(*tries(*passed, 200, 429), capabilities=CONTROLLED)),
        breaks("half of the limit is let through", history(*tries(200, 429), capabilities=CONTROLLED)),
        leaves_open("too slow to reach the limit", history(*tries(*unlimited, every=10.0))),
        leaves_open("too few to reach the limit", history(*tries(*[200] * (2 * LIMIT)))),
        leaves_open("no answer came", history(*tries(None, None))),
        leaves_open("the limit was too high to be used up", history(_not_tried(operation))),
        leaves_open("the session expired meanwhile", history(*tries(*passed), *_expired(operation, 2 * LIMIT))),
        lacks(
            "the deployment says that it has no limits",
            history(*tries(*unlimited), settings={"rate_limits": {operation: 0}}),
        ),
    )


def _counted(operation: str) -> Sequence[Example]:
    tries = asked(operation, *[200] * LIMIT, 429)
    lost = no_answer(f"{story_of(openapi.find(operation))}/{operation}/another key")
    return (
        holds("another one is let through", history(*tries, another(operation, 200))),
        breaks("another one is limited, too", history(*tries, another(operation, 429))),
        leaves_open("another one is refused anyway", history(*tries, another(operation, 401))),
        leaves_open("another one gets no answer", history(*tries, lost)),
        lacks("there is nobody else", history(*tries)),
        leaves_open("nobody else came to ask", history(*tries, ended={story_of(openapi.find(operation)): "stopped"})),
    )


def _of_route(name: str) -> Sequence[Example]:
    limit, is_limited, _ = name.partition("_is_limited")
    make = _limited if is_limited else _counted
    return make(OPERATIONS[limit.partition("_counts_by_")[0]])


_LONG: Headers = (("x-hi-events-signature", "sha256=" + "0" * 8_200),)


_JSON: Headers = (("Content-Type", "application/json; charset=utf-8"),)

BEFORE_THE_ROUTE: Mapping[str, tuple[int, dict[str, Any]]] = {
    "one request too many": (429, {}),
    "a body that is not JSON": (400, {"sent": _JSON, "body": b'{"session_token":'}),
    "a bare number": (400, {"sent": _JSON, "body": b"5"}),
    "another media type": (400, {"sent": (("Content-Type", "text/plain"),), "body": b"{}"}),
    "another charset": (415, {"sent": (("Content-Type", "application/json; charset=x"),), "body": b"{}"}),
    "a body too large": (413, {"sent": _JSON, "body": b"{}"}),
}
"""What is answered before the route sees the request: status, and the request."""

SUFFIXED: Mapping[str, Any] = {
    **{f"X_RateLimit_{name}": None for name in ("Limit", "Remaining", "Reset")},
    **{f"X_RateLimit_{name}_short": "60" for name in ("Limit", "Remaining", "Reset")},
}


def announced(
    status: int = 200, sent: Headers = (), operation: str = "validateSession", body: bytes = b"", **headers: Any
) -> Seen:
    """An answer of a limited route to a request with these headers and this body, some of its own headers otherwise."""
    changed = {name.replace("_", "-"): value for name, value in headers.items()}
    first = documented("listUserAccounts", 200, "a_story/first")
    second = error(operation, status, "a_story/second", headers=changed, request_headers=sent)
    return history(first, replace(second, request_body=body))


def _reset(value: str | None, **said: Any) -> Seen:
    return history(documented("validateSession", 200, "a_story/step", headers={"X-RateLimit-Reset": value, **said}))


def _retry(**headers: str) -> Seen:
    return history(error("generateSession", 429, "a_story/limited", headers=headers))


EXAMPLES: Examples = {
    "limits_are_announced": (
        holds("limit, remaining and reset", announced()),
        holds("on a refusal, too", announced(401)),
        holds("header names in any case", announced(X_RateLimit_Limit=None, x_ratelimit_limit="100")),
        *(
            holds(f"a front answers {each}", announced(each, X_RateLimit_Limit=None))
            for each in (405, 413, 431, 502, 504)
        ),
        holds("a front refuses a long header", announced(400, _LONG, X_RateLimit_Limit=None)),
        breaks("a refusal of an ordinary request announces none", announced(400, X_RateLimit_Limit=None)),
        *(
            holds(f"a parser refuses {name} with {status}", announced(status, X_RateLimit_Limit=None, **said))
            for name, (status, said) in BEFORE_THE_ROUTE.items()
        ),
        holds("each limit of a throttler has a name", announced(**SUFFIXED)),
        breaks("a longer name is another header", announced(X_RateLimit_Limit=None, X_RateLimit_Limits="100")),
        breaks(
            "what stands behind the name is no number", announced(X_RateLimit_Limit=None, X_RateLimit_Limit_short="a")
        ),
        holds("a route without a limit announces none", announced(operation="getEvent", X_RateLimit_Limit=None)),
        breaks("the limit is missing", announced(X_RateLimit_Limit=None)),
        breaks("the rest is missing", announced(X_RateLimit_Remaining=None)),
        breaks("the reset is missing", announced(X_RateLimit_Reset=None)),
        breaks("the reset is missing from a refusal", announced(401, X_RateLimit_Reset=None)),
        breaks("the limit is no number", announced(X_RateLimit_Limit="many")),
        breaks("the rest has two signs", announced(X_RateLimit_Remaining="--1")),
        breaks("the reset is an ISO time", announced(X_RateLimit_Reset="2025-07-25T14:31:00Z")),
        leaves_open("no limited route answered", history(documented("getEvent", 200, "a_story/event"))),
        leaves_open("no answer came", history(no_answer("a_story/step", operation="validateSession"))),
    ),
    "limits_are_announced_before_the_route": (
        holds("past the limit", announced(429)),
        holds("where a body is not JSON", announced(400, **BEFORE_THE_ROUTE["a body that is not JSON"][1])),
        holds("each limit of a throttler has a name", announced(429, **SUFFIXED)),
        *(
            breaks(f"not with {name}", announced(status, X_RateLimit_Reset=None, **said))
            for name, (status, said) in BEFORE_THE_ROUTE.items()
            if status != 413
        ),
        leaves_open("a front may have answered", announced(413, X_RateLimit_Limit=None)),
        leaves_open("the route has answered", announced(401, X_RateLimit_Limit=None)),
        leaves_open("no answer came", history(no_answer("a_story/step", operation="validateSession"))),
    ),
    "reset_is_in_unix_seconds": (
        holds("a minute ahead", _reset(f"{NOW + 60:.0f}")),
        holds("now", _reset(f"{NOW:.0f}")),
        breaks("seconds to wait", _reset("60")),
        breaks("milliseconds", _reset(f"{(NOW + 60) * 1000:.0f}")),
        breaks("a time that is past", _reset(f"{NOW - 60:.0f}")),
        breaks("seconds to wait, of a limit that has a name", _reset(None, **{"X-RateLimit-Reset-short": "60"})),
        lacks("it is no number, which is another rule's matter", _reset("soon")),
        lacks("it is missing, which is another rule's matter", _reset(None)),
        lacks("the server's clock is not known", _reset("60", Date="yesterday")),
        lacks(
            "the server's clock is out of all measure",
            _reset("60", Date="Fri, 25 Jul 99999999999999999999 14:30:00 GMT"),
        ),
    ),
    "retry_after_is_given": (
        holds("in seconds", _retry(**{"Retry-After": "12"})),
        holds("of a limit that has a name", _retry(**{"Retry-After-short": "12"})),
        breaks("it is missing", _retry()),
        leaves_open("nobody was limited", history(documented("generateSession", 200, "a_story/step"))),
    ),
    "*": _of_route,
}
