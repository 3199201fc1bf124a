"""GET /hi-events/callback: what hi.events says on the way back, in either spelling, and what becomes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from simulators.kit.messages import Request, Response
from simulators.kit.templates import Templates, html_response
from simulators.tuvens_client.authentication import user_jwt
from simulators.tuvens_client.backend import BackendGateway

SUCCESS, ERROR, CANCELLED = "success", "error", "cancelled"
WHY = {
    "SESSION_GENERATION_FAILED": "No session could be started for Hi.Events.",
    "INVALID_SESSION": "The session was not valid any more.",
    "EXPIRED_SESSION": "The session has expired.",
    "INSUFFICIENT_PERMISSIONS": "You may not set up ticketing for this event.",
    "NETWORK_ERROR": "Hi.Events could not reach Tuvens.",
    "UNKNOWN_ERROR": "Hi.Events could not set up ticketing.",
}
INCOMPLETE = "Hi.Events came back without saying how it went."
_LONGEST_WORDS = 300
_WHY_UNLINKED = {
    401: "Your sign-in has expired. Sign in, then try again.",
    403: "You may not change this event.",
    404: "There is no such event at Tuvens.",
}


@dataclass(frozen=True, slots=True)
class Return:
    """How it went. `event_id` is Tuvens' event, `hi_events_event_id` hi.events' one; empty where not said. `why` is our
    own sentence for an error, `said` are hi.events' words, which anybody may have put into a link."""

    outcome: str
    event_id: str = ""
    hi_events_event_id: str = ""
    why: str = ""
    said: str = ""


class CallbackPage:
    """GET /hi-events/callback: says how it went; after a success the event is changed first."""

    def __init__(self, backend: BackendGateway, templates: Templates) -> None:
        self._backend = backend
        self._templates = templates

    async def show(self, request: Request) -> Response:
        """Show how it went."""
        found = self.read(request)
        if found.outcome == CANCELLED:
            return self.cancelled(found)
        if found.outcome == ERROR:
            return self.failed(found)
        why = await self.link(request, found)
        return self.linked(found) if why is None else self.unlinked(request, found, why)

    # -- its parts

    def read(self, request: Request) -> Return:
        """What hi.events says in the query."""
        return read(request.query_value)

    async def link(self, request: Request, found: Return) -> str | None:
        """Change the event; why that did not work, None where it did."""
        jwt = user_jwt(request)
        if jwt is None:
            return "You are not signed in any more. Sign in, then try again."
        status = await self._backend.link(jwt, found.event_id, found.hi_events_event_id)
        if status is not None and 200 <= status < 300:
            return None
        return _WHY_UNLINKED.get(status or 0, "Tuvens could not change the event. Try again in a moment.")

    def cancelled(self, found: Return) -> Response:
        """The page after a cancelled setup."""
        return self._page("callback-cancelled", found)

    def failed(self, found: Return) -> Response:
        """The page after an error."""
        return self._page("callback-error", found, why=found.why, said=found.said)

    def linked(self, found: Return) -> Response:
        """The page after a success."""
        return self._page("callback-success", found)

    def unlinked(self, request: Request, found: Return, why: str) -> Response:
        """The page after a success where the event could not be changed."""
        again = f"{request.path}?{request.query_string.decode('latin-1')}"
        return self._page("callback-unlinked", found, why=why, again=again)

    def _page(self, name: str, found: Return, **values: str) -> Response:
        event = f"/event/{quote(found.event_id, safe='')}" if found.event_id else "/"
        return html_response(self._templates.render(name, event=event, **values))


def read(value: Callable[[str], str | None]) -> Return:
    """Read the query, `value` of a name. "Both are sent; a reader takes either": the newer spelling goes first."""
    event_id = value("event_id") or value("tuvens_event_id") or ""
    hi_events_event_id = value("hi_events_event_id") or ""
    older = {"true": SUCCESS, "false": ERROR}.get((value("success") or "").lower(), "")
    outcome = value("status") or older
    if outcome == CANCELLED:
        return Return(CANCELLED, event_id)
    if outcome == SUCCESS and event_id and hi_events_event_id:
        return Return(SUCCESS, event_id, hi_events_event_id)
    if outcome == ERROR:
        why = WHY.get(value("error_code") or "", WHY["UNKNOWN_ERROR"])
        said = value("error_message") or value("message") or ""
        return Return(ERROR, event_id, why=why, said=said[:_LONGEST_WORDS])
    return Return(ERROR, event_id, why=INCOMPLETE)
