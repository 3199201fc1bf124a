"""What surrounds the routes of tuvens-client: the user's JWT, error shapes, security headers."""

import re
from collections.abc import Sequence
from urllib.parse import unquote

from contracts.times import iso_millis
from openapi import Problem
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.faults import FaultRuntime
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.kit.templates import Templates, html_response

COOKIE = "jwt"
WRAPS = "wrapGenerateSession"
_SENDABLE = re.compile(r"[!-~]+")


class Edge:
    """The behaviour of tuvens-client around its routes. `frames` and `connects`: origins that its pages frame and
    call."""

    def __init__(self, *, clock: Clock, faults: FaultRuntime, templates: Templates, frames: str, connects: str) -> None:
        self._clock = clock
        self._faults = faults
        self._templates = templates
        self._policy = policy(frames=frames, connects=connects)

    def check(self, request: Request) -> None:
        """Nobody is refused here: the route passes on what it was given, and tuvens-api says who it is."""

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """Nothing is refused here: tuvens-api refuses a body, the callback page tells of what it cannot read."""
        return None

    def response(self, request: Request, refusal: Refusal) -> Response:
        """A page for pages; elsewhere the error shape of tuvens-api, for what the route did not get from there."""
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

    def headers(self, request: Request) -> list[Header]:
        """A policy under which the pages work and nothing else does; pages are not framed."""
        return [(name.encode(), value.encode()) for name, value in self._security(request)]

    def preflight(self, request: Request) -> list[Header]:
        """None: no other origin is admitted."""
        return []

    def _security(self, request: Request) -> list[tuple[str, str]]:
        operation = request.operation
        if operation is not None and operation.base == "api":
            return [("x-content-type-options", "nosniff"), ("cache-control", "no-store")]
        headers = [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
            ("cache-control", "no-store"),
        ]
        if self._faults.armed("texts-as-html"):
            return headers
        return [*headers, ("x-frame-options", "DENY"), ("content-security-policy", self._policy)]


def policy(*, frames: str, connects: str) -> str:
    """The content security policy of the pages: own scripts and styles, tuvens-api's events, hi.events' embeds."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; "
        f"connect-src 'self' {connects}; frame-src {frames}; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'"
    )


def user_jwt(request: Request) -> str | None:
    """The JWT that came with a request: of the Authorization header, else of the cookie `jwt`; None without one.

    What could not travel on in a header is nobody's JWT.
    """
    given = (request.header("authorization") or "").strip()
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        found = token.strip()
    else:
        found = cookie(request.header("cookie") or "", COOKIE)
    return found if _SENDABLE.fullmatch(found) else None


def cookie(header: str, name: str) -> str:
    """The value of a cookie, empty where there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return unquote(value.strip('"'))
    return ""
