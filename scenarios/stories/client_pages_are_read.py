"""A browser loads the pages of tuvens-client, with their scripts and styles."""

from urllib.parse import urlsplit

from contracts.client_session.wire import come_back, show_event
from harness.effects import Effect
from harness.http import Answer, Call
from scenarios.cast.cast import BROWSER, CLIENT, Cast
from scenarios.cast.page_files import files_named
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

MOST_FILES = 100
"""The most scripts and styles that are loaded."""


@story(does={Effect.READ, Effect.MINT}, needs=("target:tuvens-client",))
async def client_pages_are_read(cast: Cast) -> None:
    """A browser opens an event's page and the callback page, signed in and not, and loads every script and style that
    these name; a session was generated for it before."""
    organiser = cast.organiser
    await cast.wraps_session("session", organiser)
    event, cookie = cast.some_event, cast.stage.target(CLIENT).jwt_cookie
    failed = {"status": "error", "event_id": event, "error_code": "INVALID_SESSION", "error_message": "It is over."}
    pages = {
        "page/event": show_event(None, event),
        "page/event, signed in": show_event(organiser.jwt, event, cookie=cookie),
        "page/callback, cancelled": come_back(None, {"status": "cancelled", "event_id": event}),
        "page/callback, error": come_back(organiser.jwt, failed, cookie=cookie),
    }
    waiting: list[str] = []
    for step, call in pages.items():
        waiting += _named(await cast.send(step, BROWSER, call))
    seen: set[str] = set()
    while waiting and len(seen) < MOST_FILES:
        url = waiting.pop(0)
        if url in seen:
            continue
        seen.add(url)
        waiting += _named(await _load(cast, f"file/{len(seen)}", url))
    cast.observe("files", {"loaded": len(seen), "left out": len(set(waiting) - seen)})


async def _load(cast: Cast, step: str, url: str) -> Reply:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    call = Call("", "GET", target, (("Accept", "*/*"),))
    base_url = f"{parts.scheme}://{parts.netloc}"
    return await cast.stage.sender.forward(cast.step(step), BROWSER, CLIENT, base_url, call, repeatable=True)


def _named(reply: Reply) -> list[str]:
    answer = reply.answer or Answer(0)
    kind = (answer.header("content-type") or "").lower()
    return files_named(answer.body.decode("utf-8", "replace"), reply.exchange.url, kind)
