"""What a session at hi.events may do, and what nobody may do without one."""

import pytest

from simulators.launch import TUVENS_API
from tests.simulators.hi_events.world import World

PROTECTED = [
    ("GET", "/auth/cross-app/status", None),
    ("GET", "/auth/cross-app/accounts", None),
    ("POST", "/auth/cross-app/validate-permission", {"permission": "create_events"}),
    ("PUT", "/events/11/status", {"status": "LIVE"}),
    ("GET", "/events/11", None),
]


def test_status_says_whose_session_it_is_and_until_when(here: World) -> None:
    signed_in = here.sign_in(here.session_token("member")).json()
    answer = here.call("GET", "/auth/cross-app/status", signed_in["token"])
    assert answer.status_code == 200
    assert answer.json()["authenticated"] is True
    assert answer.json()["user"] == signed_in["user"]
    assert answer.json()["account_id"] == signed_in["accounts"][0]["id"]
    assert answer.json()["expires_at"].endswith("Z")


def test_accounts_are_those_that_tuvens_api_lists_now(here: World) -> None:
    answer = here.call("GET", "/auth/cross-app/accounts", here.bearer("organiser"))
    assert answer.json()["accounts"] == [
        {"id": 123, "name": "Acme Events", "slug": "acme-events"},
        {"id": 124, "name": "Bluebird Concerts", "slug": "bluebird-concerts"},
    ]


@pytest.mark.parametrize(
    ("user", "permission", "resource", "granted"),
    [
        ("organiser", "manage_ticketing", None, True),
        ("organiser", "manage_ticketing", 11, True),
        ("organiser", "manage_ticketing", 61, False),
        ("member", "manage_ticketing", 11, False),
        ("member", "create_events", None, True),
        ("organiser", "fly", None, False),
    ],
)
def test_permissions_are_what_tuvens_api_says(
    here: World, user: str, permission: str, resource: int | None, granted: bool
) -> None:
    body = {"permission": permission} | ({} if resource is None else {"resource_id": resource})
    answer = here.call("POST", "/auth/cross-app/validate-permission", here.bearer(user), body)
    assert answer.json() == {"has_permission": granted}


@pytest.mark.parametrize("body", [{}, {"permission": 5}, {"permission": "create_events", "resource_id": "11"}, []])
def test_an_ill_formed_permission_request_is_answered_422_with_errors(here: World, body: object) -> None:
    answer = here.call("POST", "/auth/cross-app/validate-permission", here.bearer(), body)
    assert answer.status_code == 422
    assert all(isinstance(each, list) for each in answer.json()["errors"].values())


@pytest.mark.parametrize(("method", "path", "body"), PROTECTED)
def test_without_a_living_session_the_answer_is_401(here: World, method: str, path: str, body: object) -> None:
    for credential in (None, "Bearer", "Bearer a b", "Bearer nonsense", "Basic abc", "nonsense"):
        headers = {} if credential is None else {"Authorization": credential}
        answer = here.client.request(method, here.hi + path, json=body, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED"), credential


def test_authentication_comes_before_the_requests_form(here: World) -> None:
    assert here.call("PUT", "/events/11/status", None, {"status": "NONSENSE"}).status_code == 401


def test_a_session_ends_after_its_hour(here: World) -> None:
    bearer = here.bearer()
    here.advance(3599)
    assert here.call("GET", "/auth/cross-app/status", bearer).status_code == 200
    here.advance(2)
    assert here.call("GET", "/auth/cross-app/status", bearer).status_code == 401


def test_a_session_outlives_the_tuvens_session_but_accounts_do_not(here: World) -> None:
    bearer = here.bearer()
    here.advance(901, app=TUVENS_API)
    assert here.call("GET", "/auth/cross-app/status", bearer).status_code == 200
    assert here.call("GET", "/auth/cross-app/accounts", bearer).status_code == 401
    asked = here.call("POST", "/auth/cross-app/validate-permission", bearer, {"permission": "create_events"})
    assert asked.status_code == 401


def test_an_unknown_path_has_the_error_shape_too(here: World) -> None:
    answer = here.call("GET", "/api/nothing")
    assert answer.status_code == 404
    assert set(answer.json()) == {"message", "error"}


def test_answers_of_the_api_are_not_to_be_stored_or_sniffed(here: World) -> None:
    headers = here.sign_in(here.session_token()).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
