"""Example histories of the rules about the page."""

from typing import Any
from urllib.parse import urlencode

from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, honest, lacks, leaves_open
from tests.contracts.histories import EXPIRED, answer, history, observed

ORIGIN = "http://localhost:5173"
CALLBACK = f"{ORIGIN}/hi-events/callback"
PAGE = "http://127.0.0.1:3001/auth/cross-app?session_token=x"
STORY, REFUSED, FOREIGN = "a_draft_is_made_by_the_page", "the_page_refuses", "the_page_is_given_foreign_return_urls"
SUCCESS = {
    "status": "success",
    "event_id": "31",
    "hi_events_event_id": "40",
    "account_id": "123",
    "success": "true",
    "tuvens_event_id": "31",
}
INVALID = {"status": "error", "error_code": "INVALID_SESSION", "error_message": "The session is not valid any more."}
_REFUSED = f"{CALLBACK}?{urlencode(INVALID)}"


def redirect(step: str, to: str, **facts: object) -> Exchange:
    """The page leads on."""
    said: dict[str, Any] = {"callee": "hi.events", "operation": "openCrossAppPage", "method": "GET", "url": PAGE}
    return answer(step, 302, None, headers={"Location": to}, facts=facts, **said)


def html(step: str, text: str = "<!doctype html><div id=app></div>", **facts: object) -> Exchange:
    """The page is an application that runs in the browser."""
    said: dict[str, Any] = {"callee": "hi.events", "operation": "openCrossAppPage", "method": "GET", "url": PAGE}
    return answer(
        step,
        200,
        text.encode(),
        headers={"Content-Type": "text/html; charset=utf-8"},
        facts=facts,
        **said,
    )


def page_seen(*entries: Entry) -> Seen:
    """A history of a deployment whose allowed origin is known."""
    return history(*entries, settings={"return_origin": ORIGIN})


def made(page: Exchange | None = None, *, linked_before: bool | None = False, **event: object) -> Seen:
    """The page made an event, which was looked at."""
    told = {"id": 40, "title": "Zoë’s Night", "status": "DRAFT", "tuvens_event_id": "31", **event}
    value = {name: each for name, each in told.items() if each is not ...}
    return page_seen(
        observed(f"{STORY}/event", tuvens="31", **{"linked before": linked_before}),
        page or redirect(f"{STORY}/page", f"{CALLBACK}?{urlencode(SUCCESS)}"),
        answer(f"{STORY}/event made", 200, value, callee="hi.events", operation="readEvent"),
    )


def not_found(probe: int) -> Seen:
    """The event that the page made is answered 404, a probe without a session as given."""
    said: dict[str, Any] = {"callee": "hi.events", "operation": "readEvent", "method": "GET"}
    return page_seen(
        *(each for each in made().entries if each.step != f"{STORY}/event made"),
        answer(f"{STORY}/event made", 404, {"message": "No query results for model [Event] 40"}, **said),
        answer("every_route_is_probed/readEvent", probe, {"message": "…"}, **said),
    )


def told(**query: str) -> Seen:
    """The page led back after making an event, saying this."""
    return made(redirect(f"{STORY}/page", f"{CALLBACK}?{urlencode(query)}"))


def without(*names: str) -> dict[str, str]:
    """What is said after a success, but for these."""
    return {name: value for name, value in SUCCESS.items() if name not in names}


def refused(step: str = "unknown token", **query: str) -> Seen:
    """The page led back after an error, saying this."""
    return page_seen(redirect(f"{REFUSED}/{step}", f"{CALLBACK}?{urlencode(query or INVALID)}"))


def bait(to: str | None, foreign: str = "https://evil.example/callback") -> Seen:
    """The page was given a foreign return URL, and led somewhere (None: nowhere, 400)."""
    step = f"{FOREIGN}/plain"
    said: dict[str, Any] = {"callee": "hi.events", "operation": "openCrossAppPage", "method": "GET", "url": PAGE}
    nowhere = answer(step, 400, b"<h1>No</h1>", facts={"foreign": foreign}, **said)
    return page_seen(nowhere if to is None else redirect(step, to, foreign=foreign))


EXAMPLES: Examples = {
    "returns_after_making_an_event": (
        honest(told(**SUCCESS)),
        breaks("hi_events_event_id is missing", told(**without("hi_events_event_id"))),
        leaves_open("the session expired on the way", made(redirect(f"{STORY}/page", _REFUSED, **EXPIRED))),
    ),
    "return_tells_status_and_ids": (honest(told(**SUCCESS)), breaks("status is missing", told(**without("status")))),
    "return_has_the_older_spelling_too": (
        honest(told(**SUCCESS)),
        breaks("success is missing", told(**without("success"))),
    ),
    "makes_a_draft_that_carries_the_tuvens_event": (
        honest(made()),
        holds("it stands below data", made(id=..., data={"id": 40, "status": "DRAFT", "tuvens_event_id": "31"})),
        holds(
            "the id is an attribute",
            made(tuvens_event_id=..., attributes=[{"name": "tuvens_event_id", "value": "31"}]),
        ),
        breaks("it carries no id", made(tuvens_event_id=None)),
        breaks("it cannot be found", not_found(probe=401)),
        lacks("events cannot be read at all", not_found(probe=404)),
    ),
    "invalid_session_is_told": (
        honest(refused()),
        breaks("the code is UNKNOWN_ERROR", refused(status="error", error_code="UNKNOWN_ERROR", error_message="?")),
    ),
    "foreign_event_is_not_linked": (
        holds("it is an error", refused("foreign event", **INVALID)),
        breaks("it is a success", refused("foreign event", **SUCCESS)),
        leaves_open(
            "the session expired on the way",
            page_seen(redirect(f"{REFUSED}/foreign event", _REFUSED, **EXPIRED)),
        ),
    ),
    "errors_have_a_documented_code": (
        honest(refused()),
        breaks("the code is another one", refused(status="error", error_code="E42", error_message="?")),
    ),
    "never_leads_to_a_foreign_origin": (
        holds("it is answered 400", bait(None)),
        breaks("it leads there", bait("https://evil.example/callback?status=error")),
    ),
}
