"""What one person's browser does in a story: tabs, what they show, and what was loaded. Needs Playwright.

Nothing is kept before the secrets are removed; a trace is cleaned file by file.
"""

import asyncio
import re
import tempfile
import time
import zipfile
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import BrowserContext, Error, Page, Request, Response, Route

from harness.redact import Redactor

Secrets = Callable[[str, bytes], Iterable[tuple[str, str]]]
"""Of an answer's URL and body (empty where it is not known yet): kind and value of the secrets that it hands out."""

_ANSWERED = 1.0
"""Seconds that a request under way has to be answered in the network's place; then it is aborted."""
_READ = frozenset({"document", "script", "stylesheet", "fetch", "xhr"})
_LONGEST_TEXT = 300
_MOST_LOADS = 1000
_MOST_LINES = 500
_LONGEST_SECRET = 4096
_SHORTEST_SECRET = 20
_IMAGES = (".png", ".jpeg", ".jpg", ".webp")
_DESCRIBE = """element => {
  const box = element.getBoundingClientRect();
  return {
    text: (element.innerText || "").slice(0, 300), src: element.src || "", href: element.href || "",
    target: element.target || "", off: Boolean(element.disabled) || element.getAttribute("aria-disabled") === "true",
    left: Math.round(box.left), right: Math.round(box.right), width: Math.round(box.width),
  };
}"""
_SPACER = """addEventListener("readystatechange", () => {
  if (document.readyState !== "interactive" || top !== self) return;
  const spacer = document.createElement("div");
  spacer.style.height = "6000px";
  document.body.prepend(spacer);
}, true);"""


class Browsing:
    """A browser context of one person, and the record of it. `loads`: every request, in order, as JSON objects."""

    def __init__(
        self,
        context: BrowserContext,
        redactor: Redactor,
        name: str,
        secrets: Secrets,
        evidence: Path | None,
        seconds: float,
    ) -> None:
        self.context = context
        self.seconds = seconds
        self.loads: list[dict[str, Any]] = []
        self.dialogs: list[str] = []
        self.storage: list[dict[str, str]] = []
        self.found: list[dict[str, str]] = []
        self.unread: list[str] = []
        self._redactor = redactor
        self._name = name
        self._secrets = secrets
        self._evidence = evidence
        self._log: list[str] = []
        self._of: dict[Request, dict[str, Any]] = {}
        self._looking: set[asyncio.Task[None]] = set()
        self._shots = 0

    async def begin(self) -> None:
        """Record from here on."""
        self.context.on("request", self._requested)
        self.context.on("response", self._answered)
        self.context.on("requestfinished", lambda request: self._later(self._finished(request)))
        self.context.on("requestfailed", self._failed)
        self.context.on("console", lambda said: self._tell(f"console {said.type}: {said.text}"))
        self.context.on("weberror", lambda error: self._tell(f"script error: {error.error}"))
        self.context.on("dialog", lambda dialog: self._later(self._dismiss(dialog)))
        if self._evidence is not None:
            await self.context.tracing.start(snapshots=True, screenshots=False, sources=False)

    async def end(self) -> None:
        """Look at what is left behind, save the evidence, close."""
        try:
            async with asyncio.timeout(4 * self.seconds):
                await self.settle()
                await self._register_stored_tokens()
                if self._evidence is not None:
                    await self._save_trace(self._evidence)
        except (Error, TimeoutError) as error:
            self._tell(f"the browser ended early: {_first_line(error)}")
        finally:
            if self._evidence is not None:
                self._save_log(self._evidence)
            with suppress(Error, TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self.context.close()

    async def tab(self, selectors: Mapping[str, str], *, far_down: bool = False) -> "Tab":
        """A new tab; `selectors` by name are what is looked for. `far_down`: what the page shows begins 6,000 px below
        its top."""
        page = await self.context.new_page()
        if far_down:
            await page.add_init_script(_SPACER)
        return Tab(self, page, selectors)

    async def settle(self) -> None:
        """Wait, for at most some seconds, until everything that was answered has been looked at."""
        if self._looking:
            await asyncio.wait(list(self._looking), timeout=self.seconds)

    async def look_into_storage(self, page: Page) -> None:
        """Note the known secrets in a page's cookies that scripts can read, and in its two storages."""
        try:
            texts: dict[str, str] = await page.evaluate(
                "() => ({cookies: document.cookie, localStorage: JSON.stringify({...localStorage}), "
                "sessionStorage: JSON.stringify({...sessionStorage})})"
            )
        except Error:
            return
        for place, text in texts.items():
            for kind, mark in self._redactor.found_in(text):
                self.storage.append({"kind": kind, "mark": mark, "place": place, "url": self.redact(_bare(page.url))})

    def redact(self, text: str) -> str:
        """A text without secrets."""
        return self._redactor.redact(text)

    def files(self) -> list[str]:
        """Names of the trace and the log that will be saved, relative to the report's folder."""
        if self._evidence is None:
            return []
        return [f"{self._evidence.name}/{self._name}.{kind}" for kind in ("zip", "txt")]

    async def screenshot(self, page: Page, step: str) -> list[str]:
        """Take one, where evidence is kept and no secret can be read in it; its name as in `files`."""
        if self._evidence is None:
            return []
        self._shots += 1
        name = f"{self._name}-{self._shots:02d}-{re.sub(r'[^a-z0-9]+', '-', step.lower()).strip('-')}.png"
        try:
            if self._redactor.found_in(await page.locator("body").inner_text(timeout=2000)):
                self._tell(f"no screenshot of {step}: a secret can be read in it")
                return []
            await page.screenshot(path=self._evidence / name, timeout=5000)
        except Error as error:
            self._tell(f"no screenshot of {step}: {_first_line(error)}")
            return []
        return [f"{self._evidence.name}/{name}"]

    def summary(self) -> dict[str, Any]:
        """What was loaded and what of it must not be there, for the record."""
        return {
            "loaded": len(self.loads),
            "documents": sum(each["type"] == "document" for each in self.loads),
            "scripts": sum(each["type"] == "script" for each in self.loads),
            "found": self.found,
            "storage": self.storage,
            "unread": self.unread[:20],
            "dialogs": len(self.dialogs),
            "files": self.files(),
        }

    # -- what the browser tells

    def _requested(self, request: Request) -> None:
        for kind, value in self._secrets(request.url, b""):
            self._redactor.register(kind, value)
        if len(self.loads) >= _MOST_LOADS:
            return
        load = {
            "method": request.method,
            "url": self.redact(request.url),
            "type": request.resource_type,
            "navigates": _navigates(request),
            "at": time.time(),
            "status": None,
            "failed": "",
            "referer": "",
        }
        self._of[request] = load
        self.loads.append(load)

    def _answered(self, response: Response) -> None:
        load = self._of.get(response.request)
        if load is not None:
            load["status"] = response.status
            self._later(self._look_at_headers(response, load))

    def _failed(self, request: Request) -> None:
        load = self._of.get(request)
        if load is not None:
            load["failed"] = self.redact(request.failure or "failed")
            self._tell(f"failed {load['method']} {load['url']}: {load['failed']}")

    async def _look_at_headers(self, response: Response, load: dict[str, Any]) -> None:
        try:
            sent = await response.request.all_headers()
            given = await response.all_headers()
        except Error:
            return
        load["referer"] = self.redact(sent.get("referer", ""))
        for name, value in sent.items():
            self._note(value, f"request header {name}", load)
        for name, value in given.items():
            self._note(value, f"header {name}", load)

    async def _finished(self, request: Request) -> None:
        load = self._of.get(request)
        if load is None or load["type"] not in _READ:
            return
        try:
            response = await request.response()
            if response is None or 300 <= response.status < 400:
                return
            body = await response.body()
        except Error:
            # A page that is left takes its answers along.
            self.unread.append(load["url"])
            return
        for kind, value in self._secrets(request.url, body):
            self._redactor.register(kind, value)
        self._note(body.decode("latin-1"), "body", load)

    def _note(self, text: str, place: str, load: Mapping[str, Any]) -> None:
        for kind, mark in self._redactor.found_in(text):
            seen = {"kind": kind, "mark": mark, "place": place, "url": _bare(load["url"]), "method": load["method"]}
            if seen not in self.found:
                self.found.append(seen)

    async def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(self.redact(dialog.message)[:_LONGEST_TEXT])
        self._tell(f"dialog {dialog.type}: {dialog.message}")
        try:
            await dialog.dismiss()
        except Error:
            return

    def _later(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._looking.add(task)
        task.add_done_callback(self._looking.discard)

    def _tell(self, line: str) -> None:
        if len(self._log) < _MOST_LINES:
            self._log.append(line)

    async def _register_stored_tokens(self) -> None:
        """Session cookies and stored tokens are secrets to whoever reads the evidence."""
        state = await self.context.storage_state()
        values = [each.get("value", "") for each in state.get("cookies", ())]
        values += [
            item.get("value", "") for origin in state.get("origins", ()) for item in origin.get("localStorage", ())
        ]
        for value in values:
            if _SHORTEST_SECRET <= len(value) <= _LONGEST_SECRET and not re.search(r"\s", value):
                self._redactor.register("stored", value)

    async def _save_trace(self, folder: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="crossapp-") as private:
            raw = Path(private) / "trace.zip"
            await self.context.tracing.stop(path=raw)
            redact_archive(raw, folder / f"{self._name}.zip", self._redactor)

    def _save_log(self, folder: Path) -> None:
        requests = [f"{each['status'] or each['failed'] or '…'} {each['method']} {each['url']}" for each in self.loads]
        text = "\n".join(["Console and failures", *self._log, "", "Requests", *requests, ""])
        (folder / f"{self._name}.txt").write_text(self.redact(text), "utf-8", errors="replace")


class Tab:
    """A tab. Nothing that a page does raises: what did not happen is in what it shows."""

    def __init__(self, browsing: Browsing, page: Page, selectors: Mapping[str, str]) -> None:
        self.page = page
        self.documents = 0
        self._browsing = browsing
        self._selectors = selectors
        self._status: int | None = None
        self._error = ""
        page.on("domcontentloaded", self._loaded)

    def _loaded(self, _: object) -> None:
        self.documents += 1

    async def opens(self, url: str) -> int | None:
        """Go to an address as if it were typed; the status of the document, None where none came."""
        self._status, self._error = None, ""
        try:
            response = await self.page.goto(url, wait_until="load")
            self._status = response.status if response is not None else None
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))
        return self._status

    async def sees(self, name: str, seconds: float | None = None) -> bool:
        """Whether something is visible, now or within so many seconds."""
        wanted = self._all(name).first
        try:
            await wanted.wait_for(
                state="visible", timeout=1000 * (self._browsing.seconds if seconds is None else seconds)
            )
        except Error:
            return False
        return True

    async def clicks(self, name: str, *, anyhow: bool = False) -> bool:
        """Click something that is there once; `anyhow`, even though it is disabled. Whether that could be done."""
        found = self._all(name)
        try:
            if await found.count() != 1:
                return False
            await found.click(force=anyhow, no_wait_after=True)
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))
            return False
        return True

    async def comes_to(self, path: str, seconds: float | None = None) -> bool:
        """Whether the tab is, now or within so many seconds, at an address with that path, loaded."""
        timeout = 1000 * (self._browsing.seconds if seconds is None else seconds)
        try:
            await self.page.wait_for_url(lambda url: urlsplit(url).path == path, timeout=timeout)
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))
            return False
        return True

    async def scrolls_to(self, name: str) -> None:
        """Bring something into view."""
        try:
            await self._all(name).first.scroll_into_view_if_needed(timeout=3000)
        except Error:
            return

    async def reloads(self) -> None:
        """Load the page again, as with the browser's button."""
        try:
            await self.page.reload(wait_until="load")
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))

    async def follows(self, url: str) -> None:
        """Go to an address as a link of the page leads there, so that the page's policy decides on the Referer."""
        try:
            async with self.page.expect_navigation(wait_until="load"):
                await self.page.evaluate("url => { location.href = url; }", url)
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))

    async def clicks_link_to(self, origin: str) -> None:
        """Follow a link of the page to an origin, where there is one."""
        try:
            found = self.page.locator(f'a[href^="{origin}"]').filter(visible=True)
            if await found.count():
                await found.first.click()
        except Error as error:
            self._error = self._browsing.redact(_first_line(error))

    async def framed(self, url: str) -> str:
        """The text in the page's frame whose address is `url`; empty where the browser shows none."""
        for frame in self.page.frames:
            if frame.url == url:
                try:
                    return self._browsing.redact((await frame.locator("body").inner_text(timeout=3000))[:_LONGEST_TEXT])
                except Error as error:
                    self._error = self._browsing.redact(_first_line(error))
        return ""

    async def counts(self, css: str) -> int:
        """How many elements match, in this document."""
        try:
            return await self.page.locator(css).count()
        except Error:
            return 0

    async def shows(self) -> dict[str, Any]:
        """What can be seen now: by selector name what is visible, the address, the width of the content."""
        seen: dict[str, Any] = {}
        for name in self._selectors:
            try:
                found = self._all(name)
                if await found.count():
                    seen[name] = await found.first.evaluate(_DESCRIBE, timeout=2000)
            except Error as error:
                self._error = self._browsing.redact(_first_line(error))
        try:
            content, room = await self.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        except Error:
            content, room = 0, 0
        return {
            "status": self._status,
            "error": self._error,
            "address": self._browsing.redact(self.page.url),
            "documents": self.documents,
            "shown": seen,
            "content_width": content,
            "window_width": room,
        }

    def way(self, since: int = 0) -> list[dict[str, Any]]:
        """The addresses to which tabs went since a number of loads, each with its query."""
        found = []
        for each in self._browsing.loads[since:]:
            if each["navigates"]:
                query = dict(parse_qsl(urlsplit(each["url"]).query, keep_blank_values=True))
                found.append({"to": _bare(each["url"]), "query": query, "status": each["status"]})
        return found

    @asynccontextmanager
    async def answering(self, pattern: str, answer: Callable[[Route], Any]) -> AsyncIterator[list[str]]:
        """Answer this tab's requests to a URL pattern in the network's place, until the block is left; the list grows
        with each request."""
        asked: list[str] = []
        answers: set[asyncio.Task[Any]] = set()

        async def answered(route: Route) -> None:
            with suppress(Error):
                try:
                    await answer(route)
                except asyncio.CancelledError:
                    await route.abort()

        async def handle(route: Route) -> None:
            asked.append(self._browsing.redact(route.request.url))
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

    def _all(self, name: str) -> Any:
        return self.page.locator(self._selectors[name]).filter(visible=True)


def redact_archive(raw: Path, clean: Path, redactor: Redactor) -> None:
    """Copy a trace without its secrets, file by file; pictures are left out: no secret could be found in them."""
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(clean, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.lower().endswith(_IMAGES):
                new.writestr(name, redactor.redact_bytes(old.read(name)))


def _navigates(request: Request) -> bool:
    try:
        return request.is_navigation_request() and request.frame.parent_frame is None
    except Error:
        return False


def _bare(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
