"""Errors of hi.events: Laravel's shape for the API, a page for pages."""

from collections.abc import Callable, Mapping, Sequence

from openapi import Problem
from simulators.kit.errors import Refusal
from simulators.kit.form_errors import details
from simulators.kit.messages import Request, Response, json_response
from simulators.kit.templates import Templates, html_response

FormError = Callable[[Request, Sequence[Problem]], Refusal | None]


class LaravelErrors:
    """The error shape: message, error, and for a form error the errors by field.

    form_errors: by operationId, the form errors of operations that have one of their own.
    """

    def __init__(self, templates: Templates, form_errors: Mapping[str, FormError]) -> None:
        self._templates = templates
        self._form_errors = form_errors

    def response(self, request: Request, refusal: Refusal) -> Response:
        """A refusal as a response."""
        operation = request.operation
        if operation is not None and operation.base == "pages":
            return self.page(refusal)
        body: dict[str, object] = {"message": refusal.message, "error": refusal.code}
        if refusal.status == 422:
            body["errors"] = refusal.details
        return json_response(body, refusal.status)

    def page(self, refusal: Refusal) -> Response:
        """A refusal as a page."""
        return html_response(self._templates.render("error", message=refusal.message), refusal.status)

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """The operation's own form error, or 422."""
        assert request.operation is not None, "only an operation has a form"
        return self._form_errors.get(request.operation.id, invalid)(request, problems)


def invalid(request: Request, problems: Sequence[Problem]) -> Refusal:
    """422 with the problems by field."""
    errors: dict[str, list[str]] = {}
    for each in details(problems):
        errors.setdefault(each["field"], []).append(each["problem"])
    return unprocessable(errors)


def unprocessable(errors: Mapping[str, Sequence[str]]) -> Refusal:
    """422 with these errors by field."""
    return Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", errors)
