"""Known-answer pages: an event page with an iframe, whose delays and failures the test knows."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.redact import Redactor
from load.generate.calibration import empty_server
from load.judge.page_load_figures import PageLoadFigures
from load.pages.page_loads import PageLoadOptions, load_pages

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


@contextmanager
def event_page(say: Say = lambda path, times: None, page: str = PAGE) -> Iterator[tuple[str, dict[str, int]]]:
    """Serve it; yields its address and how often each path was asked for."""
    asked: dict[str, int] = {}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        path = scope["path"]
        times = asked.get(path, 0)
        asked[path] = times + 1
        usual: Answer = (200, page if path == "/" else "<!doctype html><p>Tickets</p>", {}, 0.0)
        status, body, headers, seconds = say(path, times) or usual
        await asyncio.sleep(seconds)
        if not status:
            await receive()
            await receive()
            return
        sent = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", **headers}
        raw = [(name.encode(), value.encode()) for name, value in sent.items()]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": body.encode()})

    with empty_server(app) as address:
        yield address, asked


def loaded(address: str, *, rounds: int, seconds: float = 30.0) -> PageLoadFigures:
    """So many first visits and second ones of a page, beside those of the empty page; `seconds` bounds each."""
    floor = (rounds + 3) // 4
    options = PageLoadOptions(seconds=600.0, most=2 * rounds + 2 * floor)
    return asyncio.run(load_pages(address, "iframe", options, seconds=seconds, redactor=Redactor()))
