"""The pages of an event: its own, and those made for embedding."""

from simulators.hi_events.events import event_number, no_event
from simulators.hi_events.store import HiEventsStore
from simulators.kit.messages import Request, Response
from simulators.kit.templates import Templates, html_response


class EventPages:
    """Shows events to everybody."""

    def __init__(self, store: HiEventsStore, templates: Templates) -> None:
        self._store = store
        self._templates = templates

    def show(self, request: Request) -> Response:
        """GET /event/{id}/{slug}; the slug is for people."""
        return self.page(request, embedded=False)

    def show_embedded(self, request: Request) -> Response:
        """GET /event/{id}/{slug}/embed and GET /widget/{id}."""
        return self.page(request, embedded=True)

    def page(self, request: Request, *, embedded: bool) -> Response:
        """The page of the event of a request's path. Raises Refusal (404)."""
        number = self.number(request.path_params["id"])
        event = None if number is None else self._store.event(number)
        if event is None:
            raise no_event()
        return html_response(self._templates.render("event", event=event, embedded=embedded))

    def number(self, text: str) -> int | None:
        """The number of an event; None where a text is none."""
        return event_number(text)
