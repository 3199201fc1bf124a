"""A browser tab in a story: what a person does in it and what the page shows."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import Error, Locator, Page, Route

_LONGEST_TEXT = 300
_ANSWERED = 1.0
_DESCRIBE = """([element]) => {
  if (!element) return null;
  const box = element.getBoundingClientRect();
  return {
    text: (element.innerText || "").slice(0, 300), src: element.src || "", href: element.href || "",
    target: element.target || "", off: Boolean(element.disabled) || element.getAttribute("aria-disabled") === "true",
    left: Math.round(box.left), right: Math.round(box.right), width: Math.round(box.width),
  };
}"""


class Tab:
    """A tab. Its methods raise nothing for what a page does or fails to do: that is in what `shows` returns. In
    `documents` it counts the documents that it loaded since a URL was typed.

    `selectors`: Playwright selectors by name. `seconds`: time-out of one action. `loads`: the requests of the whole
    browser context so far, as Browsing records them.
    """

    def __init__(
        self,
        page: Page,
        selectors: Mapping[str, str],
        *,
        seconds: float,
        redact: Callable[[str], str],
        loads: Sequence[Mapping[str, Any]],
    ) -> None:
        self.page = page
        self.documents = 0
        self._selectors = selectors
        self._seconds = seconds
        self._redact = redact
        self._loads = loads
        self._status: int | None = None
        self._error = ""
        page.on("domcontentloaded", self._loaded)

    def _loaded(self, _: object) -> None:
        self.documents += 1

    async def opens(self, url: str) -> int | None:
        """Open a URL as if it were typed; the status of the document, None if none came."""
        self._status, self._error, self.documents = None, "", 0
        with self._noting_errors():
            response = await self.page.goto(url, wait_until="load")
            self._status = response.status if response is not None else None
        return self._status

    async def sees(self, name: str, seconds: float | None = None) -> bool:
        """Whether an element is visible, now or within `seconds`."""
        with suppress(Error):
            await self._all(name).first.wait_for(state="visible", timeout=self._milliseconds(seconds))
            return True
        return False

    async def clicks(self, name: str, *, anyhow: bool = False, until: Callable[[], object] | None = None) -> bool:
        """Click the only element of a name; `anyhow`: even if it is disabled. Whether that was possible.

        `until` says whether anything came of it. Where nothing did within a second, the element is clicked again, up to
        twice: a page that a server renders shows a button before its script listens.
        """
        found = self._all(name)
        with self._noting_errors():
            if await found.count() == 1:
                await found.click(force=anyhow, no_wait_after=True)
                if until is not None:
                    await self._clicks_again(found, until)
                return True
        return False

    async def _clicks_again(self, found: Locator, until: Callable[[], object]) -> None:
        with suppress(Error):
            for _ in range(2):
                for _ in range(20):
                    if until():
                        return
                    await self.page.wait_for_timeout(50)
                if await found.count() != 1 or not await found.is_enabled():
                    return
                await found.click(no_wait_after=True)

    async def comes_to(self, path: str, seconds: float | None = None) -> bool:
        """Whether the tab has loaded a URL with this path, now or within `seconds`."""
        with self._noting_errors():
            await self.page.wait_for_url(lambda url: urlsplit(url).path == path, timeout=self._milliseconds(seconds))
            return True
        return False

    async def scrolls_to(self, name: str) -> None:
        """Scroll an element into view."""
        with suppress(Error):
            await self._all(name).first.scroll_into_view_if_needed(timeout=3000)

    async def reloads(self) -> None:
        """Reload the page, as with the browser's button."""
        with self._noting_errors():
            await self.page.reload(wait_until="load")

    async def follows(self, url: str) -> None:
        """Go to a URL as by a link of the page, so that the page's policy decides on the Referer."""
        with self._noting_errors():
            async with self.page.expect_navigation(wait_until="load"):
                await self.page.evaluate("url => { location.href = url; }", url)

    async def clicks_link_to(self, origin: str) -> None:
        """Click the first visible link to an origin, if there is one."""
        with self._noting_errors():
            found = self.page.locator(f'a[href^="{origin}"]').filter(visible=True)
            if await found.count():
                await found.first.click()

    async def framed(self, url: str) -> str:
        """The text in the frame whose URL is `url`, redacted and cut; empty if the browser shows none."""
        for frame in self.page.frames:
            if frame.url == url:
                with self._noting_errors():
                    text = await frame.locator("body").inner_text(timeout=3000)
                    return self._redact(text[:_LONGEST_TEXT])
        return ""

    async def counts(self, css: str) -> int:
        """How many elements of the document match a CSS selector."""
        with suppress(Error):
            return await self.page.locator(css).count()
        return 0

    async def shows(self) -> dict[str, Any]:
        """What is visible now: the first element of each selector, the address, the width of the content, the last
        status and error."""
        found = await asyncio.gather(*map(self._described, self._selectors))
        seen = {name: each for name, each in zip(self._selectors, found, strict=True) if each is not None}
        content, room = 0, 0
        with suppress(Error):
            content, room = await self.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        return {
            "status": self._status,
            "error": self._error,
            "address": self._redact(self.page.url),
            "documents": self.documents,
            "shown": seen,
            "content_width": content,
            "window_width": room,
        }

    async def _described(self, name: str) -> dict[str, Any] | None:
        """The first visible element of a name, in one request to the browser; None if there is none."""
        with self._noting_errors():
            found: dict[str, Any] | None = await self._all(name).evaluate_all(_DESCRIBE)
            return found
        return None

    async def lateness(self) -> float:
        """Seconds by which the browser is late with work that it was given now: a timer of a twentieth of a second."""
        begun = time.monotonic()
        with suppress(Error):
            await self.page.evaluate("() => new Promise(done => setTimeout(done, 50))")
        return max(time.monotonic() - begun - 0.05, 0.0)

    def way(self, since: int = 0) -> list[dict[str, Any]]:
        """The top-level navigations of all tabs, from the load with index `since` on."""
        found = []
        for each in self._loads[since:]:
            if each["navigates"]:
                query = dict(parse_qsl(urlsplit(each["url"]).query, keep_blank_values=True))
                found.append({"to": without_query(each["url"]), "query": query, "status": each["status"]})
        return found

    @asynccontextmanager
    async def answering(self, pattern: str, answer: Callable[[Route], Any]) -> AsyncIterator[list[str]]:
        """Answer this tab's requests to a URL pattern instead of the server until the block is left. The list grows
        with the URL of each such request."""
        asked: list[str] = []
        answers: set[asyncio.Task[Any]] = set()

        async def answered(route: Route) -> None:
            with suppress(Error):
                try:
                    await answer(route)
                except asyncio.CancelledError:
                    await route.abort()

        async def handle(route: Route) -> None:
            asked.append(self._redact(route.request.url))
            answers.add(asyncio.create_task(answered(route)))

        await self.page.route(pattern, handle)
        try:
            yield asked
        finally:
            with suppress(Error):
                await self.page.unroute(pattern, handle)
            if answers:
                _, waiting = await asyncio.wait(answers, timeout=_ANSWERED)
                for each in waiting:
                    each.cancel()
                await asyncio.gather(*answers)

    def _all(self, name: str) -> Locator:
        return self.page.locator(self._selectors[name]).filter(visible=True)

    def _milliseconds(self, seconds: float | None) -> float:
        return 1000 * (self._seconds if seconds is None else seconds)

    @contextmanager
    def _noting_errors(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            self._error = self._redact(first_line(error))


def without_query(url: str) -> str:
    """A URL without its query and fragment."""
    return url.partition("?")[0].partition("#")[0]


def first_line(error: Exception) -> str:
    """The first line of an error's text."""
    return str(error).strip().partition("\n")[0]
