"""Tests of a client of tuvens-api."""

import httpx
import pytest

from crossapp.pytest_simulators import App, Stack


def validate(stack: Stack, token: str) -> httpx.Response:
    """What the client under test does: ask tuvens-api whose session it is."""
    return httpx.post(
        f"{stack.tuvens_api.url}/api/cross-app/validate-session",
        headers={"x-shared-secret": stack.shared_secret},
        json={"session_token": token},
        trust_env=False,
    )


def test_an_expired_session_is_refused(tuvens_api: App, crossapp_stack: Stack) -> None:
    token = tuvens_api.session("organiser")
    assert validate(crossapp_stack, token).status_code == 200
    tuvens_api.clock.advance("15m1s")
    assert validate(crossapp_stack, token).status_code == 404
    tuvens_api.journal.assert_called("validateSession", status=404, times=1)


def test_the_clock_and_the_journal_begin_again(tuvens_api: App, crossapp_stack: Stack) -> None:
    token = tuvens_api.session("organiser")
    assert validate(crossapp_stack, token).status_code == 200
    tuvens_api.journal.assert_called("validateSession", times=1)


def test_a_fault_lasts_until_the_test_ends(tuvens_api: App, crossapp_stack: Stack) -> None:
    tuvens_api.fault("user-id-is-a-number", times=1)
    token = tuvens_api.session("organiser")
    kinds = [type(validate(crossapp_stack, token).json()["user_id"]) for _ in range(2)]
    assert kinds == [int, str]


def test_the_repository_keeps_its_own_options(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("--deployment")
