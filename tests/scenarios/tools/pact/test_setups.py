"""A limit is used up by requests that arrived: those without a response may not have."""

import asyncio
from typing import Any, cast

import pytest

from harness.story import StoryStoppedError
from scenarios.tools.pact import setups
from scenarios.tools.pact.provider_states import ProviderStates

_OPERATION = "validateCrossAppSession"


def _sent(monkeypatch: pytest.MonkeyPatch, *statuses: int | None) -> int:
    """How many of the responses to come are waited for until the limit is used up."""
    left = list(statuses)

    async def send(*_: Any) -> int | None:
        return left.pop(0)

    monkeypatch.setattr(setups, "_send_counted", send)
    asyncio.run(setups._send_one(cast("ProviderStates", None), _OPERATION, ""))
    return len(statuses) - len(left)


def test_a_request_that_got_lost_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _sent(monkeypatch, 401, 401) == 1
    assert _sent(monkeypatch, None, None, 429, 401) == 3


def test_a_limit_that_nothing_reached_is_no_provider_state(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StoryStoppedError, match="none of 3 requests"):
        _sent(monkeypatch, None, None, None)
