"""Example histories of the rules about errors."""

from typing import Any

from harness.history import Exchange
from harness.history import History as Seen
from tests.contracts.documented import documented, error
from tests.contracts.examples import Example, Examples, breaks, holds, leaves_open
from tests.contracts.histories import answer, history, no_answer

TUVENS, HI, CLIENT = "validateSession", "validateCrossAppSession", "wrapGenerateSession"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def seen(*errors: Exchange, operation: str = TUVENS) -> Seen:
    """A success and a right error, then these."""
    first = (error(operation, 200, "a_story/success"), error(operation, 401, "a_story/refused"))
    return history(*first, *errors)


def told(status: int = 404, /, operation: str = TUVENS, **changed: Any) -> Seen:
    """One error, some of its fields otherwise."""
    return seen(error(operation, status, "a_story/wrong", changed=changed), operation=operation)


def _event(path: str) -> Seen:
    url = "http://127.0.0.1/api/events/a%20b"
    return seen(error("getEvent", 404, "a_story/event", url=url, changed={"path": path}))


def _mounted(path: str) -> Seen:
    url = "https://staging.example/tuvens"
    told = error(TUVENS, 404, "a_story/step", url=f"{url}/api/cross-app/validate-session", changed={"path": path})
    return history(told, targets={"tuvens-api": {"url": url, "api_url": url, "kind": "staging"}})


def _lacks(name: str) -> Seen:
    changed: dict[str, Any] = {name: ...}
    return told(**changed)


_REFUSED_BY_FRONTS: dict[str, dict[str, Any]] = {
    "a long header": {"request_headers": (("x-hi-events-signature", "0" * 8_200),)},
    "a header that is not ASCII": {"request_headers": (("x-hi-events-signature", "é"),)},
    "encoded slashes": {"url": "http://127.0.0.1/api/events/..%2F..%2Fetc"},
    "a NUL": {"url": "http://127.0.0.1/api/events/a%00b"},
}


def _nobodys(operation: str) -> tuple[Example, ...]:
    """Answers that are no application's error: nothing is said of their shape."""
    app = error(operation, 401, "a_story/step").callee
    said: dict[str, Any] = {"operation": operation, "callee": app, "headers": HTML}
    return (
        leaves_open("nothing went wrong", history(error(operation, 200, "a_story/success"))),
        leaves_open("no answer came", history(no_answer("a_story/step", operation=operation, callee=app))),
        *(
            holds(
                f"a front's own page ({status})",
                seen(answer("a_story/step", status, b"<h1>No", **said), operation=operation),
            )
            for status in (405, 413, 414, 431, 502, 503, 504)
        ),
        holds(
            "a router's own page for a route that is not there",
            seen(answer("every_route_is_probed/step", 404, b"<h1>No", **said), operation=operation),
        ),
        *(
            holds(
                f"a front's own page for {name}",
                seen(answer("a_story/step", 400, b"<h1>No", **{**said, **odd}), operation=operation),
            )
            for name, odd in _REFUSED_BY_FRONTS.items()
        ),
        breaks(
            "a page of HTML for an ordinary request",
            seen(documented(operation, 400, "a_story/step", b"<h1>No", headers=HTML), operation=operation),
        ),
        holds(
            "a preflight's own answer",
            seen(answer("a_story/step", 403, b"", method="OPTIONS", **said), operation=operation),
        ),
    )


EXAMPLES: Examples = {
    "tuvens_api_errors_share_one_shape": (
        holds("statusCode, timestamp, path and message", seen()),
        holds("with an origin", told(origin={"message": "…", "code": "VALIDATION_ERROR", "details": None})),
        holds("a list of texts", told(400, message=["session_token must be a string", "session_token is missing"])),
        holds("an origin with a list of texts", told(400, origin={"message": ["session_token must be a string"]})),
        holds("an undocumented status in the same shape", seen(error(TUVENS, 418, "a_story/odd"))),
        *(breaks(f"without {each}", _lacks(each)) for each in ("statusCode", "timestamp", "path", "message")),
        breaks("statusCode as text", told(statusCode="404")),
        breaks("a message that is an object", told(400, message={"session_token": "must be a string"})),
        breaks("a list that holds an object", told(400, message=[{"session_token": "must be a string"}])),
        breaks("a time without Z", told(timestamp="2025-07-25 14:30:00")),
        breaks("Laravel's shape", told(statusCode=..., timestamp=..., path=..., error="NOT_FOUND")),
        breaks(
            "an undocumented status in another shape", seen(error(TUVENS, 418, "a_story/odd", changed={"path": ...}))
        ),
        breaks("an undocumented status without JSON", seen(documented(TUVENS, 418, "a_story/odd", b"I am a teapot"))),
        breaks("a page of HTML", seen(error(TUVENS, 500, "a_story/wrong", headers=HTML))),
        breaks(
            "a list", seen(answer("a_story/wrong", 400, [], operation=TUVENS, facts={"problems": ["/body: is a list"]}))
        ),
        *_nobodys(TUVENS),
    ),
    "error_tells_its_own_status": (
        holds("its status and the path that was asked for", seen()),
        holds("the path with a masked query", told(path="/api/cross-app/validate-session?session_token=***")),
        holds("an event's path, its id encoded", _event("/api/events/a%20b")),
        holds("an event's path, its id decoded", _event("/api/events/a b")),
        holds("an event's path, its id masked", _event("/api/events/***")),
        holds("a path below the deployment's own", _mounted("/tuvens/api/cross-app/validate-session")),
        holds("a path without what a front took away", _mounted("/api/cross-app/validate-session")),
        breaks("an event's path without its beginning", _event("a b")),
        breaks("a path below nobody's", _mounted("/other/api/cross-app/validate-session")),
        breaks("another status", told(statusCode=500)),
        breaks("no status", told(statusCode=...)),
        breaks("another path", told(path="/api/cross-app/generate-session")),
        breaks("a route's inner path", told(path="/validate-session")),
        breaks("no path", told(path=...)),
        breaks("no JSON", seen(documented(TUVENS, 400, "a_story/wrong", b"Not Found"))),
        leaves_open("nothing went wrong", history(error(TUVENS, 200, "a_story/success"))),
        leaves_open("no answer came", history(no_answer("a_story/step", operation=TUVENS))),
    ),
    "tuvens_client_errors_share_one_shape": (
        holds("tuvens-api's shape", seen(operation=CLIENT)),
        breaks("without a path", told(401, CLIENT, path=...)),
        breaks("SvelteKit's own shape", told(401, CLIENT, statusCode=..., timestamp=..., path=...)),
        *_nobodys(CLIENT),
    ),
    "hi_events_errors_share_one_shape": (
        holds("message and error", seen(operation=HI)),
        holds("a validation error with errors by field", seen(error(HI, 422, "a_story/ill-formed"), operation=HI)),
        holds("a further field", told(401, HI, exception="AuthenticationException")),
        breaks("without a message", told(401, HI, message=...)),
        breaks("an own refusal without an error code", told(401, HI, error=...)),
        holds("no session, without an error code", told(401, "getCrossAppStatus", error=...)),
        holds("a limit, without an error code", told(429, HI, error=...)),
        holds("a failure of the framework, without an error code", told(503, HI, error=...)),
        holds("a validation error with an empty list of errors", told(422, HI, errors=[])),
        breaks("a validation error with a list of texts", told(422, HI, errors=["The status is wrong."])),
        holds(
            "a page for a caller that does not accept JSON",
            seen(error(HI, 401, "a_story/wrong", headers=HTML, request_headers=(("Accept", "*/*"),)), operation=HI),
        ),
        breaks("a validation error without errors", told(422, HI, errors=...)),
        breaks("NestJS's shape", told(401, HI, error=..., message=["no"])),
        breaks("an undocumented status without a message", told(500, HI, message=...)),
        breaks("a page of HTML", seen(error(HI, 401, "a_story/wrong", headers=HTML), operation=HI)),
        *_nobodys(HI),
    ),
}
