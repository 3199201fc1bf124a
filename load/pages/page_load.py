"""One load of a page with the tickets' iframe in a browser. Needs Playwright.

Times are the browser's own: from the page's navigation to the end of the iframe's load event.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from playwright.async_api import Error, Frame, Page, Request, Response

from load.generate.samples import Result

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

_NEEDED = frozenset({"document", "script", "stylesheet"})
_LIVE = frozenset({"eventsource", "websocket", "ping"})
_NO_CONNECTION = ("REFUSED", "NAME_NOT_RESOLVED", "ADDRESS_", "INTERNET_DISCONNECTED", "CERT_", "SSL_", "PROXY_")
_REFUSED_BY_BROWSER = ("BLOCKED_BY", "csp", "UNSAFE", "INVALID")
_NEAR = "element => element.scrollIntoView({block: 'nearest'})"
_ENDED = """() => {
  const entry = performance.getEntriesByType("navigation")[0];
  return performance.timeOrigin + (entry.loadEventEnd || performance.now());
}"""


@dataclass(frozen=True, slots=True)
class PageLoad:
    """The result of a load, with the reason if it is not OK. `milliseconds` from navigation to ready, else of the
    wait."""

    result: Result
    milliseconds: float
    reason: str = ""


class _FailedLoadError(Exception):
    """A load that failed."""

    def __init__(self, result: Result, reason: str) -> None:
        super().__init__(reason)
        self.result = result


async def load_page(context: "BrowserContext", url: str, tickets: str, seconds: float) -> PageLoad:
    """Load a page in a new tab and wait for its iframe (the selector `tickets`), at most `seconds`.

    A load is not FAILED because of the network: without a connection it is REFUSED, without an answer UNANSWERED.
    """
    began = asyncio.get_running_loop().time()
    page = await context.new_page()
    requests = _Requests(page)
    try:
        async with asyncio.timeout(seconds):
            return PageLoad(Result.OK, await _ready(page, requests, url, tickets))
    except _FailedLoadError as error:
        found, reason = error.result, str(error)
    except (TimeoutError, Error):
        found, reason = requests.verdict(f"no tickets were shown within {seconds:g} s")
    finally:
        with suppress(Error, TimeoutError):
            async with asyncio.timeout(seconds):
                await page.close()
    return PageLoad(found, 1000 * (asyncio.get_running_loop().time() - began), reason)


async def _ready(page: Page, requests: "_Requests", url: str, tickets: str) -> float:
    """Milliseconds until the iframe was ready. Raises _FailedLoadError, Playwright's Error, TimeoutError."""
    try:
        answer = await page.goto(url, wait_until="commit")
    except Error:
        raise _FailedLoadError(*requests.verdict("the page cannot be loaded")) from None
    if answer is not None and answer.status >= 400:
        raise _FailedLoadError(_result_of(answer.status), f"the page is answered {answer.status}")
    shown = await page.wait_for_selector(f"{tickets} >> visible=true", state="visible")
    # The iframe loads when it comes near the visible part of the page.
    frame, _ = await asyncio.gather(shown.content_frame(), shown.evaluate(_NEAR)) if shown else (None, None)
    if frame is None:
        raise _FailedLoadError(Result.FAILED, "what is shown for the tickets is not an iframe")
    await frame.wait_for_url(lambda now: now.startswith(("http", "chrome-error")), wait_until="load")
    await requests.check(frame)
    begun, ended = await asyncio.gather(page.evaluate("performance.timeOrigin"), frame.evaluate(_ENDED))
    return float(ended) - float(begun)


class _Requests:
    """The requests of a tab, and their problems."""

    def __init__(self, page: Page) -> None:
        self._origin = ""
        self._pending: dict[Request, None] = {}
        self._problems: list[tuple[Request, Result, str]] = []
        page.on("request", self._requested)
        page.on("response", self._answered)
        page.on("requestfinished", self._over)
        page.on("requestfailed", self._failed)

    async def check(self, frame: Frame) -> None:
        """Raises _FailedLoadError if the iframe, or a script or style of the page's or the iframe's origin, failed to
        load."""
        origins = {_origin(frame.url), _origin(frame.page.url)}
        for request, result, reason in self._problems:
            if _is_document(request) or _origin(request.url) in origins:
                raise _FailedLoadError(result, reason)
        if frame.url.startswith("chrome-error"):
            raise _FailedLoadError(Result.FAILED, "the browser shows an error in the place of the tickets")

    def verdict(self, otherwise: str) -> tuple[Result, str]:
        """The result of a load that failed: the first problem, else an unanswered request, else FAILED with
        `otherwise`."""
        for _, result, reason in self._problems:
            return result, reason
        for request in self._pending:
            if request.resource_type not in _LIVE:
                return Result.UNANSWERED, f"{_described(request)} was not answered in time"
        return Result.FAILED, otherwise

    def _requested(self, request: Request) -> None:
        self._pending[request] = None

    def _answered(self, response: Response) -> None:
        request = response.request
        if response.status >= 400 and request.resource_type in _NEEDED:
            self._problems.append(
                (request, _result_of(response.status), f"{_described(request)} is answered {response.status}")
            )

    def _over(self, request: Request) -> None:
        self._pending.pop(request, None)

    def _failed(self, request: Request) -> None:
        self._pending.pop(request, None)
        why = request.failure or "failed"
        if request.resource_type in _NEEDED and not why.endswith("ERR_ABORTED"):
            self._problems.append((request, *_of_failure(why, _described(request))))


def _of_failure(why: str, what: str) -> tuple[Result, str]:
    if _has(why, _NO_CONNECTION):
        return Result.REFUSED, f"no connection for {what} ({why})"
    if _has(why, _REFUSED_BY_BROWSER):
        return Result.FAILED, f"the browser refuses {what} ({why})"
    return Result.UNANSWERED, f"{what} got no answer ({why})"


def _has(text: str, words: Iterable[str]) -> bool:
    return any(each in text for each in words)


def _result_of(status: int) -> Result:
    return Result.LIMITED if status == 429 else Result.FAILED


def _is_document(request: Request) -> bool:
    return request.resource_type == "document"


def _described(request: Request) -> str:
    """A request in words, without its query."""
    kind = {"document": "the page" if _of_top(request) else "the iframe"}.get(request.resource_type)
    return f"{kind or 'the ' + request.resource_type} {urlsplit(request.url).path[:100]}"


def _of_top(request: Request) -> bool:
    try:
        return request.frame.parent_frame is None
    except Error:
        return True


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
