"""What surrounds the routes of tuvens-client: the user's JWT, error shapes, security headers."""

import re
from urllib.parse import unquote

from contracts.times import iso_millis
from openapi import Problem
from simulators.kit.binding import Behaviour
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import FaultRuntime
from simulators.kit.templates import Templates, html_reply

COOKIE = "jwt"
WRAPS = "wrapGenerateSession"
_SENDABLE = re.compile(r"[!-~]+")


class Edge(Behaviour):
    """The behaviour of tuvens-client around its routes. `frames` and `connects`: origins that its pages frame and
    call."""

    def __init__(self, *, clock: Clock, faults: FaultRuntime, templates: Templates, frames: str, connects: str) -> None:
        self._clock = clock
        self._faults = faults
        self._templates = templates
        self._policy = policy(frames=frames, connects=connects)

    def offers(self, inbound: Inbound) -> bool:
        """Honest: always."""
        operation = inbound.operation
        return operation is None or operation.id != WRAPS or not self._faults.on("wrapper-not-deployed")

    def authenticate(self, scheme: str, inbound: Inbound) -> None:
        """Nobody is refused here: the route passes on what it was given, and tuvens-api says who it is."""

    def invalid(self, inbound: Inbound, problems: list[Problem]) -> Refusal | None:
        """Nothing is refused here: tuvens-api refuses a body, the callback page tells of what it cannot read."""
        return None

    def error(self, inbound: Inbound, refusal: Refusal) -> Reply:
        """A page for pages; elsewhere the error shape of tuvens-api, for what the route did not get from there."""
        operation = inbound.operation
        if operation is None or operation.base == "pages":
            heading = "There is no such page" if refusal.status in (404, 405) else "Something is wrong"
            message = "The address may be mistyped, or old." if operation is None else refusal.message
            return html_reply(self._templates.render("problem", heading=heading, message=message), refusal.status)
        body = {
            "statusCode": refusal.status,
            "timestamp": iso_millis(self._clock.now()),
            "path": inbound.path[:512],
            "message": refusal.message,
            "origin": {"message": refusal.message, "code": refusal.code, "details": refusal.details},
        }
        return json_reply(body, refusal.status)

    def headers(self, inbound: Inbound) -> list[tuple[str, str]]:
        """A policy under which the pages work and nothing else does; pages are not framed."""
        operation = inbound.operation
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


def user_jwt(inbound: Inbound) -> str | None:
    """The JWT that came with a request: of the Authorization header, else of the cookie `jwt`; None without one.

    What could not travel on in a header is nobody's JWT.
    """
    given = (inbound.header("authorization") or "").strip()
    scheme, _, token = given.partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        found = token.strip()
    else:
        found = cookie(inbound.header("cookie") or "", COOKIE)
    return found if _SENDABLE.fullmatch(found) else None


def cookie(header: str, name: str) -> str:
    """The value of a cookie, empty where there is none."""
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return unquote(value.strip('"'))
    return ""
