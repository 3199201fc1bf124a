"""GET /event/{id}: the event of now; the page's scripts follow it from there."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request, Response
from simulators.kit.templates import Templates, html_response
from simulators.tuvens_client.authentication import user_jwt
from simulators.tuvens_client.backend import BackendGateway

_REGISTER = "register@tuvens.com"
_SHOWN = (
    *("id", "title", "description", "startDate", "endDate", "ticketing_enabled", "ticketing_status", "account_id"),
    *("hi_events_event_url", "hasTicketing", "ticketStatus"),
)
"""What the scripts need of an event."""


class TicketingPage:
    """The page of an event with the ticketing widget. tuvens_url, hi_events_url: base URLs for the scripts."""

    def __init__(self, backend: BackendGateway, templates: Templates, *, tuvens_url: str, hi_events_url: str) -> None:
        self._backend = backend
        self._templates = templates
        self._tuvens_url = tuvens_url.rstrip("/")
        self._hi_events_url = hi_events_url.rstrip("/")

    async def show(self, request: Request) -> Response:
        """Show the event of a request's path."""
        try:
            event = await self._backend.event(request.path_params["id"])
        except UpstreamUnavailable:
            raise Refusal(503, "UNAVAILABLE", "Tuvens cannot show this event now. Try again in a moment.") from None
        if event is None:
            raise Refusal(404, "EVENT_NOT_FOUND", "There is no such event.")
        return html_response(self.page(request, event))

    def page(self, request: Request, event: Mapping[str, Any]) -> str:
        """The page of an event."""
        return self._templates.render(
            "event",
            event={name: event[name] for name in _SHOWN if name in event},
            when=_when(event),
            description=event.get("description") or "",
            api=self._tuvens_url,
            hi_events=self._hi_events_url,
            signed_in=user_jwt(request) is not None,
            register=f"mailto:{_REGISTER}?subject={quote(event['title'])}",
            sign_in=f"/?next={quote(request.path, safe='')}",
        )


def _when(event: Mapping[str, Any]) -> str:
    """When it is, as a date and hours in UTC; as it was sent where it is no time that we know."""
    start, end = str(event.get("startDate") or ""), str(event.get("endDate") or "")
    if len(start) < 16 or start[10:11] != "T":
        return start
    until = f" to {end[11:16]}" if end[:10] == start[:10] and len(end) >= 16 else ""
    return f"{start[:10]}, {start[11:16]}{until} UTC"
