"""A browser context of one person in a story, and the record of what it loads. Needs Playwright.

Everything is redacted before it is kept; a trace is redacted file by file.
"""

import asyncio
import re
import time
import zipfile
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from playwright.async_api import BrowserContext, Error, Page, Request, Response, Route

from harness.effects import NotAllowedError
from harness.private_folder import PrivateFolder
from harness.redact import Redactor
from harness.tab import Tab, first_line, without_query
from harness.traffic_limits import TargetGoneError

Secrets = Callable[[str, bytes], Iterable[tuple[str, str]]]
"""From a response's URL and body (empty while unknown): kind and value of the secrets that it hands out."""
Admits = Callable[[Request], Awaitable[None]]
"""Waits for the turn of a request. Raises NotAllowedError or TargetGoneError if it is not to be sent."""

_READ = frozenset({"document", "script", "stylesheet", "fetch", "xhr"})
_LONGEST_TEXT = 300
_BROKEN_CONNECTION = ("ERR_CONNECTION_RESET", "ERR_CONNECTION_CLOSED", "ERR_EMPTY_RESPONSE", "ERR_SOCKET_NOT_CONNECTED")
_LOOK = 0.02
_MOST_LOADS = 1000
_MOST_LINES = 500
_LONGEST_SECRET = 4096
_SHORTEST_SECRET = 20
_IMAGES = (".png", ".jpeg", ".jpg", ".webp")
_SPACER = """addEventListener("readystatechange", () => {
  if (document.readyState !== "interactive" || top !== self) return;
  const spacer = document.createElement("div");
  spacer.style.height = "6000px";
  document.body.prepend(spacer);
}, true);"""


class Browsing:
    """A browser context of one person. `loads`: its requests in order, as JSON objects; `seconds`: time-out of one
    action. What `admits` refuses is not sent."""

    def __init__(
        self,
        context: BrowserContext,
        redactor: Redactor,
        name: str,
        secrets: Secrets,
        evidence: Path | None,
        seconds: float,
        admits: Admits | None = None,
    ) -> None:
        self.context = context
        self._admits = admits
        self.seconds = seconds
        self.loads: list[dict[str, Any]] = []
        self.dialogs: list[str] = []
        self.storage: list[dict[str, str]] = []
        self.found: list[dict[str, str]] = []
        self.unread: list[str] = []
        self._redactor = redactor
        self._stored = Redactor()
        self._name = name
        self._secrets = secrets
        self._evidence = evidence
        self._log: list[str] = []
        self._of: dict[Request, dict[str, Any]] = {}
        self._under_way: set[Request] = set()
        self._last_traffic = time.monotonic()
        self._searches: set[asyncio.Task[None]] = set()
        self._shots = 0

    async def begin(self) -> None:
        """Start recording."""
        self.context.on("request", self._requested)
        self.context.on("response", self._responded)
        self.context.on("requestfinished", self._finished)
        self.context.on("requestfailed", self._failed)
        self.context.on("console", lambda said: self._log_line(f"console {said.type}: {said.text}"))
        self.context.on("weberror", lambda error: self._log_line(f"script error: {error.error}"))
        self.context.on("dialog", lambda dialog: self._in_background(self._dismiss(dialog)))
        if self._admits is not None:
            # The first route of a context is asked last: what a story answers in its place is not sent.
            await self.context.route("**/*", self._admitted)
        if self._evidence is not None:
            await self.context.tracing.start(snapshots=True, screenshots=False, sources=False)

    async def _admitted(self, route: Route) -> None:
        assert self._admits is not None
        with suppress(Error):  # the page may be gone
            try:
                await self._admits(route.request)
            except (NotAllowedError, TargetGoneError) as refused:
                self._log_line(str(refused))
                await route.abort("blockedbyclient")
            else:
                await route.continue_()

    async def end(self) -> None:
        """Save the evidence, if it is kept, and close the context."""
        try:
            async with asyncio.timeout(4 * self.seconds):
                await self.settle()
                await self._note_stored_tokens()
                if self._evidence is not None:
                    await self._save_trace(self._evidence)
        except (Error, OSError) as error:  # OSError: a time-out, or a trace that cannot be written
            self._log_line(f"the browser ended early: {first_line(error)}")
        finally:
            if self._evidence is not None:
                with suppress(OSError):  # evidence is not worth a run
                    self._save_log(self._evidence)
            with suppress(Error, TimeoutError):
                async with asyncio.timeout(self.seconds):
                    await self.context.close()

    async def tab(self, selectors: Mapping[str, str], *, far_down: bool = False) -> Tab:
        """A new tab with Playwright selectors by name. `far_down`: the content begins 6,000 px below the page's top."""
        page = await self.context.new_page()
        if far_down:
            await page.add_init_script(_SPACER)
        return Tab(page, selectors, seconds=self.seconds, redact=self.redact, loads=self.loads)

    async def settle(self) -> None:
        """Wait, up to `seconds`, until every response so far has been searched for secrets."""
        if self._searches:
            await asyncio.wait(list(self._searches), timeout=self.seconds)

    async def rests(self, seconds: float = 3.0, quiet: float = 0.3) -> bool:
        """Whether no request but streams was under way for `quiet` seconds, waiting for it up to `seconds`."""
        deadline = time.monotonic() + seconds
        while self._under_way or time.monotonic() < self._last_traffic + quiet:
            if time.monotonic() >= deadline:
                return False
            await asyncio.sleep(_LOOK)
        return True

    async def look_into_storage(self, page: Page) -> None:
        """Note the registered secrets in a page's script-readable cookies, localStorage and sessionStorage."""
        try:
            texts: dict[str, str] = await page.evaluate(
                "() => ({cookies: document.cookie, localStorage: JSON.stringify({...localStorage}), "
                "sessionStorage: JSON.stringify({...sessionStorage})})"
            )
        except Error:
            return
        for place, text in texts.items():
            for kind, mark in self._redactor.found_in(text):
                self.storage.append(
                    {"kind": kind, "mark": mark, "place": place, "url": self.redact(without_query(page.url))}
                )

    def redact(self, text: str) -> str:
        """The text with every secret replaced."""
        return self._redactor.redact(text)

    def files(self) -> list[str]:
        """Names of the trace and the log that `end` saves, relative to the report's folder."""
        if self._evidence is None:
            return []
        return [f"{self._evidence.name}/{self._name}.{kind}" for kind in ("zip", "txt")]

    async def screenshot(self, page: Page, step: str) -> list[str]:
        """Take a screenshot, if evidence is kept and no secret is readable in the page; its name as in `files`."""
        if self._evidence is None:
            return []
        self._shots += 1
        name = f"{self._name}-{self._shots:02d}-{re.sub(r'[^a-z0-9]+', '-', step.lower()).strip('-')}.png"
        try:
            if self._redactor.found_in(await page.locator("body").inner_text(timeout=2000)):
                self._log_line(f"no screenshot of {step}: a secret can be read in it")
                return []
            await page.screenshot(path=self._evidence / name, timeout=5000)
        except Error as error:
            self._log_line(f"no screenshot of {step}: {first_line(error)}")
            return []
        return [f"{self._evidence.name}/{name}"]

    def summary(self) -> dict[str, Any]:
        """What was loaded, and which secrets were found where, for the history."""
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

    def lost(self) -> list[str]:
        """The requests whose connection broke, each with the browser's word for it. Streams are left out: a page opens
        them again by itself."""
        return [
            f"{each['method']} {without_query(each['url'])}: {each['failed']}"
            for each in self.loads
            if each["type"] != "eventsource" and any(word in each["failed"] for word in _BROKEN_CONNECTION)
        ]

    def _requested(self, request: Request) -> None:
        if request.resource_type != "eventsource":
            self._under_way.add(request)
            self._last_traffic = time.monotonic()
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
        self._note(request.url, "address", load)

    def _responded(self, response: Response) -> None:
        load = self._of.get(response.request)
        if load is not None:
            load["status"] = response.status
            self._in_background(self._search_headers(response, load))

    def _finished(self, request: Request) -> None:
        self._ends(request)
        self._in_background(self._search_body(request))

    def _ends(self, request: Request) -> None:
        if request in self._under_way:
            self._under_way.discard(request)
            self._last_traffic = time.monotonic()

    def _failed(self, request: Request) -> None:
        self._ends(request)
        load = self._of.get(request)
        if load is not None:
            load["failed"] = self.redact(request.failure or "failed")
            self._log_line(f"failed {load['method']} {load['url']}: {load['failed']}")

    async def _search_headers(self, response: Response, load: dict[str, Any]) -> None:
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

    async def _search_body(self, request: Request) -> None:
        load = self._of.get(request)
        if load is None or load["type"] not in _READ:
            return
        try:
            response = await request.response()
            if response is None or 300 <= response.status < 400:
                return
            body = await response.body()
        except Error:
            # The browser drops the responses of a page that was left.
            self.unread.append(load["url"])
            return
        for kind, value in self._secrets(request.url, body):
            self._redactor.register(kind, value)
        self._note(body.decode("latin-1"), "body", load)

    def _note(self, text: str, place: str, load: Mapping[str, Any]) -> None:
        for kind, mark in self._redactor.found_in(text):
            seen = {
                "kind": kind,
                "mark": mark,
                "place": place,
                "url": without_query(load["url"]),
                "method": load["method"],
            }
            if seen not in self.found:
                self.found.append(seen)

    async def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(self.redact(dialog.message)[:_LONGEST_TEXT])
        self._log_line(f"dialog {dialog.type}: {dialog.message}")
        try:
            await dialog.dismiss()
        except Error:
            return

    def _in_background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._searches.add(task)
        task.add_done_callback(self._searches.discard)

    def _log_line(self, line: str) -> None:
        if len(self._log) < _MOST_LINES:
            self._log.append(line)

    async def _note_stored_tokens(self) -> None:
        """Note session cookies and stored tokens, which the evidence must not show. They are no secrets elsewhere: what
        a page stores may be anything."""
        state = await self.context.storage_state()
        values = [each.get("value", "") for each in state.get("cookies", ())]
        values += [
            item.get("value", "") for origin in state.get("origins", ()) for item in origin.get("localStorage", ())
        ]
        for value in values:
            if _SHORTEST_SECRET <= len(value) <= _LONGEST_SECRET and not re.search(r"\s|^/|^https?:", unquote(value)):
                self._stored.register("stored", value)

    async def _save_trace(self, folder: Path) -> None:
        with PrivateFolder() as private:
            raw = private / "trace.zip"
            await self.context.tracing.stop(path=raw)
            redact_archive(raw, folder / f"{self._name}.zip", self._redactor, self._stored)

    def _save_log(self, folder: Path) -> None:
        requests = [f"{each['status'] or each['failed'] or '…'} {each['method']} {each['url']}" for each in self.loads]
        text = "\n".join(["Console and failures", *self._log, "", "Requests", *requests, ""])
        (folder / f"{self._name}.txt").write_text(self._stored.redact(self.redact(text)), "utf-8", errors="replace")


def redact_archive(raw: Path, clean: Path, *redactors: Redactor) -> None:
    """Copy a trace, redacted file by file. Images are left out: secrets cannot be found in them."""
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(clean, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if not name.lower().endswith(_IMAGES):
                content = old.read(name)
                for redactor in redactors:
                    content = redactor.redact_bytes(content)
                new.writestr(name, content)


def _navigates(request: Request) -> bool:
    try:
        return request.is_navigation_request() and request.frame.parent_frame is None
    except Error:
        return False
