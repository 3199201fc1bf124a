"""The address at which Pact verifiers ask for provider states: what it takes, and that it never answers 5xx."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest

from contracts.times import iso_millis
from scenarios.tools.pact.state_server import MESSAGES_PATH, PREFIX, STATES_PATH
from tests.scenarios.tools.proxied import Proxied, answer_bytes, deployment_at, proxy, upstream


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
    answer = _asked(STATES_PATH, {"state": "the organiser does not belong to the account", "action": "setup"})
    assert answer.status_code == 422
    assert "outsider" in answer.json()["error"]


def test_a_session_that_lives_too_long_to_be_waited_for_is_a_422_at_once() -> None:
    answer = _asked(STATES_PATH, {"state": "the session has expired", "action": "setup"})
    assert answer.status_code == 422
    assert "--patience" in answer.json()["error"]


def test_who_signs_in_after_the_validations_were_used_up_waits_for_them() -> None:
    session = {"session_token": "a-session-token-that-nobody-may-see", "expires_at": iso_millis(time.time() + 900)}

    async def run() -> None:
        minted, valid = answer_bytes(json.dumps(session).encode()), answer_bytes(b"{}")
        refused = answer_bytes(b"{}", status="429 Too Many Requests")
        async with upstream(minted, valid, refused) as server:
            deployment = deployment_at(server.url)
            target = replace(deployment.targets["tuvens-api"], rate_limits={"validateSession": 1})
            async with proxy(replace(deployment, targets={"tuvens-api": target})) as here:
                body = {"state": "the secret's rate limit for validations is exhausted", "action": "setup"}
                reached = await here.client.post(here.urls["tuvens-api"] + STATES_PATH, json=body)
                assert reached.status_code == 200, reached.text
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(here.stage.rate_limits.take("validateCrossAppSession", "address"), 0.05)

    asyncio.run(run())


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
