"""Who is let in, how errors look, security headers: what surrounds the routes of hi.events."""

import re
from collections.abc import Collection, Sequence
from contextvars import ContextVar

from openapi import Problem
from simulators.hi_events.store import HiEventsStore, LocalSession
from simulators.hi_events.views import policy
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.faults import FaultRuntime
from simulators.kit.form_errors import describe, details
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.kit.templates import Templates, html_response

VALIDATE, STATUS, ACCOUNTS, PERMISSION = (
    "validateCrossAppSession",
    "getCrossAppStatus",
    "listCrossAppAccounts",
    "validateCrossAppPermission",
)
SET_STATUS, PAGE = "setEventStatus", "openCrossAppPage"
EMBEDDABLE = frozenset({"showEventEmbed", "showWidget"})
_SIGN_IN_PATH = "/auth/cross-app/validate"
_API_PATHS = frozenset(
    {_SIGN_IN_PATH, "/auth/cross-app/status", "/auth/cross-app/accounts", "/auth/cross-app/validate-permission"}
)
MISSING_ROUTES = {
    STATUS: "status-route-missing",
    ACCOUNTS: "accounts-route-missing",
    PERMISSION: "permission-route-missing",
    SET_STATUS: "set-status-route-missing",
    PAGE: "page-route-missing",
}
"""The faults under which the router does not know an operation."""

OPEN_ROUTES = {
    STATUS: "status-open-without-bearer",
    ACCOUNTS: "accounts-open-without-bearer",
    PERMISSION: "permission-open-without-bearer",
    SET_STATUS: "protected-route-open",
}
"""The faults under which an operation works without a session."""

_BEARER = re.compile(r"bearer +([^\s]+)", re.IGNORECASE)

session: ContextVar[LocalSession | None] = ContextVar("hi_events_session", default=None)
"""The session of the request that the running task serves; None where a fault let it through without one."""


class Edge:
    """Authentication, errors and headers of hi.events."""

    def __init__(
        self,
        *,
        store: HiEventsStore,
        clock: Clock,
        faults: FaultRuntime,
        templates: Templates,
        client_origins: Collection[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._templates = templates
        self._frames = " ".join(["'self'", *client_origins])

    def offers(self, request: Request) -> bool:
        """Honest: always."""
        if request.path in _API_PATHS and self._faults.on("routes-missing"):
            return False
        operation = request.operation
        missing = None if operation is None else MISSING_ROUTES.get(operation.id)
        if missing is not None and self._faults.on(missing):
            return False
        return not (request.path == _SIGN_IN_PATH and self._faults.on("sign-in-route-missing"))

    def check(self, request: Request) -> None:
        """The bearer token of a living session; raises Refusal(401)."""
        found = self._session(request)
        session.set(found)
        if found is not None:
            request.user_id = found.user.external_user_id
            request.account_id = found.account.external_account_id
            return
        operation = request.operation
        opened = None if operation is None else OPEN_ROUTES.get(operation.id)
        if opened is not None and self._faults.on(opened):
            return
        if operation is not None and operation.id == SET_STATUS and self._faults.on("change-made-before-the-refusal"):
            return
        raise unauthenticated()

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """401 for a sign-in, an HTML page for the page, else 422 with `errors` by field."""
        operation = request.operation
        assert operation is not None, "only an operation has a form"
        if operation.id == VALIDATE:
            if self._faults.on("missing-token-answers-500"):
                return Refusal(500, "INTERNAL_ERROR", "Server Error")
            if self._faults.on("missing-token-answers-422"):
                return _form_error(problems)
            return Refusal(401, "UNAUTHORIZED", "A session token is required.")
        if operation.id == PAGE:
            if all(problem.pointer.startswith("/query/event_data") for problem in problems):
                return None  # the way back is known, and the page tells it there
            return Refusal(400, "VALIDATION_ERROR", f"This link cannot be read: {describe(problems)}.")
        if operation.id == SET_STATUS and _is_only_an_unknown_word(request, problems):
            if self._faults.on("unknown-status-accepted") or self._faults.on("refused-status-sent"):
                return None
            return _form_error(problems)
        if operation.id == PERMISSION and self._faults.on("ill-formed-permission-is-false"):
            return None
        if operation.id == PERMISSION and self._faults.on("ill-formed-permission-answers-400"):
            return Refusal(400, "VALIDATION_ERROR", "The given data was invalid.")
        return _form_error(problems)

    def response(self, request: Request, refusal: Refusal) -> Response:
        """Laravel's error shape; a page for pages."""
        operation = request.operation
        is_page = operation is not None and operation.base == "pages"
        if is_page or self._faults.on("error-shape-html"):
            return html_response(self._templates.render("error", message=refusal.message), refusal.status)
        body: dict[str, object] = {"message": refusal.message, "error": refusal.code}
        if refusal.status == 422:
            body["errors"] = refusal.details
        return json_response(body, refusal.status)

    def headers(self, request: Request) -> list[Header]:
        """Security headers; only what is made for embedding may be framed, and only by tuvens-client."""
        return [(name.encode(), value.encode()) for name, value in self._security(request)]

    def preflight(self, request: Request) -> list[Header]:
        """None: hi.events admits no other origin."""
        return []

    def _security(self, request: Request) -> list[tuple[str, str]]:
        headers = [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
        operation = request.operation
        if operation is None or operation.base == "api":
            return [*headers, ("cache-control", "no-store")]
        if operation.id in EMBEDDABLE and self._faults.on("embed-forbids-frames"):
            return [*headers, ("x-frame-options", "DENY")]
        if operation.id in EMBEDDABLE:
            return [*headers, ("content-security-policy", policy(self._frames))]
        if operation.id == PAGE and self._faults.armed("session-token-stays-in-address"):
            headers = [("x-content-type-options", "nosniff"), ("referrer-policy", "unsafe-url")]
        scripts = operation.id == PAGE
        headers += [("content-security-policy", policy("'none'", scripts=scripts)), ("x-frame-options", "DENY")]
        return [*headers, ("cache-control", "no-store")] if operation.id == PAGE else headers

    def _session(self, request: Request) -> LocalSession | None:
        given = request.header_values(b"authorization")
        match = _BEARER.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        if match is None:
            return None
        living = self._store.session(match[1], self._clock.now())
        if living is None and self._faults.armed("session-never-ends"):
            dead = self._store.session(match[1], 0.0)
            return dead if dead is not None and self._faults.on("session-never-ends") else None
        return living


def unauthenticated() -> Refusal:
    """The one answer to a missing, unknown or dead session."""
    return Refusal(401, "UNAUTHORIZED", "Unauthenticated.", headers=[(b"www-authenticate", b"Bearer")])


def _form_error(problems: Sequence[Problem]) -> Refusal:
    errors: dict[str, list[str]] = {}
    for each in details(problems):
        errors.setdefault(each["field"], []).append(each["problem"])
    return Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", errors)


def _is_only_an_unknown_word(request: Request, problems: Sequence[Problem]) -> bool:
    word = request.field("status")
    return isinstance(word, str) and bool(word) and all(each.pointer == "/body/status" for each in problems)
