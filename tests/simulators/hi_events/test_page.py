"""The page that a browser comes to from Tuvens, and the pages of an event."""

import asyncio
import json
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from simulators.launch import TUVENS_API
from tests.simulators.hi_events.world import BACK, EVENT_DATA, Peer, World

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>"


def query_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK
    return dict(parse_qsl(address.query))


def test_a_draft_is_made_and_the_browser_goes_back_with_both_spellings(anywhere: World) -> None:
    query = query_of(anywhere.open_to_create(anywhere.session_token(), account_id="123"))
    assert query["status"] == "success"
    assert query["success"] == "true"
    assert query["event_id"] == query["tuvens_event_id"] == "35"
    assert query["account_id"] == "123"
    assert query["message"]
    event = anywhere.call("GET", f"/events/{query['hi_events_event_id']}", anywhere.bearer()).json()
    assert (event["title"], event["status"], event["tuvens_event_id"]) == ("Evening of Songs", "DRAFT", "35")


def test_opening_the_page_again_makes_no_second_event(anywhere: World) -> None:
    before = anywhere.health()["events"]
    token = anywhere.session_token()
    asked = {
        "session_token": token,
        "return_url": BACK,
        "action": "create_event",
        "event_id": "36",
        "event_data": EVENT_DATA,
    }

    async def ten_times() -> list[httpx.Response]:
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=20) as client:
            return await asyncio.gather(*(client.get(f"{anywhere.hi}/auth/cross-app", params=asked) for _ in range(10)))

    assert len({query_of(each)["hi_events_event_id"] for each in asyncio.run(ten_times())}) == 1
    assert anywhere.health()["events"] == before + 1


def test_an_event_that_is_live_already_is_left_as_it_is(here: World) -> None:
    bearer = here.bearer()
    here.change(bearer, 11, "LIVE")
    assert query_of(here.open_to_create(here.session_token(), "11"))["hi_events_event_id"] == "11"
    event = here.call("GET", "/events/11", bearer).json()
    assert (event["title"], event["status"]) == ("Evening 11", "LIVE")


def test_the_draft_of_the_page_follows_its_tuvens_event(here: World) -> None:
    number = int(query_of(here.open_to_create(here.session_token(), "37"))["hi_events_event_id"])
    here.change(here.bearer(), number, "LIVE")
    here.advance(0)
    assert here.tuvens_event("37")["ticketing_status"] == "active"
    assert str(here.tuvens_event("37")["hi_events_event_id"]) == str(number)


@pytest.mark.parametrize(
    "evil",
    [
        "https://evil.example/",
        "//evil.example/",
        "/relative",
        "http://localhost:5173.evil.example/",
        "http://localhost:5173@evil.example/",
        "http://localhost:5174/",
        "https://localhost:5173/",
        "http://localhost/",
        "http:\\\\localhost:5173\\",
        "http://localhost:5173\\@evil.example/",
        "http://evil.example\\@localhost:5173/",
        " http://localhost:5173/",
        "http://localhost:5173\r\nX-Evil: 1",
        "javascript:alert(1)//http://localhost:5173",
        "data:text/html,<script>alert(1)</script>",
        "http://[localhost:5173/",
        "http://ⓛocalhost:5173/",
    ],
)
def test_a_return_url_of_another_origin_is_refused_before_anything_happens(here: World, evil: str) -> None:
    before = here.health()
    asked = {"session_token": here.session_token("101"), "action": "create_event", "event_id": "35"}
    for name in ("return_url", "callback_url"):
        answer = here.open_page(**asked, event_data=EVENT_DATA, **{name: evil})
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert answer.headers["content-type"].startswith("text/html")
        assert "evil" not in answer.text
    after = here.health()
    assert (after["events"], after["users"]) == (before["events"], before["users"])


def test_a_second_return_url_cannot_hide_behind_an_allowed_one(here: World) -> None:
    asked = {"session_token": here.session_token(), "return_url": [BACK, "https://evil.example/"]}
    answer = here.client.get(f"{here.hi}/auth/cross-app", params=asked)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_what_the_return_url_says_itself_does_not_pass_for_an_answer(here: World) -> None:
    forged = f"{BACK}?keep=1&status=success&hi_events_event_id=666"
    answer = here.open_to_create("A" * 43, return_url=forged)
    pairs = parse_qsl(urlsplit(answer.headers["location"]).query)
    assert ("keep", "1") in pairs
    assert [value for name, value in pairs if name == "status"] == ["error"]
    assert "hi_events_event_id" not in dict(pairs)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"session_token": ""}, "INVALID_SESSION"),
        ({"session_token": "A" * 43}, "INVALID_SESSION"),
        ({"event_id": "61"}, "INSUFFICIENT_PERMISSIONS"),
        ({"account_id": "124"}, "INSUFFICIENT_PERMISSIONS"),
        ({"event_id": ""}, "UNKNOWN_ERROR"),
        ({"event_id": "011"}, "UNKNOWN_ERROR"),
        ({"app_id": "another"}, "UNKNOWN_ERROR"),
        ({"event_data": ""}, "UNKNOWN_ERROR"),
        ({"event_data": "{"}, "UNKNOWN_ERROR"),
        ({"event_data": "[]"}, "UNKNOWN_ERROR"),
        ({"event_data": "{}"}, "UNKNOWN_ERROR"),
        ({"event_data": '{"title": 5}'}, "UNKNOWN_ERROR"),
        ({"event_data": '{"title": "x\\u0000"}'}, "UNKNOWN_ERROR"),
        ({"event_data": json.dumps({"title": "x" * 256})}, "UNKNOWN_ERROR"),
        ({"event_data": '{"title": "x", "start_date": "soon"}'}, "UNKNOWN_ERROR"),
    ],
)
def test_an_error_goes_back_with_its_code_and_makes_no_event(here: World, changes: dict[str, str], code: str) -> None:
    before = here.health()["events"]
    query = query_of(here.open_to_create(**{"token": here.session_token(), **_renamed(changes)}))
    assert (query["status"], query["success"], query["error_code"]) == ("error", "false", code)
    assert query["error_message"] == query["message"]
    assert here.health()["events"] == before


def _renamed(changes: dict[str, str]) -> dict[str, str]:
    names = {"session_token": "token", "event_id": "event"}
    return {names.get(name, name): value for name, value in changes.items()}


def test_an_expired_session_goes_back_as_invalid(here: World) -> None:
    token = here.session_token()
    here.advance(901, app=TUVENS_API)
    assert query_of(here.open_to_create(token))["error_code"] == "INVALID_SESSION"


def test_a_silent_tuvens_api_goes_back_as_a_network_error(lonely: tuple[World, Peer]) -> None:
    here, tuvens = lonely
    tuvens.answer = lambda path: None
    assert query_of(here.open_to_create("A" * 43))["error_code"] == "NETWORK_ERROR"


def managed(here: World, **query: str) -> httpx.Response:
    """Where the page leads who comes to manage, opened with the cookie that it set."""
    arrived = here.open_page(**{"session_token": here.session_token(), **query})
    assert arrived.status_code == 302, arrived.text
    cookie = arrived.headers["set-cookie"].partition(";")[0]
    here.client.cookies.clear()
    return here.client.get(here.hi + arrived.headers["location"], headers={"Cookie": cookie})


def test_who_comes_to_manage_is_signed_in_and_led_on_without_the_token(here: World) -> None:
    token = here.session_token()
    arrived = here.open_page(session_token=token)
    assert arrived.headers["location"] == "/manage"
    assert token not in str(arrived.headers) + arrived.text
    assert arrived.headers["referrer-policy"] == "no-referrer"
    answer = managed(here)
    assert answer.status_code == 200
    assert "Manage ticketing" in answer.text
    assert "organiser@example.com" in answer.text
    assert "Evening 11" in answer.text
    assert "Evening 12" in answer.text


def test_the_cookie_of_the_manage_page_is_the_bearer_token_of_the_api(here: World) -> None:
    arrived = here.open_page(session_token=here.session_token())
    bearer = arrived.headers["set-cookie"].partition(";")[0].partition("=")[2]
    assert here.change(bearer, 11, "LIVE").status_code == 200
    assert bearer not in json.dumps(here.control("GET", "/journal"))


def test_one_event_is_managed_and_the_way_back_is_offered(here: World) -> None:
    answer = managed(here, event_id="12", return_url=BACK)
    assert "Evening 12" in answer.text
    assert "Evening 11" not in answer.text
    assert f"{BACK}?status=success&amp;event_id=12&amp;hi_events_event_id=12&amp;account_id=123" in answer.text


def test_who_leaves_without_having_set_up_ticketing_has_cancelled(here: World) -> None:
    answer = managed(here, event_id="35", return_url=BACK)
    assert "Evening 11" in answer.text
    assert f"{BACK}?status=cancelled&amp;success=false" in answer.text


def test_the_manage_page_offers_no_way_back_to_a_foreign_place(here: World) -> None:
    cookie = {"Cookie": f"hi_events_session={here.bearer()}"}
    answer = here.client.get(f"{here.hi}/manage", params={"return_url": "https://evil.example/"}, headers=cookie)
    assert answer.status_code == 200
    assert "evil" not in answer.text


@pytest.mark.parametrize("cookie", ["", "hi_events_session=nonsense"])
def test_without_a_session_there_is_nothing_to_manage(here: World, cookie: str) -> None:
    here.client.cookies.clear()
    answer = here.client.get(f"{here.hi}/manage", headers={"Cookie": cookie})
    assert answer.status_code == 401
    assert "Evening" not in answer.text


def test_the_manage_page_runs_its_own_script_and_no_other(here: World) -> None:
    headers = managed(here).headers
    assert "script-src 'self';" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    script = here.client.get(f"{here.hi}/_app/manage.js")
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert here.client.get(f"{here.hi}/_app/nothing.js").status_code == 404


def test_an_error_without_a_return_url_is_a_page(here: World) -> None:
    answer = here.open_page(session_token="A" * 43)
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")
    assert "A" * 43 not in answer.text


def test_hostile_titles_are_escaped_wherever_they_are_shown(here: World) -> None:
    token = here.session_token()
    data = json.dumps({"title": HOSTILE, "description": HOSTILE})
    number = query_of(here.open_to_create(token, "38", event_data=data))["hi_events_event_id"]
    pages = [
        managed(here, session_token=token),
        here.call("GET", f"/event/{number}/x"),
        here.call("GET", f"/event/{number}/x/embed"),
        here.call("GET", f"/widget/{number}"),
    ]
    for page in pages:
        assert page.status_code == 200
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        assert "<img" not in page.text


@pytest.mark.parametrize("path", ["/event/11/evening-11", "/event/11/evening-11/embed", "/widget/11"])
def test_pages_of_an_event_say_what_it_is_and_how_it_stands(here: World, path: str) -> None:
    draft = here.call("GET", path)
    assert "Evening 11" in draft.text
    here.change(here.bearer(), 11, "LIVE")
    assert here.call("GET", path).text != draft.text


@pytest.mark.parametrize("path", ["/event/999/x", "/event/x/x", "/event/999/x/embed", "/widget/999"])
def test_an_event_that_does_not_exist_has_no_page(here: World, path: str) -> None:
    answer = here.call("GET", path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/event/11/x/embed", "/widget/11", "/widget/999"])
def test_embeddable_pages_may_be_framed_by_tuvens_client_alone(here: World, path: str) -> None:
    headers = here.call("GET", path).headers
    assert "frame-ancestors 'self' http://localhost:5173" in headers["content-security-policy"]
    assert "x-frame-options" not in headers


@pytest.mark.parametrize("path", ["/auth/cross-app", "/event/11/x"])
def test_other_pages_may_not_be_framed(here: World, path: str) -> None:
    headers = here.call("GET", path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
