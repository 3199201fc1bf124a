"""The address at which Pact verifiers ask for provider states: what it takes, and that it never answers 5xx."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from scenarios.provider_states import MESSAGES_PATH, PREFIX, STATES_PATH
from tests.scenarios.proxied import Proxied, deployment_at, proxy, upstream


def _asked(path: str, value: object, method: str = "POST", headers: Mapping[str, str] | None = None) -> httpx.Response:
    """The answer of a proxy before a server that answers `{}` to everything."""

    async def ask(here: Proxied) -> httpx.Response:
        url = here.urls["tuvens-api"] + path
        content = value if isinstance(value, bytes) else None
        return await here.client.request(
            method, url, json=None if content is not None else value, content=content, headers=dict(headers or {})
        )

    async def run() -> httpx.Response:
        async with upstream() as server, proxy(deployment_at(server.url)) as here:
            answer = await ask(here)
            assert not server.heads, "it was forwarded"
            return answer

    return asyncio.run(run())


def test_a_state_is_answered_with_the_values_that_its_interactions_need() -> None:
    answer = _asked(STATES_PATH, {"state": "the organiser belongs to the account", "action": "setup", "params": {}})
    assert (answer.status_code, answer.json()) == (200, {"account_id": 123})


def test_a_teardown_is_answered_though_nothing_was_set_up() -> None:
    answer = _asked(STATES_PATH, {"state": "the organiser belongs to the account", "action": "teardown", "params": {}})
    assert (answer.status_code, answer.json()) == (200, {})


def test_a_state_that_cannot_be_reached_is_a_422_that_says_why() -> None:
    answer = _asked(STATES_PATH, {"state": "the organiser has no part in the account", "action": "setup"})
    assert answer.status_code == 422
    assert "outsider" in answer.json()["error"]


def test_a_state_that_nobody_knows_is_a_422_that_names_the_known_ones() -> None:
    answer = _asked(STATES_PATH, {"state": "the moon is full", "action": "setup"})
    assert answer.status_code == 422
    assert "no session has this token" in answer.json()["error"]


def test_a_message_without_its_state_is_a_422() -> None:
    answer = _asked(MESSAGES_PATH, {"description": "a message"})
    assert answer.status_code == 422
    assert "state" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "value", "options", "status"),
    [
        (STATES_PATH, b"[]", {"headers": {"Content-Type": "application/json"}}, 400),
        (STATES_PATH, b"not JSON", {"headers": {"Content-Type": "application/json"}}, 400),
        (STATES_PATH, b'{"state": "x"}', {"headers": {"Content-Type": "text/plain"}}, 400),
        (STATES_PATH, {"state": "x"}, {"headers": {"Host": "pages.example"}}, 400),
        (STATES_PATH, b"{" + b" " * 100_000, {"headers": {"Content-Type": "application/json"}}, 400),
        (STATES_PATH, {"state": 7}, {}, 404),
        (STATES_PATH, b"", {"method": "GET"}, 400),
        (PREFIX + "elsewhere", {"state": "x"}, {}, 404),
    ],
    ids=["a list", "no JSON", "a form", "a foreign page", "too much", "no text", "GET", "elsewhere"],
)
def test_what_no_verifier_sends_is_refused_and_never_forwarded(
    path: str, value: object, options: dict[str, Any], status: int
) -> None:
    answer = _asked(path, value, **options)
    assert answer.status_code == status
    assert answer.json()["error"]
