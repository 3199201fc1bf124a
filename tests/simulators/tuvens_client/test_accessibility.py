"""axe finds nothing serious on any page of tuvens-client and hi.events, in any state, light and dark."""

import os
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from contracts.times import iso_millis
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness import chromium
from simulators.launch import HI_EVENTS, TUVENS_API
from tests.axe import serious
from tests.simulators.tuvens_client.world import World

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_REQUIRED = os.environ.get("CI") == "true"
pytestmark = pytest.mark.skipif(
    not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"
)
_CALLBACKS = {
    "a success": "status=success&event_id=31&hi_events_event_id=7",
    "a cancelled setup": "status=cancelled&event_id=31",
    "an error": "status=error&event_id=31&error_code=INVALID_SESSION&error_message=over",
    "nonsense": "status=what",
}


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(params=["light", "dark"])
def page(browser: "Browser", request: pytest.FixtureRequest) -> Iterator["Page"]:
    # The checker is put into the page, which the pages' own policy would not permit.
    context = browser.new_context(color_scheme=request.param, bypass_csp=True)
    yield context.new_page()
    context.close()


def _signed_in(page: "Page", here: World) -> None:
    page.context.add_cookies([{"name": "jwt", "value": here.jwt(), "url": here.url}])


def _tell(here: World, status: str) -> None:
    """hi.events tells tuvens-api of event 11."""
    body = status_changed_body(
        event_id=11, title="Evening", status=status, tuvens_event_id="11", sent_at=iso_millis(time.time())
    )
    call = event_status_changed(body, sign(here.built.shared_secret, body))
    url = here.built.urls[TUVENS_API] + call.target
    assert here.client.post(url, content=body, headers=dict(call.headers)).status_code == 200


def test_the_front_door(page: "Page", here: World) -> None:
    page.goto(here.url)
    assert serious(page) == []


@pytest.mark.parametrize("signed_in", [True, False])
def test_an_event_without_ticketing(page: "Page", here: World, signed_in: bool) -> None:
    if signed_in:
        _signed_in(page, here)
    page.goto(f"{here.url}/event/31")
    assert serious(page) == []


@pytest.mark.parametrize("status", ["DRAFT", "LIVE", "CANCELLED"])
def test_each_state_of_the_widget(page: "Page", here: World, status: str) -> None:
    _signed_in(page, here)
    _tell(here, status)
    page.goto(f"{here.url}/event/11")
    assert serious(page) == []


def test_an_error_of_enable_ticketing(page: "Page", here: World) -> None:
    _signed_in(page, here)
    page.goto(f"{here.url}/event/31")
    here.arm("generate-session-route-missing", app=TUVENS_API)
    page.get_by_role("button", name="Enable ticketing").click()
    page.get_by_role("button", name="Try again").wait_for()
    assert serious(page) == []


@pytest.mark.parametrize("query", _CALLBACKS.values(), ids=_CALLBACKS)
def test_the_callback_page(page: "Page", here: World, query: str) -> None:
    _signed_in(page, here)
    page.goto(f"{here.url}/hi-events/callback?{query}")
    assert serious(page) == []


@pytest.mark.parametrize("path", ["/event/999999", "/nowhere"])
def test_what_there_is_not(page: "Page", here: World, path: str) -> None:
    page.goto(here.url + path)
    assert serious(page) == []


def test_arriving_and_managing_at_hi_events(page: "Page", here: World) -> None:
    token = here.wraps(headers=here.cookie()).json()["session_token"]
    page.goto(f"{here.built.urls[HI_EVENTS]}/auth/cross-app?session_token={token}&app_id=tuvens&account_id=123")
    assert serious(page) == []
    page.goto(f"{here.built.urls[HI_EVENTS]}/manage")
    assert serious(page) == []


@pytest.mark.parametrize("path", ["/auth/cross-app", "/event/11/evening", "/event/11/evening/embed", "/widget/11"])
def test_pages_of_hi_events_for_everybody(page: "Page", here: World, path: str) -> None:
    page.goto(here.built.urls[HI_EVENTS] + path)
    assert serious(page) == []


def test_a_page_that_is_broken_on_purpose_is_seen(page: "Page", here: World) -> None:
    page.goto(f"{here.url}/event/31")
    page.evaluate("document.body.append(document.createElement('button'))")
    assert any("button-name" in each for each in serious(page))
