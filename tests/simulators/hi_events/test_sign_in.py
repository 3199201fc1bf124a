"""POST /auth/cross-app/validate: whom it lets in, and what it writes."""

import asyncio
from collections.abc import Sequence

import httpx
import pytest

from simulators.launch import TUVENS_API
from tests.simulators.hi_events.world import World


def sign_in_at_once(here: World, tokens: Sequence[str]) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        limits = httpx.Limits(max_connections=len(tokens))
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20, limits=limits) as client:
            address = f"{here.hi}/auth/cross-app/validate"
            return await asyncio.gather(*(client.post(address, json={"session_token": each}) for each in tokens))

    return asyncio.run(all_of_them())


def test_a_session_token_of_tuvens_becomes_a_session_of_hi_events(anywhere: World) -> None:
    answer = anywhere.sign_in(anywhere.session_token("organiser"))
    assert answer.status_code == 200
    body = answer.json()
    assert answer.headers["x-auth-token"] == body["token"]
    assert (body["token_type"], body["expires_in"]) == ("bearer", 3600)
    assert body["user"] == {
        "id": body["user"]["id"],
        "email": "organiser@example.com",
        "first_name": "Zoë",
        "last_name": "Müller",
        "external_user_id": "1",
    }
    assert [each["external_account_id"] for each in body["accounts"]] == [123]


def test_a_user_without_a_name_goes_by_the_email(here: World) -> None:
    user = here.sign_in(here.session_token("nameless")).json()["user"]
    assert (user["first_name"], user["last_name"]) == ("nameless@example.com", None)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"session_token": null}', b'{"session_token": 5}', b'{"session_token": ""}', b"[]", b"{", b'"x"'],
)
def test_a_request_without_a_usable_token_is_answered_401(here: World, body: bytes) -> None:
    address = f"{here.hi}/auth/cross-app/validate"
    answer = here.client.post(address, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["error"] == "UNAUTHORIZED"
    assert isinstance(answer.json()["message"], str)


def test_an_unknown_token_starts_no_session_and_makes_no_user(here: World) -> None:
    before = here.health()
    answer = here.sign_in("A" * 43)
    assert (answer.status_code, answer.json()["error"]) == (401, "UNAUTHORIZED")
    after = here.health()
    assert (after["users"], after["sessions"]) == (before["users"], before["sessions"])
    assert "x-auth-token" not in answer.headers


def test_an_expired_token_is_answered_401_even_if_it_was_good_before(here: World) -> None:
    token = here.session_token()
    assert here.sign_in(token).status_code == 200
    here.advance(901, app=TUVENS_API)
    assert here.sign_in(token).status_code == 401


def test_every_sign_in_asks_tuvens_api(here: World) -> None:
    token = here.session_token()
    before = here.control("GET", "/journal")["last"]
    for _ in range(3):
        here.sign_in(token)
    asked = here.control("GET", f"/journal?after={before}&operation=validateSession")["exchanges"]
    assert [each["direction"] for each in asked] == ["out"] * 3
    assert all(token not in str(each) for each in asked)


def test_thirty_concurrent_sign_ins_with_one_token_give_one_user(anywhere: World) -> None:
    before = anywhere.health()["users"]
    token = anywhere.session_token("101")
    answers = sign_in_at_once(anywhere, [token] * 30)
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["user"]["id"] for each in answers}) == 1
    assert len({each.json()["token"] for each in answers}) == 30
    assert anywhere.health()["users"] == before + 1


def test_concurrent_sign_ins_of_ten_users_give_ten_users(anywhere: World) -> None:
    tokens = [anywhere.session_token(str(user)) for user in range(101, 111) for _ in range(3)]
    answers = sign_in_at_once(anywhere, tokens)
    pairs = {(each.json()["user"]["external_user_id"], each.json()["user"]["id"]) for each in answers}
    assert len(pairs) == 10


def test_a_local_user_with_the_same_email_is_linked_and_not_doubled(anywhere: World) -> None:
    known = {each["email"]: each["id"] for each in anywhere.health()["unlinked_users"]}
    before = anywhere.health()["users"]
    tokens = [anywhere.session_token("guest-120@example.com") for _ in range(5)]
    answers = sign_in_at_once(anywhere, tokens)
    assert {each.json()["user"]["id"] for each in answers} == {known["guest-120@example.com"]}
    assert anywhere.health()["users"] == before


def test_an_account_stands_for_one_tuvens_account(anywhere: World) -> None:
    def account(user: str, number: int) -> int:
        bearer = anywhere.bearer(user, number)
        return int(anywhere.call("GET", "/auth/cross-app/status", bearer).json()["account_id"])

    acme = account("organiser", 123)
    assert account("member", 123) == acme
    assert len({acme, account("organiser", 124), account("outsider", 200)}) == 3


def test_the_eleventh_try_of_a_minute_is_answered_429(here: World) -> None:
    here.control("PUT", "/rate-limits", {"validateCrossAppSession": 10})
    try:
        answers = [here.sign_in("no such token") for _ in range(11)]
        assert [each.status_code for each in answers] == [401] * 10 + [429]
        assert answers[-1].json()["error"] == "TOO_MANY_REQUESTS"
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 61
        here.advance(60)
        assert here.sign_in("no such token").status_code == 401
    finally:
        here.control("PUT", "/rate-limits", {"validateCrossAppSession": None})


def test_no_token_is_ever_shown_by_the_control_plane(here: World) -> None:
    token = here.session_token()
    bearer = here.sign_in(token).json()["token"]
    here.call("GET", "/auth/cross-app/accounts", bearer)
    here.open_page(session_token=token)
    shown = str(here.control("GET", "/journal")) + str(here.control("GET", "/sessions"))
    assert token not in shown
    assert bearer not in shown
    assert here.built.shared_secret not in shown
