"""Errors of tuvens-client: a page for pages, tuvens-api's shape for the server route."""

from collections.abc import Sequence

from contracts.times import iso_millis
from openapi import Problem
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.templates import Templates, html_response


class ClientErrors:
    """Errors that do not come from tuvens-api."""

    def __init__(self, clock: Clock, templates: Templates) -> None:
        self._clock = clock
        self._templates = templates

    def response(self, request: Request, refusal: Refusal) -> Response:
        """A refusal as a response."""
        operation = request.operation
        if operation is None or operation.base == "pages":
            heading = "There is no such page" if refusal.status in (404, 405) else "Something is wrong"
            message = "The address may be mistyped, or old." if operation is None else refusal.message
            return html_response(self._templates.render("problem", heading=heading, message=message), refusal.status)
        body = {
            "statusCode": refusal.status,
            "timestamp": iso_millis(self._clock.now()),
            "path": request.path[:512],
            "message": refusal.message,
            "origin": {"message": refusal.message, "code": refusal.code, "details": refusal.details},
        }
        return json_response(body, refusal.status)

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """None: tuvens-api refuses a body, the callback page says what it cannot read."""
        return None
