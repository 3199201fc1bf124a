"""A tab in a real browser: pages that a server renders, whose scripts come later."""

import asyncio
import os
from typing import Any

import pytest

from harness import chromium

pytestmark = pytest.mark.skipif(not (chromium.is_available() or os.environ.get("CI")), reason="no browser")

_DEAF = """<button>Enable</button><script>
const button = document.querySelector("button");
let missed = 0;
button.onclick = () => { if (++missed === 1) button.onclick = () => console.log("heard"); };
</script>"""
_BUSY = """<button>Enable</button><script>
document.querySelector("button").onclick = event => {
  event.target.setAttribute("aria-disabled", "true");
  console.log("clicked");
};
</script>"""


async def _click(html: str, told: str) -> tuple[bool, list[str]]:
    """Click a page's button until the console tells a text; whether that was possible, and what the console told."""
    from playwright.async_api import async_playwright

    from harness.tab import Tab

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        page = await browser.new_page()
        heard: list[str] = []
        page.on("console", lambda message: heard.append(message.text))
        tab = Tab(page, {"enable": "button"}, seconds=5, redact=str, loads=[])
        await page.set_content(html)
        clicked = await tab.clicks("enable", until=lambda: told in heard)
        for _ in range(100):
            if heard:
                break
            await page.wait_for_timeout(50)
        await browser.close()
        return clicked, heard


def test_a_click_that_nobody_heard_is_made_again() -> None:
    assert asyncio.run(_click(_DEAF, "heard")) == (True, ["heard"])


def test_a_button_that_is_busy_is_not_clicked_again() -> None:
    assert asyncio.run(_click(_BUSY, "something else")) == (True, ["clicked"])


_PARTS = (
    """<button hidden>Buy</button><button disabled>Enable</button><button>Again</button><p style="width: 9000px">wide"""
)


def test_what_a_page_shows_is_asked_with_one_request_for_each_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from playwright.async_api import Locator

    asked: list[Locator] = []
    asks = Locator.evaluate_all

    async def counting(self: Locator, expression: str) -> object:
        asked.append(self)
        return await asks(self, expression)

    monkeypatch.setattr(Locator, "evaluate_all", counting)
    for name in ("count", "evaluate"):
        monkeypatch.setattr(Locator, name, None)
    shows = asyncio.run(_shows(_PARTS, {"button": "button", "link": "a", "broken": "css=["}))
    assert len(asked) == 3
    assert {name: (each["text"], each["off"]) for name, each in shows["shown"].items()} == {"button": ("Enable", True)}
    assert shows["content_width"] > shows["window_width"]
    assert "[" in shows["error"]


async def _shows(html: str, selectors: dict[str, str]) -> dict[str, Any]:
    from playwright.async_api import async_playwright

    from harness.tab import Tab

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        page = await browser.new_page()
        await page.set_content(html)
        shown = await Tab(page, selectors, seconds=5, redact=str, loads=[]).shows()
        await browser.close()
        return shown


def test_documents_are_counted_since_a_url_was_typed() -> None:
    assert asyncio.run(_counted()) == [1, 1, 2]


async def _counted() -> list[int]:
    from playwright.async_api import async_playwright

    from harness.tab import Tab

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium.executable(), args=["--no-sandbox"])
        tab = Tab(await browser.new_page(), {}, seconds=5, redact=str, loads=[])
        counts = []
        for _ in range(2):
            await tab.opens("data:text/html,<title>opened</title>")
            counts.append(tab.documents)
        await tab.reloads()
        await browser.close()
        return [*counts, tab.documents]
