"""The pages of tuvens-client as their server sends them; what their scripts do is a browser's to see."""

import json
import re
from dataclasses import replace

import pytest

from simulators.launch import HI_EVENTS, TUVENS_API, LaunchOptions
from simulators.seed import Seed, default_seed
from simulators.tuvens_client import callback
from tests.launching import launched
from tests.simulators.tuvens_client.world import World

HOSTILE = "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>$title"


def data_of(page: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="event">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    value = json.loads(found[1])
    assert isinstance(value, dict)
    return value


def test_the_event_page_has_the_event_and_all_four_states(here: World) -> None:
    page = here.get("/event/31")
    assert page.status_code == 200
    assert "<title>Evening 31 · Tuvens</title>" in page.text
    assert "2030-08-04, 19:00 to 23:00 UTC" in page.text
    assert data_of(page.text)["ticketing_enabled"] is False
    for state in ("active", "setup", "inactive", "none"):
        assert f'data-state="{state}"' in page.text
    assert 'data-signed-in="no"' in page.text
    assert 'data-signed-in="yes"' in here.get("/event/31", here.cookie()).text


def test_pages_permit_just_what_they_need(here: World) -> None:
    headers = here.get("/event/31").headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert f"connect-src 'self' {here.built.urls[TUVENS_API]};" in policy
    assert f"frame-src {here.built.urls[HI_EVENTS]};" in policy
    assert "unsafe" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_hostile_titles_are_text_everywhere() -> None:
    plain = default_seed()
    events = (replace(plain.events[0], title=HOSTILE, description=HOSTILE), *plain.events[1:])
    with launched(LaunchOptions(seed=Seed(plain.accounts, plain.users, events, plain.hi_events))) as built:
        world = World(built)
        page = world.get("/event/11").text
        assert data_of(page)["title"] == HOSTILE
        for text in (page, world.get("/").text):
            assert "<script>alert" not in text
            assert "<img" not in text
        assert page.count("</script>") == 2
        world.client.close()


def test_an_event_that_is_not_there_has_no_page(here: World) -> None:
    for path in ("/event/999", "/event/%00", "/event/%3Cscript%3E"):
        answer = here.get(path)
        assert answer.status_code == 404, path
        assert "There is no such event." in answer.text
    assert here.get("/event/..%2Fx").status_code == 404


def test_every_file_that_a_page_names_is_served(here: World) -> None:
    page = here.get("/event/31").text
    named = re.findall(r'(?:src|href)="(/_app/[^"]+)"', page)
    scripts = [f"/_app/{name}" for name in ("updates.js", "journey.js", "tickets.js", "page.js")]
    assert named
    for path in (*named, *scripts):
        answer = here.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(("text/css", "text/javascript"))
    assert here.get("/_app/../app.py").status_code == 404


@pytest.mark.parametrize(
    ("query", "outcome"),
    [
        ("status=success&event_id=31&hi_events_event_id=7", "Ticketing is set up"),
        ("success=true&tuvens_event_id=31&hi_events_event_id=7", "Ticketing is set up"),
        ("status=cancelled&event_id=31&success=false", "Ticketing setup was cancelled"),
        ("status=error&error_code=INVALID_SESSION&success=true", "Ticketing was not set up"),
        ("success=false&message=Oops", "Ticketing was not set up"),
        ("status=success&event_id=31", "Ticketing was not set up"),
        ("status=nonsense", "Ticketing was not set up"),
        ("", "Ticketing was not set up"),
    ],
)
def test_the_callback_page_tells_how_it_went_in_either_spelling(here: World, query: str, outcome: str) -> None:
    answer = here.get(f"/hi-events/callback?{query}", here.cookie())
    assert answer.status_code == 200
    assert f"<h1>{outcome}</h1>" in answer.text


def test_a_success_changes_the_event_and_nothing_else_does(here: World) -> None:
    for query in ("status=cancelled", "status=error", "status=error&success=true"):
        here.get(f"/hi-events/callback?{query}&event_id=31&hi_events_event_id=7", here.cookie())
    assert here.tuvens_event("31")["ticketing_enabled"] is False
    here.get("/hi-events/callback?status=success&event_id=31&hi_events_event_id=7", here.cookie())
    changed = here.tuvens_event("31")
    assert (changed["ticketing_enabled"], changed["ticketing_status"]) == (True, "setup")
    assert str(changed["hi_events_event_id"]) == "7"


@pytest.mark.parametrize(
    ("user", "event", "why"),
    [
        (None, "31", "You are not signed in any more."),
        ("member", "31", "You may not change this event."),
        ("organiser", "61", "You may not change this event."),
        ("organiser", "999", "There is no such event at Tuvens."),
    ],
)
def test_an_event_that_could_not_be_changed_is_said_with_a_way_to_retry(
    here: World, user: str | None, event: str, why: str
) -> None:
    path = f"/hi-events/callback?status=success&event_id={event}&hi_events_event_id=7"
    answer = here.get(path, None if user is None else here.cookie(user))
    assert "the event is not linked yet" in answer.text
    assert why in answer.text
    assert f'href="{path.replace("&", "&amp;")}">Try again' in answer.text


def test_what_hi_events_says_is_shown_as_text_and_not_at_length(here: World) -> None:
    answer = here.get("/hi-events/callback", None)
    said = here.client.get(
        f"{here.url}/hi-events/callback",
        params={"status": "error", "error_message": HOSTILE + "x" * 5000, "event_id": '"><script>alert(1)</script>'},
    ).text
    assert "Hi.Events says" not in answer.text
    assert "Hi.Events says: “&lt;/script&gt;" in said
    assert "<script" not in said
    assert "x" * 301 not in said


def test_every_error_code_of_the_contract_has_a_sentence_of_its_own() -> None:
    assert len(set(callback.WHY.values())) == 6
    told = callback.read({"status": "error", "error_code": "NETWORK_ERROR"}.get)
    assert told.why == callback.WHY["NETWORK_ERROR"]


def test_the_start_page_signs_in_and_out(here: World) -> None:
    assert "Sign in as organiser" in here.get("/").text
    answer = here.client.post(f"{here.url}/sign-in", data={"user": "1", "next": "/event/31"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/event/31")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert here.wraps(headers={"Cookie": cookie.partition(";")[0]}).status_code == 200
    out = here.client.post(f"{here.url}/sign-out")
    assert 'jwt=""' in out.headers["set-cookie"]


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example/", "/\\evil.example", "/\r\nX: 1", "x"])
def test_signing_in_leads_nowhere_else(here: World, elsewhere: str) -> None:
    answer = here.client.post(f"{here.url}/sign-in", data={"user": "1", "next": elsewhere})
    assert answer.headers["location"] == "/"


def test_another_site_cannot_sign_anybody_in(here: World) -> None:
    answer = here.client.post(f"{here.url}/sign-in", data={"user": "1"}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


@pytest.mark.parametrize("jwt", ["a b", "a;b", "é"])
def test_what_no_cookie_can_carry_is_no_jwt(here: World, jwt: str) -> None:
    assert here.client.post(f"{here.url}/sign-in", data={"jwt": jwt}).status_code == 400
