"""The inspector's page in a real browser: what people see, with the keyboard alone, small and large, light and dark."""

import asyncio
import os
import re
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest

from harness import chromium
from simulators import launch
from simulators.kit.journal import RawExchange
from simulators.kit.paths import CONTROL
from simulators.launch import HI_EVENTS, TUVENS_API, TUVENS_CLIENT, Launched, LaunchOptions
from tests.axe import OPTIONS
from tests.launching import launched

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

T = TypeVar("T")

_REQUIRED = os.environ.get("CI") == "true"
pytestmark = pytest.mark.skipif(
    not (chromium.is_available() or _REQUIRED), reason="no browser: apt-get install chromium"
)
SHOWN = ".row:not([hidden])"


class Viewer:
    """A browser, and simulators to look at."""

    def __init__(self, runner: asyncio.Runner, browser: "Browser", built: Launched) -> None:
        self._runner = runner
        self._browser = browser
        self.built = built
        self.client = httpx.Client(trust_env=False, timeout=20)

    def control(self, method: str, app: str, path: str, value: object = None) -> Any:
        headers = {"Authorization": f"Bearer {self.built.control_tokens[app]}"}
        return self.client.request(method, self.built.urls[app] + CONTROL + path, headers=headers, json=value).json()

    def fresh(self) -> None:
        for app in self.built.urls:
            self.control("DELETE", app, "/faults")
            self.control("PUT", app, "/clock", {"now": time.time(), "running": True})
            self.control("POST", app, "/reset")

    def mint(self) -> str:
        answer = self.client.post(
            self.built.urls[TUVENS_API] + "/api/cross-app/generate-session",
            headers={"Authorization": f"Bearer {self.built.description()['users'][0]['jwt']}"},
            json={"account_id": 123},
        )
        return str(answer.json()["session_token"])

    def change(self, status: str) -> None:
        """An organiser changes event 11 at hi.events, which sends a webhook."""
        hi = self.built.urls[HI_EVENTS]
        token = self.client.post(f"{hi}/auth/cross-app/validate", json={"session_token": self.mint()}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        self.client.put(f"{hi}/events/11/status", headers=headers, json={"status": status})
        self.control("POST", HI_EVENTS, "/clock/advance", {"seconds": 0})

    def look(
        self,
        story: "Callable[[Page], Coroutine[Any, Any, T]]",
        *,
        width: int = 1280,
        height: int = 800,
        scheme: Any = "light",
        address: str | None = None,
    ) -> T:
        """Open the inspector, and let a story look at it; no script may fail, nothing may break the page's policy."""
        said: list[str] = []

        async def run() -> T:
            context = await self._browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,
                permissions=["clipboard-read", "clipboard-write"],
            )
            try:
                page = await context.new_page()
                page.set_default_timeout(10_000)
                page.on("pageerror", lambda error: said.append(str(error)))
                page.on(
                    "console",
                    lambda line: (
                        said.append(line.text) if line.type == "error" and "Failed to load" not in line.text else None
                    ),
                )
                asked = []
                page.on("request", lambda request: asked.append(request.url))
                await page.goto(address or self.built.inspector or "")
                told = await story(page)
                own = self.built.urls[TUVENS_API]
                assert [each for each in asked if not each.startswith(own)] == [], "something came from elsewhere"
                return told
            finally:
                await context.close()

        told = self._runner.run(run())
        assert said == []
        return told


@contextmanager
def viewing(built: Launched) -> Iterator[Viewer]:
    from playwright.async_api import async_playwright

    with asyncio.Runner() as runner:
        driver = runner.run(async_playwright().start())
        browser = runner.run(driver.chromium.launch(executable_path=chromium.executable(), args=["--disable-gpu"]))
        viewer = Viewer(runner, browser, built)
        try:
            yield viewer
        finally:
            viewer.client.close()
            runner.run(browser.close())
            runner.run(driver.stop())


@pytest.fixture(scope="module")
def _viewer() -> Iterator[Viewer]:
    assert chromium.is_available(), "CI installs chromium and the extra browser"
    with launched(LaunchOptions(limits="raised")) as built, viewing(built) as viewer:
        yield viewer


@pytest.fixture
def viewer(_viewer: Viewer) -> Viewer:
    _viewer.fresh()
    return _viewer


async def texts(page: "Page", selector: str) -> list[str]:
    """The texts of all elements that are seen."""
    return [(await each.inner_text()).strip() for each in await page.locator(selector).all() if await each.is_visible()]


async def labels(page: "Page") -> list[str]:
    """What the rows in sight are called, in their order."""
    found = await page.locator(SHOWN).evaluate_all(
        "rows => rows.map(row => [Number(row.dataset.index), row.getAttribute('aria-label')])"
    )
    return [label for _, label in sorted(found)]


async def active(page: "Page") -> str:
    """The row that is chosen."""
    return await page.locator("#list [aria-selected=true]").get_attribute("aria-label") or ""


async def counted(page: "Page", text: str) -> None:
    """So many exchanges; messages of the stream are counted behind them."""
    await page.locator("#count", has_text=re.compile(rf"^{re.escape(text)}(, \d+ messages?)?$")).wait_for()


def test_an_exchange_shows_at_once_and_the_token_does_not_stay_in_the_address(viewer: Viewer) -> None:
    async def story(page: "Page") -> None:
        await page.locator("#empty", has_text="No traffic yet").wait_for()
        viewer.change("LIVE")
        await counted(page, "5 exchanges")
        # Who sent it tells of it once it has the answer: by then the receiver's side of it may be in sight already.
        await page.locator(f"{SHOWN}[aria-label*='attempt 1']").wait_for()
        seen = await labels(page)
        assert re.search(r"python-httpx to hi\.events, POST /auth/cross-app/validate, 200 OK, .* user 1$", seen[1])
        assert "hi.events to tuvens-api, POST /api/cross-app/validate-session, 200 OK" in seen[2]
        assert re.search(r"webhook \d+ · attempt 1", seen[4])
        assert viewer.built.control_tokens[TUVENS_API] not in page.url
        await page.reload()
        await counted(page, "5 exchanges")
        viewer.control("POST", HI_EVENTS, "/reset")
        await counted(page, "3 exchanges")

    viewer.look(story)


def test_filters_by_operation_status_mark_user_and_text_come_together(viewer: Viewer) -> None:
    viewer.control("PUT", HI_EVENTS, "/faults/webhook-signed-with-other-key", {"times": 1})
    viewer.change("LIVE")
    viewer.client.get(viewer.built.urls[TUVENS_API] + "/nowhere")

    async def story(page: "Page") -> None:
        await counted(page, "6 exchanges")
        for name, value, count in (
            ("operation", "receiveEventStatusChanged", 1),
            ("status", "4xx", 2),
            ("status", "404", 1),
            ("mark", "any", 1),
            ("mark", "fault:webhook-signed-with-other-key", 1),
            ("mark", "signature", 1),
            ("user", "1", 4),
        ):
            await page.select_option(f"#filter-{name}", value)
            await counted(page, f"{count} of 6 exchanges")
            assert len(await labels(page)) == count
            await page.select_option(f"#filter-{name}", "")
        await page.fill("#filter-text", "cross-app hi.events")
        await counted(page, "2 of 6 exchanges")
        await page.select_option("#filter-operation", "validateSession")
        await counted(page, "1 of 6 exchanges")
        await page.reload()
        await counted(page, "1 of 6 exchanges")
        assert await page.input_value("#filter-text") == "cross-app hi.events"
        await page.fill("#filter-text", "no such word")
        await page.locator("#empty", has_text="No exchange matches the filter").wait_for()
        await page.keyboard.press("Escape")
        await counted(page, "6 exchanges")

    viewer.look(story)


def test_the_keyboard_alone_leads_to_everything(viewer: Viewer) -> None:
    viewer.change("LIVE")

    async def story(page: "Page") -> None:
        await counted(page, "5 exchanges")
        press = page.keyboard.press
        await press("/")
        assert await page.evaluate("document.activeElement.id") == "filter-text"
        await page.keyboard.type("webhook")
        await counted(page, "1 of 5 exchanges")
        await press("Enter")
        assert "· attempt 1" in await active(page)
        await press("Enter")
        await page.locator("#details .part").first.wait_for()
        assert await page.evaluate("document.activeElement.id") == "details-title"
        await press("c")
        await page.locator("#said", has_text="Copied").wait_for()
        assert (await page.evaluate("navigator.clipboard.readText()")).startswith("curl -i -X POST http://127.0.0.1:")
        await press("Escape")
        assert not await page.locator("#details").is_visible()
        assert await page.evaluate("document.activeElement.id") == "list"
        await press("Escape")
        await counted(page, "5 exchanges")
        await press("Home")
        first = await active(page)
        await press("j")
        second = await active(page)
        assert second != first
        await press("ArrowDown")
        await press("k")
        assert await active(page) == second
        chosen = await page.locator("#list").get_attribute("aria-activedescendant")
        assert await page.locator(f"#{chosen}").get_attribute("aria-label") == second
        assert await page.locator("#list").evaluate("list => getComputedStyle(list).outlineStyle") != "none"
        await press("?")
        assert "search" in await page.locator("#help").inner_text()
        await press("Escape")
        assert not await page.locator("#help").is_visible()
        for number, name in enumerate(("exchanges", "deliveries", "sessions", "clock", "faults"), start=1):
            await press(str(number))
            assert await page.locator(f"#{name}").is_visible()
            assert await page.locator("[role=tab][aria-selected=true]").get_attribute("aria-controls") == name
        await press("ArrowRight")
        assert await page.locator("#exchanges").is_visible()
        await press("p")
        await page.locator("#connection", has_text="paused").wait_for()
        viewer.mint()
        await press("p")
        await counted(page, "6 exchanges")

    viewer.look(story)


def test_the_next_marked_exchange_is_one_key_away(viewer: Viewer) -> None:
    viewer.mint()
    viewer.client.get(viewer.built.urls[TUVENS_API] + "/nowhere")
    viewer.mint()

    async def story(page: "Page") -> None:
        await counted(page, "3 exchanges")
        await page.keyboard.press("n")
        assert "404 Not Found" in await active(page)
        await page.keyboard.press("n")
        await page.locator("#said", has_text="No further exchange").wait_for()

    viewer.look(story)


def test_details_show_both_records_the_validation_and_the_signed_bytes(viewer: Viewer) -> None:
    viewer.control("PUT", HI_EVENTS, "/faults/webhook-signed-with-other-key", {"times": 1})
    viewer.change("LIVE")

    async def story(page: "Page") -> str:
        await page.fill("#filter-text", "webhook")
        await page.locator(SHOWN).click()
        details = page.locator("#details")
        await details.get_by_text("not the signature of these bytes").wait_for()
        seen = await details.inner_text()
        assert "signs with" in seen or "webhook-signed-with-other-key" in seen
        assert "✓ request conforms" in seen
        assert "000000  7b 22 65 76" in seen
        assert "openssl dgst -sha256 -hmac" in seen
        assert "user-agent" in seen
        await page.get_by_role("button", name="as hi.events sent it").click()
        await details.get_by_text("x-hi-events-signature").first.wait_for()
        assert "user-agent" not in await details.inner_text()
        await page.get_by_role("button", name="As sent").first.click()
        assert '{"event_type":"event.status_changed",' in await details.inner_text()
        return seen

    seen = viewer.look(story)
    assert viewer.built.shared_secret not in seen


def test_a_message_of_the_event_stream_is_an_arrow_to_the_clients_that_listen(viewer: Viewer) -> None:
    with viewer.client.stream("GET", viewer.built.urls[TUVENS_API] + "/api/events/updates"):
        viewer.change("LIVE")

    async def story(page: "Page") -> None:
        await page.select_option("#filter-operation", "event stream message")
        row = page.locator(SHOWN)
        assert await row.count() == 1
        assert await row.get_attribute("class") == "row s2xx back"
        assert (await row.locator(".pill").inner_text()).strip() == "1 listener"
        assert await row.get_by_text("ticketing_status_changed").count() == 1
        arrow = await row.locator(".arrow").bounding_box()
        outside = await page.locator(".head .lane-name").first.bounding_box()
        sender = await page.locator(".head .lane-name", has_text="tuvens-api").bounding_box()
        assert arrow is not None
        assert outside is not None
        assert sender is not None
        assert abs(arrow["x"] - outside["x"] - outside["width"] / 2) < 3
        assert abs(arrow["x"] + arrow["width"] - sender["x"] - sender["width"] / 2) < 3
        await row.click()
        details = page.locator("#details")
        await details.get_by_text("tuvens-api → 1 listener").wait_for()
        assert '"status": "active"' in await details.inner_text()
        assert await page.locator("#count").inner_text() == "0 of 6 exchanges, 1 message"

    viewer.look(story)


HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>{{7*7}}"


def test_what_an_exchange_holds_is_shown_and_never_interpreted(viewer: Viewer) -> None:
    url = viewer.built.urls[TUVENS_API]
    viewer.client.post(
        f"{url}/{HOSTILE}",
        content=HOSTILE,
        headers={"X-Said": HOSTILE, "User-Agent": HOSTILE, "Content-Type": "text/html"},
    )

    async def story(page: "Page") -> None:
        await counted(page, "1 exchange")
        await page.locator(SHOWN).click()
        details = page.locator("#details")
        await details.locator(".part").first.wait_for()
        assert await page.evaluate("document.title.includes('taken')") is False
        assert await page.locator("#list img, #list script, #details img, #details script").count() == 0
        assert HOSTILE in await details.inner_text()

    viewer.look(story)


def test_a_page_that_frames_it_sees_nothing(viewer: Viewer) -> None:
    async def story(page: "Page") -> None:
        await page.goto(viewer.built.urls[TUVENS_API] + "/nowhere")
        refused = page.wait_for_event("console", predicate=lambda line: "frame-ancestors" in line.text)
        framing = asyncio.ensure_future(refused)
        await page.evaluate(
            """address => {
              const frame = document.createElement('iframe');
              frame.src = address;
              document.body.append(frame);
            }""",
            viewer.built.inspector,
        )
        await framing

    with pytest.raises(AssertionError, match="frame-ancestors"):
        viewer.look(story)


def test_a_delivery_is_replayed_with_a_button(viewer: Viewer) -> None:
    viewer.change("LIVE")

    async def story(page: "Page") -> None:
        await page.get_by_role("tab", name="Deliveries").click()
        await page.get_by_role("button", name="Details").click()
        await page.locator("#deliveries .inner", has_text="1 attempt").wait_for()
        await page.get_by_role("button", name="Replay").click()
        await page.locator("#deliveries .note", has_text="was sent again: 200 OK").wait_for()
        await page.locator("#deliveries .inner", has_text="2 attempts").wait_for()
        assert await texts(page, "#deliveries .tries li") == ["1: 200", "2 replay: 200"]
        await page.keyboard.press("1")
        await page.locator(f"{SHOWN} .hook", has_text="replay 2").wait_for()

    viewer.look(story)
    (delivery,) = viewer.control("GET", HI_EVENTS, "/deliveries")["deliveries"]
    assert delivery["attempts_made"] == 2


def test_a_session_runs_out_by_the_clock_that_a_button_moves(viewer: Viewer) -> None:
    viewer.mint()

    async def story(page: "Page") -> None:
        await page.get_by_role("tab", name="Sessions").click()
        await page.locator("#sessions .left", has_text="14 min").wait_for()
        await page.get_by_role("tab", name="Clock").click()
        card = page.get_by_role("region", name="tuvens-api")
        await card.get_by_role("button", name="+5 min").click()
        await page.locator("#clock .note", has_text="tuvens-api: advanced by 5 min").wait_for()
        await card.get_by_text("5 min ahead of real time").wait_for()
        await page.get_by_role("tab", name="Sessions").click()
        await page.locator("#sessions .left", has_text="9 min").wait_for()
        await page.get_by_role("tab", name="Clock").click()
        whole = page.get_by_role("region", name="All applications")
        await whole.get_by_label("Seconds").fill("660")
        await whole.get_by_role("button", name="Advance").click()
        await page.locator("#clock .note", has_text="All applications: advanced by 11 min").wait_for()
        await page.get_by_role("tab", name="Sessions").click()
        await page.locator("#sessions", has_text="No session is stored").first.wait_for()

    viewer.look(story)
    assert viewer.control("GET", TUVENS_CLIENT, "/clock")["now"] > time.time() + 600


def test_a_fault_is_armed_fires_and_is_disarmed(viewer: Viewer) -> None:
    async def story(page: "Page") -> None:
        await page.get_by_role("tab", name="Faults").click()
        await page.get_by_label("Search the faults").fill("user-id-is-a-number")
        line = page.locator("#faults tbody tr:not([hidden])")
        await page.locator("#times-user-id-is-a-number").fill("2")
        await line.get_by_role("button", name="Arm", exact=True).click()
        await line.locator(".state", has_text="armed, 2 left").wait_for()
        token = viewer.mint()
        viewer.client.post(
            viewer.built.urls[TUVENS_API] + "/api/cross-app/validate-session",
            headers={"x-shared-secret": viewer.built.shared_secret},
            json={"session_token": token},
        )
        await line.locator(".state", has_text="armed, 1 left").wait_for()
        await line.get_by_text("1×").wait_for()
        await line.get_by_role("button", name="Disarm").click()
        await line.locator(".state", has_text="honest").wait_for()
        await page.get_by_role("tab", name="Exchanges").click()
        await page.locator(f"{SHOWN} .fault", has_text="fault user-id-is-a-number").wait_for()
        await page.locator(f"{SHOWN} .violation", has_text="1 violation").wait_for()

    viewer.look(story)
    assert not viewer.control("GET", TUVENS_API, "/health")["faults_armed"]


def test_any_operation_can_be_made_to_fail(viewer: Viewer) -> None:
    async def story(page: "Page") -> None:
        await page.get_by_role("tab", name="Faults").click()
        await page.get_by_label("Any operation").select_option("getEvent")
        action = page.get_by_label("does", exact=True)
        await action.fill("respond=99")
        form = page.locator("form", has=action)
        await form.get_by_role("button", name="Arm").click()
        await page.get_by_role("alert").filter(has_text="400 to 599").wait_for()
        await action.fill("respond=503x2")
        await form.get_by_role("button", name="Arm").click()
        await page.locator(".note", has_text="getEvent:respond=503 is armed for 2 times.").wait_for()
        await page.get_by_label("armed or fired").check()
        await page.get_by_label("Search the faults").fill("getEvent:respond=503")
        line = page.locator("#faults tbody tr:not([hidden])")
        await line.locator(".state", has_text="armed, 2 left").wait_for()
        assert viewer.client.get(viewer.built.urls[TUVENS_API] + "/api/events/11").status_code == 503
        await line.locator(".state", has_text="armed, 1 left").wait_for()
        await line.get_by_role("button", name="Disarm").click()
        await line.locator(".state", has_text="honest").wait_for()

    viewer.look(story)


def test_the_short_list_for_a_front_end_is_one_click_away(viewer: Viewer) -> None:
    async def story(page: "Page") -> None:
        await page.get_by_role("tab", name="Faults").click()
        await page.get_by_label("for front-end work").check()
        await page.locator("#faults tbody tr:not([hidden])", has_text="widget-loads-slowly").wait_for()
        assert 5 < await page.locator("#faults tbody tr:not([hidden])").count() < 20

    viewer.look(story)


def test_without_the_token_it_asks_for_it(viewer: Viewer) -> None:
    viewer.mint()
    address = viewer.built.urls[TUVENS_API] + CONTROL + "/inspector/"

    async def story(page: "Page") -> None:
        await page.get_by_role("textbox", name="Control token").fill("wrong")
        await page.get_by_role("button", name="Open").click()
        await page.get_by_text("This token has expired").wait_for()
        await page.get_by_role("textbox", name="Control token").fill(viewer.built.control_tokens[TUVENS_API])
        await page.keyboard.press("Enter")
        await counted(page, "1 exchange")

    viewer.look(story, address=address)


def fill(viewer: Viewer, count: int) -> None:
    """Exchanges in the journal of tuvens-api; before anybody looks."""
    journal = viewer.built.simulators[TUVENS_API].journal
    for number in range(count):
        exchange = RawExchange(
            direction="in",
            caller="curl",
            callee=TUVENS_API,
            operation="getEvent",
            method="GET",
            target=f"/api/events/{number}",
            request_headers=(),
            request_body=b"",
            status=500 if number % 1000 == 7 else 200,
            response_headers=(),
            response_body=b"{}",
            started=time.time(),
            seconds=0.001,
            ended=time.time(),
            facts={"user_id": str(number % 4)},
        )
        journal.record(exchange)


def test_what_somebody_reads_stays_in_its_place_while_new_ones_come_and_old_ones_go(viewer: Viewer) -> None:
    fill(viewer, 10_000)

    async def story(page: "Page") -> None:
        await counted(page, "10,000 exchanges")
        await page.locator("#list").evaluate("list => { list.scrollTop = 5000 * 46; }")
        await page.locator(SHOWN, has_text="/api/events/5003").first.wait_for()
        place = "row => row.getBoundingClientRect().top"
        reading = page.locator(f"{SHOWN}:has(.target:text-is('/api/events/5003'))")
        before = await reading.evaluate(place)
        for _ in range(5):
            viewer.mint()
        await page.locator("#newest", has_text="5 new").wait_for()
        await counted(page, "10,000 exchanges")
        assert await reading.evaluate(place) == before
        await page.locator("#newest").click()
        assert "POST /api/cross-app/generate-session" in (await labels(page))[-1]
        viewer.mint()
        await page.wait_for_timeout(400)
        assert (
            await page.locator("#list").evaluate("list => list.scrollHeight - list.scrollTop - list.clientHeight") < 2
        )

    viewer.look(story)


def test_ten_thousand_exchanges_are_few_elements_and_each_filter_is_right(viewer: Viewer) -> None:
    fill(viewer, 10_000)

    async def story(page: "Page") -> None:
        await counted(page, "10,000 exchanges")
        assert "/api/events/9999," in (await labels(page))[-1]
        many = await page.evaluate("document.querySelectorAll('*').length")
        assert many < 1500
        await page.locator("#list").press("Home")
        assert "/api/events/0," in await active(page)
        for step in range(20):
            await page.evaluate("top => { document.getElementById('list').scrollTop = top; }", step * 23_000)
            await page.evaluate("() => new Promise(requestAnimationFrame)")
        assert await page.evaluate("document.querySelectorAll('*').length") <= many + 10
        await page.select_option("#filter-status", "500")
        await counted(page, "10 of 10,000 exchanges")
        assert [each.split("/")[3].split(",")[0] for each in await labels(page)] == [
            str(1000 * n + 7) for n in range(10)
        ]
        await page.select_option("#filter-status", "")
        await page.select_option("#filter-user", "3")
        await counted(page, "2,500 of 10,000 exchanges")
        await page.fill("#filter-text", "/events/999")
        await counted(page, "4 of 10,000 exchanges")
        assert [each.split("/")[3].split(",")[0] for each in await labels(page)] == ["999", "9991", "9995", "9999"]

    viewer.look(story)


def _axe(page: "Page") -> Coroutine[Any, Any, Any]:
    from axe_playwright_python.async_playwright import Axe

    return Axe().run(page, options=OPTIONS)  # type: ignore[no-any-return]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_every_view_passes_axe_and_fits(viewer: Viewer, scheme: str, width: int) -> None:
    viewer.control("PUT", HI_EVENTS, "/faults/webhook-signed-with-other-key", {"times": 1})
    viewer.change("LIVE")
    viewer.control("PUT", TUVENS_API, "/faults/user-id-is-a-number", {})

    async def check(page: "Page", what: str) -> None:
        found = (await _axe(page)).response["violations"]
        told = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found]
        assert told == [], what
        assert await page.evaluate("document.documentElement.scrollWidth") <= width, what

    async def story(page: "Page") -> None:
        await counted(page, "5 exchanges")
        await check(page, "exchanges")
        await page.fill("#filter-text", "webhook")
        await page.locator(SHOWN).click()
        await page.locator("#details .part").first.wait_for()
        await check(page, "details")
        await page.locator("#details-close").click()
        for name, ready in (
            ("deliveries", "tbody tr"),
            ("sessions", "tbody tr"),
            ("clock", ".time-big:not(:empty)"),
            ("faults", ".state.armed"),
        ):
            await page.get_by_role("tab", name=name.capitalize()).click()
            await page.locator(f"#{name} {ready}").first.wait_for()
            if name == "faults":
                # axe takes seconds for all of them, which are alike.
                await page.get_by_label("Search the faults").fill("user-id")
            await check(page, name)
        await page.keyboard.press("?")
        await check(page, "help")

    viewer.look(story, width=width, scheme=scheme)


def test_when_the_control_plane_goes_away_it_says_so_and_goes_on_when_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tokens = iter(["first-token-" + "0" * 20, "first-token-" + "0" * 20, "other-token-" + "0" * 20])
    options = LaunchOptions(only=(TUVENS_API,), limits="raised")
    with monkeypatch.context() as patched:
        patched.setattr(launch, "secrets", SimpleNamespace(token_urlsafe=lambda size: next(tokens)))
        first = launched(options)
        built = first.__enter__()
        port = int(built.urls[TUVENS_API].rpartition(":")[2])
        again = LaunchOptions(only=(TUVENS_API,), limits="raised", ports={TUVENS_API: port})
        with viewing(built) as viewer:
            viewer.mint()

            async def story(page: "Page") -> None:
                await counted(page, "1 exchange")
                await asyncio.to_thread(first.__exit__, None, None, None)
                await page.get_by_role("alert").get_by_text("does not respond").wait_for()
                assert len(await labels(page)) == 1
                with launched(again) as viewer.built:
                    await page.locator("#connection", has_text="live").wait_for()
                    assert not await page.locator("#trouble").is_visible()
                    await counted(page, "0 exchanges")
                    await asyncio.to_thread(viewer.mint)
                    await counted(page, "1 exchange")
                with launched(again) as viewer.built:
                    await page.get_by_text("This token has expired").wait_for()
                    await page.get_by_role("textbox", name="Control token").fill("other-token-" + "0" * 20)
                    await page.keyboard.press("Enter")
                    await counted(page, "0 exchanges")

            viewer.look(story)
