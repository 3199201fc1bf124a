"""Chromium for stories, driven by Playwright (an optional extra, imported only when a story needs it).

One browser serves a run; each person has a browser context with cookies, storage and cache of its own.
"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from harness.child_environment import child_environment
from harness.extras import is_installed
from harness.private_folder import PrivateFolder
from harness.redact import Redactor
from harness.relay import Relay
from harness.story import StoryStoppedError

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Playwright, ProxySettings

    from harness.browsing import Admits, Browsing, Secrets

VARIABLE = "CROSSAPP_CHROMIUM"
# The headless shell renders alike, without the processes of a browser's own window: two thirds of the CPU time.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without requests of the browser itself.
_ARGUMENTS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-proxy-server",  # nor a proxy of the desktop's settings
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_AT_ONCE = 2


def executable() -> str | None:
    """The Chromium to start: that of CROSSAPP_CHROMIUM, else the first of the usual names in PATH; None if none is."""
    named = os.environ.get(VARIABLE)
    if named:
        return shutil.which(named)
    return next((found for found in map(shutil.which, _NAMES) if found), None)


def is_available() -> bool:
    """Whether Chromium and Playwright are installed."""
    return executable() is not None and is_installed("browser")


class Chromium:
    """The browser of a run, started when the first story needs it; for one event loop.

    `seconds`: time-out of one action or navigation. `evidence`: folder for screenshots, traces and logs (None: none are
    made). `any_certificate`: accept every certificate, since Chromium does not know the deployment's authority.
    """

    def __init__(
        self, redactor: Redactor, *, seconds: float, evidence: Path | None = None, any_certificate: bool = False
    ) -> None:
        self._redactor = redactor
        self._seconds = seconds
        self._evidence = evidence
        self._any_certificate = any_certificate
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._starting = asyncio.Lock()
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None
        self._broken = ""
        self._private: PrivateFolder | None = None

    async def close(self) -> None:
        """Close the browser and the driver, if they were started."""
        try:
            if self._browser is not None:
                await self._browser.close()
            if self._playwright is not None:
                await self._playwright.stop()
        finally:
            if self._private is not None:
                self._private.close()

    @asynccontextmanager
    async def browsing(
        self, name: str, secrets: "Secrets", *, relay: Relay | None = None, admits: "Admits | None" = None
    ) -> AsyncIterator["Browsing"]:
        """A recorded browser context until the block is left. `name` names the files of the evidence; `secrets` yields
        the secrets that a response hands out; all requests go through `relay`, and only those that `admits` lets
        through. Raises StoryStoppedError if no browser starts."""
        from harness.browsing import Browsing

        async with self._gate:
            through = await relay.start() if relay is not None else None
            context = await self.context(through)
            browsing = Browsing(context, self._redactor, name, secrets, self._evidence, self._seconds, admits)
            try:
                await browsing.begin()
                yield browsing
            finally:
                await browsing.end()
                if relay is not None:
                    await relay.close()

    async def context(self, proxy: str | None = None) -> "BrowserContext":
        """A context that is not recorded; the caller closes it. Raises StoryStoppedError if no browser starts."""
        browser = await self._started()
        context = await browser.new_context(
            service_workers="block",
            ignore_https_errors=self._any_certificate,
            locale="en-GB",
            # Without it, a page that a story answers itself counts as remote, and may not frame local pages.
            permissions=["local-network-access"],
            proxy=cast("ProxySettings | None", {"server": proxy} if proxy is not None else None),
        )
        context.set_default_timeout(self._seconds * 1000)
        return context

    async def _started(self) -> "Browser":
        async with self._starting:
            if self._broken:
                raise StoryStoppedError(self._broken)
            if self._browser is None:
                self._browser = await self._start()
            return self._browser

    async def _start(self) -> "Browser":
        from playwright.async_api import Error, async_playwright

        # Recordings hold secrets until they are redacted. The driver's own folder would stay behind if it were killed
        # while recording.
        self._private = PrivateFolder()
        try:
            self._playwright = await async_playwright().start()
            return await self._playwright.chromium.launch(
                executable_path=executable(),
                args=list(_ARGUMENTS),
                env=cast("dict[str, str | float | bool]", child_environment()),
                traces_dir=self._private.path,
            )
        except (Error, OSError) as error:
            self._broken = f"the browser {executable()} does not start: {str(error).strip().splitlines()[0]}"
            raise StoryStoppedError(self._broken) from None
