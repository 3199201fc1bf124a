"""Errors of tuvens-api, in the contract's shape."""

import re
from collections.abc import Sequence

from contracts.times import iso_millis
from openapi import Problem
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.form_errors import describe, details
from simulators.kit.messages import Request, Response, json_response

_LONG = re.compile(r"[A-Za-z0-9._~-]{32,}")


class ApiErrors:
    """The error shape: statusCode, timestamp, path, message, origin."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def response(self, request: Request, refusal: Refusal) -> Response:
        """A refusal as a response; nothing of the request is in it but its path."""
        message = self.message(request, refusal)
        body = {
            "statusCode": refusal.status,
            "timestamp": iso_millis(self._clock.now()),
            "path": self.path(request),
            "message": message,
            "origin": {"message": message, "code": refusal.code, "details": refusal.details},
        }
        return json_response(body, refusal.status)

    def path(self, request: Request) -> str:
        """The path without its query, long runs of characters masked: one may be a token."""
        return _LONG.sub("***", request.path[:512])

    def message(self, request: Request, refusal: Refusal) -> str:
        """What the error says."""
        return refusal.message

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """400 VALIDATION_ERROR."""
        return Refusal(400, "VALIDATION_ERROR", describe(problems), details(problems))
