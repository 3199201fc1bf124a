"""hi.events when tuvens-api is down, slow, or answers nonsense: a clear error in time, never a session."""

import json
import time

import pytest

from tests.simulators.hi_events.world import Answer, Peer, World

GOOD = {"user_id": "1", "email": "a@example.com", "name": "A", "account_id": 123}

NONSENSE: dict[str, Answer] = {
    "500": (500, {}, b"{}"),
    "429": (429, {}, b"{}"),
    "an HTML page": (200, {"Content-Type": "text/html"}, b"<h1>It works!</h1>"),
    "an empty body": (200, {}, b""),
    "JSON that is no object": (200, {}, b"[1]"),
    "a number for user_id": (200, {}, json.dumps({**GOOD, "user_id": 1}).encode()),
    "no account": (200, {}, json.dumps({**GOOD, "account_id": None}).encode()),
    "an account out of range": (200, {}, json.dumps({**GOOD, "account_id": 2**70}).encode()),
    "a NUL in the email": (200, {}, json.dumps({**GOOD, "email": "a\x00b"}).encode()),
    "a lone surrogate in the name": (200, {}, json.dumps({**GOOD, "name": "\ud800"}).encode()),
    "an endless user_id": (200, {}, json.dumps({**GOOD, "user_id": "9" * 5000}).encode()),
    "a redirect": (302, {"Location": "http://127.0.0.1:1/"}, b""),
    "two megabytes": (200, {}, b" " * 2_000_000),
    "broken gzip": (200, {"Content-Encoding": "gzip"}, b"no gzip"),
}


def expect_unavailable(here: World) -> None:
    before = here.health()
    begun = time.monotonic()
    answer = here.sign_in("A" * 43)
    assert time.monotonic() - begun < 5
    assert (answer.status_code, answer.json()["error"]) == (503, "UPSTREAM_UNAVAILABLE")
    after = here.health()
    assert (after["users"], after["sessions"], after["accounts"]) == (
        before["users"],
        before["sessions"],
        before["accounts"],
    )
    assert after["failures"] == 0


@pytest.mark.parametrize("kind", NONSENSE)
def test_an_answer_that_makes_no_sense_starts_no_session(lonely: tuple[World, Peer], kind: str) -> None:
    here, tuvens = lonely
    tuvens.answer = lambda path: NONSENSE[kind]
    expect_unavailable(here)
    assert len(tuvens.requests) == 1


def test_a_tuvens_api_that_never_answers_is_given_up_in_time(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.answer = lambda path: None
    expect_unavailable(here)


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_by_tuvens_api_is_answered_401(lonely: tuple[World, Peer], status: int) -> None:
    here, tuvens = lonely
    tuvens.always(status)
    answer = here.sign_in("A" * 43)
    assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")


def test_the_shared_secret_goes_to_tuvens_api_alone_and_is_not_journaled(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    here.sign_in("A" * 43)
    path, headers, body = tuvens.requests[0]
    assert path == "/api/cross-app/validate-session"
    assert headers["x-shared-secret"] == here.built.shared_secret
    assert json.loads(body) == {"session_token": "A" * 43}
    assert here.built.shared_secret not in str(here.control("GET", "/journal"))


def test_accounts_and_permissions_are_answered_401_while_tuvens_api_fails(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.always(200, json.dumps(GOOD).encode(), Content_Type="application/json")
    bearer = here.sign_in("A" * 43).json()["token"]
    tuvens.always(500)
    for answer in (
        here.call("GET", "/auth/cross-app/accounts", bearer),
        here.call("POST", "/auth/cross-app/validate-permission", bearer, {"permission": "create_events"}),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "UPSTREAM_UNAVAILABLE")
    assert here.call("GET", "/auth/cross-app/status", bearer).status_code == 200


def test_cookies_of_tuvens_api_are_not_sent_back(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.always(404, b"{}", Set_Cookie="session=1")
    here.sign_in("A" * 43)
    here.sign_in("B" * 43)
    assert all("cookie" not in {name.lower() for name in headers} for _, headers, _ in tuvens.requests)
