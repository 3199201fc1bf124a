"""What hi.events refuses because its own request to tuvens-api may have been lost is tried again."""

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from contracts.upstream import says_unreachable
from harness.history import Exchange, History, Outcome
from scenarios.cast.sending import Reply, Sender
from tests.contracts.histories import answer, history

_BACK = "https://tuvens.example/hi-events/callback?status=error&error_code="
_SIGN_IN, _PAGE, _ACCOUNTS = "validateCrossAppSession", "openCrossAppPage", "listCrossAppAccounts"


def refused(operation: str, status: int, error: str) -> Exchange:
    body = json.dumps({"message": "no", "error": error}).encode() if status != 302 else b""
    headers = {"Location": _BACK + error} if status == 302 else {"Content-Type": "application/json"}
    return answer("s/x", status, body, operation=operation, headers=headers, callee="hi.events")


def lossy(count: int) -> History:
    tries = [replace(answer("s/y", 200), outcome=Outcome.NO_ANSWER, status=None) for _ in range(count)]
    seen = history(*tries)
    for each in list(seen.entries):
        seen.supersede(each.number)
    return seen


@pytest.mark.parametrize(
    ("operation", "status", "error", "again"),
    [
        (_SIGN_IN, 503, "UPSTREAM_UNAVAILABLE", True),
        (_SIGN_IN, 401, "UNAUTHORIZED", True),
        (_ACCOUNTS, 401, "UNAUTHORIZED", False),
        (_PAGE, 302, "NETWORK_ERROR", True),
        (_PAGE, 302, "INVALID_SESSION", False),
    ],
)
def test_a_refusal_is_tried_again_only_where_requests_of_the_run_were_lost(
    operation: str, status: int, error: str, again: bool
) -> None:
    exchange = refused(operation, status, error)
    for losses in (0, 2):
        recorder = SimpleNamespace(history=lossy(losses), limits=SimpleNamespace(seconds=10.0))
        sender = Sender(*(cast("Any", each) for each in (None, recorder, None, None, None)))
        assert sender.came_to_nothing(Reply(exchange, exchange.answer)) is (again and losses > 0)


@pytest.mark.parametrize(
    ("exchange", "says"),
    [
        (refused(_ACCOUNTS, 502, "UPSTREAM_UNAVAILABLE"), True),
        (refused(_ACCOUNTS, 502, "UNAUTHORIZED"), False),
        (refused(_PAGE, 302, "NETWORK_ERROR"), True),
        (refused(_PAGE, 302, "UNKNOWN_ERROR"), False),
    ],
)
def test_hi_events_says_that_it_could_not_reach_tuvens_api(exchange: Exchange, says: bool) -> None:
    assert says_unreachable(exchange) is says
