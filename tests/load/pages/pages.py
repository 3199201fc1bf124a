"""Known-answer pages: an event page with an iframe, whose delays and failures the test knows."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.chromium import Chromium
from harness.redact import Redactor
from load.generate.calibration import empty_server
from load.judge.page_load_figures import PageLoadFigures
from load.pages.page_loads import PageLoadOptions, load_pages_in

PAGE = '<!doctype html><title>Event</title><h1>Event</h1><iframe title="tickets" src="/embed"></iframe>'
LATER = """<!doctype html><title>Event</title><h1>Event</h1><div id="place"></div><script>
const frame = document.createElement("iframe");
document.getElementById("place").append(frame);
setTimeout(() => { frame.src = "/embed"; }, 1000);
</script>"""
Answer = tuple[int, str, dict[str, str], float]
"""Status, body, further headers, seconds before it; a status of 0 is no answer at all."""
Say = Callable[[str, int], Answer | None]
"""Of a path and how often it was asked for before: what is answered instead of the usual."""


@dataclass
class Served:
    """What an event page was asked for: how often each path, and each request's path with the monotonic seconds of its
    arrival and of its response."""

    address: str = ""
    asked: Counter[str] = field(default_factory=Counter)
    log: list[tuple[str, float, float]] = field(default_factory=list)


@contextmanager
def event_page(say: Say = lambda path, times: None, page: str = PAGE) -> Iterator[Served]:
    """Serve it."""
    served = Served()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        arrived, times = time.monotonic(), served.asked[path]
        served.asked[path] += 1
        usual: Answer = (200, page if path == "/" else "<!doctype html><p>Tickets</p>", {}, 0.0)
        status, body, headers, seconds = say(path, times) or usual
        await asyncio.sleep(seconds)
        if not status:
            await receive()
            await receive()
            return
        served.log.append((path, arrived, time.monotonic()))
        sent = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **headers}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body.encode()})

    with empty_server(app) as served.address:
        yield served


class OpenBrowser:
    """A browser that stays open from one loading of pages to the next: to start one takes longer than to load them."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._redactor = Redactor()
        self._chromium = Chromium(self._redactor, seconds=30.0)

    def loaded(self, address: str, *, rounds: int, seconds: float = 30.0) -> PageLoadFigures:
        """So many first visits and second ones of a page, beside those of the empty page; `seconds` bounds each."""
        floor = (rounds + 3) // 4
        options = PageLoadOptions(seconds=600.0, most=2 * rounds + 2 * floor)
        return self._runner.run(
            load_pages_in(self._chromium, address, "iframe", options, seconds=seconds, redactor=self._redactor)
        )

    def close(self) -> None:
        """Close the browser, if it was started."""
        self._runner.run(self._chromium.close())
        self._runner.close()
