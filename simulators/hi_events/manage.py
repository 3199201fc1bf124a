"""The page on which an organiser, arrived from Tuvens, makes events live, drafts, ends and cancels them.

The contract knows no such page, only that there is one to arrive on; what its buttons call is the contract's API.
"""

from collections.abc import Collection
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.hi_events import returning
from simulators.hi_events.headers import manage_page_headers
from simulators.hi_events.store import HiEventsStore, LocalSession
from simulators.kit.clock import Clock
from simulators.kit.templates import Templates

PATH = "/manage"
COOKIE = "hi_events_session"
_SIGNED_OUT = "You are not signed in, or the session is over. Come again from Tuvens."


class ManagePage:
    """The page for organisers with a session. Its cookie is the bearer token, which the page's script sends."""

    def __init__(
        self, store: HiEventsStore, clock: Clock, templates: Templates, client_origins: Collection[str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._templates = templates
        self._origins = client_origins

    def route(self) -> Route:
        """GET /manage."""
        return Route(PATH, self.show, methods=["GET"])

    async def show(self, request: Request) -> Response:
        """The events of the session's account; `event` (of Tuvens) shows one, `return_url` is the way back."""
        session = self._store.session(request.cookies.get(COOKIE, ""), self._clock.now())
        headers = {name.decode(): value.decode() for name, value in manage_page_headers()}
        if session is None:
            page = self._templates.render("error", message=_SIGNED_OUT)
            return Response(page, 401, headers, "text/html")
        back = request.query_params.get("return_url", "")
        page = self.render(session, request.query_params.get("event", ""), back)
        return Response(page, 200, headers, "text/html")

    def render(self, session: LocalSession, event: str, back: str) -> str:
        """The page for a session. A way back that is not allowed is left out."""
        events = self._store.events_of(session.account.id)
        chosen = [each for each in events if event and each.tuvens_event_id == event]
        leave = None
        if back and returning.is_allowed(back, self._origins):
            # Who leaves an event that is linked has not cancelled anything.
            external = session.account.external_account_id or 0
            linked = returning.success(event, chosen[0].id, external) if chosen else None
            leave = returning.with_answer(back, linked or returning.cancelled(event or None))
        return self._templates.render(
            "manage", session=session, events=chosen or events, back=leave, is_one_event=bool(chosen)
        )


def manage_address(event: str | None, back: str | None) -> str:
    """Where the page is for an event of Tuvens, with a way back."""
    query = [(name, value) for name, value in (("event", event), ("return_url", back)) if value]
    return f"{PATH}?{urlencode(query)}" if query else PATH
