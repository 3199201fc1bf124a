"""tuvens-client's own generate-session: tuvens-api's, with the user's JWT."""

import json

import pytest

from harness.deployment import DeploymentError
from harness.deployment_file import build_deployment
from simulators.launch import TUVENS_API, TUVENS_CLIENT, LaunchOptions
from tests.launching import launched
from tests.simulators.tuvens_client.world import World


def test_the_cookie_and_the_header_carry_the_users_jwt(here: World) -> None:
    for headers in (here.cookie(), {"Authorization": f"Bearer {here.jwt()}"}):
        answer = here.wraps(headers=headers)
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["session_token"]) >= 32
        assert answer.json()["expires_at"].endswith("Z")
        assert answer.headers["cache-control"] == "no-store"


def test_the_header_goes_before_the_cookie(here: World) -> None:
    answer = here.wraps({"account_id": 200}, {**here.cookie(), "Authorization": f"Bearer {here.jwt('outsider')}"})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "user", "status"),
    [
        (None, None, 401),
        ({}, "organiser", 400),
        ({"account_id": "abc"}, "organiser", 400),
        ([123], "organiser", 400),
        ({"account_id": 200}, "organiser", 403),
    ],
)
def test_refusals_are_passed_on_in_tuvens_apis_shape(here: World, body: object, user: str | None, status: int) -> None:
    answer = here.wraps(body, None if user is None else here.cookie(user))
    assert answer.status_code == status
    value = answer.json()
    assert value["statusCode"] == status
    assert value["path"] == "/api/cross-app/generate-session"
    assert value["message"]
    assert value["timestamp"].endswith("Z")


@pytest.mark.parametrize("jwt", ["nonsense", "a.b.c", "", "é.é.é"])
def test_what_is_no_jwt_is_answered_401(here: World, jwt: str) -> None:
    answer = here.client.post(
        f"{here.url}/api/cross-app/generate-session",
        content=b'{"account_id":123}',
        headers={b"Cookie": f"jwt={jwt}".encode(), b"Content-Type": b"application/json"},
    )
    assert answer.status_code == 401


def test_no_jwt_and_no_session_token_stay_in_the_journal(here: World) -> None:
    token = here.wraps(headers=here.cookie()).json()["session_token"]
    here.get("/event/31", here.cookie())
    journal = json.dumps(here.control("GET", "/journal"))
    assert "wrapGenerateSession" in journal
    assert "generateSession" in journal
    assert token not in journal
    assert here.jwt().partition(".")[2] not in journal


def test_a_tuvens_api_that_is_not_there_is_an_error_in_the_same_shape() -> None:
    with launched(LaunchOptions(only=(TUVENS_CLIENT,), tuvens_url="http://127.0.0.1:9")) as built:
        world = World(built)
        answer = world.wraps(headers={"Authorization": "Bearer a.b.c"})
        assert (answer.status_code, answer.json()["statusCode"]) == (500, 500)
        page = world.get("/event/31")
        assert page.status_code == 503
        assert "Try again" in page.text
        world.client.close()


@pytest.mark.parametrize("fault", ["error-shape-of-nest", "tokens-are-short"])
def test_what_tuvens_api_gets_wrong_does_not_leave_in_our_name(here: World, fault: str) -> None:
    here.arm(fault, app=TUVENS_API)
    here.wraps(headers=here.cookie())
    refused = here.wraps()
    assert refused.json()["path"] == "/api/cross-app/generate-session"
    assert here.control("GET", "/health")["contract_problems"] == 0


def test_it_stands_in_the_description_of_the_deployment(here: World) -> None:
    described = here.built.description()["targets"][TUVENS_CLIENT]
    assert described["url"] == here.url
    assert described["kind"] == "simulated"
    assert here.url in here.built.description()["targets"][TUVENS_API]["cors_origins"]


@pytest.mark.parametrize(("name", "valid"), [("session", True), ("", True), ("a b", False), ("a;b", False)])
def test_the_cookie_of_a_deployment_is_named_in_its_file(name: str, valid: bool) -> None:
    value = {
        "targets": {TUVENS_CLIENT: {"url": "http://127.0.0.1:1", "jwt_cookie": name}},
        "credentials": {"shared_secret": "a-secret-that-two-applications-share"},
        "users": [{"role": "organiser", "account_id": 1, "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"}],
    }
    if not valid:
        with pytest.raises(DeploymentError, match="jwt_cookie"):
            build_deployment(value, apps=(TUVENS_CLIENT,), editions=("2025-07",))
        return
    built = build_deployment(value, apps=(TUVENS_CLIENT,), editions=("2025-07",))
    assert built.targets[TUVENS_CLIENT].jwt_cookie == name
