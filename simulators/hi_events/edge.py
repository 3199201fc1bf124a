"""Who is let in, how errors look, security headers: what surrounds the routes of hi.events."""

import re
from collections.abc import Collection
from contextvars import ContextVar

from openapi import Problem
from simulators.hi_events.answers import ANSWERS
from simulators.hi_events.store import HiEventsStore, LocalSession
from simulators.hi_events.strains import STRAINS
from simulators.hi_events.views import policy
from simulators.kit.altered import alter
from simulators.kit.binding import Behaviour, Receive, describe, details
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import FaultRuntime
from simulators.kit.strain import Strains
from simulators.kit.templates import Templates, html_reply
from simulators.kit.variants import Frames, Framing

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


class Edge(Behaviour):
    """The behaviour of hi.events around its routes."""

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
        self._framing = Framing(faults, "hi.events")
        self._strains = Strains(faults, STRAINS)
        self._frames = " ".join(["'self'", *client_origins])

    def offers(self, inbound: Inbound) -> bool:
        """Honest: always."""
        if inbound.path in _API_PATHS and self._faults.on("routes-missing"):
            return False
        operation = inbound.operation
        missing = None if operation is None else MISSING_ROUTES.get(operation.id)
        if missing is not None and self._faults.on(missing):
            return False
        return not (inbound.path == _SIGN_IN_PATH and self._faults.on("sign-in-route-missing"))

    async def before(self, inbound: Inbound, receive: Receive) -> Reply | None:
        """What is slow or fails under load."""
        await self._strains.before(inbound)
        return None

    def authenticate(self, scheme: str, inbound: Inbound) -> None:
        """The bearer token of a living session; raises Refusal(401)."""
        found = self._session(inbound)
        session.set(found)
        if found is not None:
            inbound.user_id = found.user.external_user_id
            inbound.account_id = found.account.external_account_id
            return
        operation = inbound.operation
        opened = None if operation is None else OPEN_ROUTES.get(operation.id)
        if opened is not None and self._faults.on(opened):
            return
        if operation is not None and operation.id == SET_STATUS and self._faults.on("change-made-before-the-refusal"):
            return
        raise unauthenticated()

    def enforces_limit(self, inbound: Inbound) -> bool:
        """Honest: always."""
        return not self._faults.on("sign-in-not-limited")

    def invalid(self, inbound: Inbound, problems: list[Problem]) -> Refusal | None:
        """401 for a sign-in, an HTML page for the page, else 422 with `errors` by field."""
        operation = inbound.operation
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
        if operation.id == SET_STATUS and _is_only_an_unknown_word(inbound, problems):
            if self._faults.on("unknown-status-accepted") or self._faults.on("refused-status-sent"):
                return None
            return _form_error(problems)
        if operation.id == PERMISSION and self._faults.on("ill-formed-permission-is-false"):
            return None
        if operation.id == PERMISSION and self._faults.on("ill-formed-permission-answers-400"):
            return Refusal(400, "VALIDATION_ERROR", "The given data was invalid.")
        return _form_error(problems)

    def error(self, inbound: Inbound, refusal: Refusal) -> Reply:
        """Laravel's error shape; a page for pages."""
        operation = inbound.operation
        is_page = operation is not None and operation.base == "pages"
        if is_page or self._faults.on("error-shape-html"):
            return html_reply(self._templates.render("error", message=refusal.message), refusal.status)
        body: dict[str, object] = {"message": refusal.message, "error": refusal.code}
        if refusal.status == 422:
            body["errors"] = refusal.details
        return json_reply(body, refusal.status)

    def alter(self, inbound: Inbound, reply: Reply) -> None:
        """Honest: nothing."""
        alter(self._faults, ANSWERS, inbound, reply)

    async def framed(self, inbound: Inbound, reply: Reply, headers: list[tuple[str, str]]) -> Frames | None:
        """Honest: as usual."""
        return await self._framing.frames(inbound, reply, headers)

    def hides_methods(self, inbound: Inbound) -> bool:
        """As usual: 405."""
        return self._faults.on("wrong-method-answers-404-at-hi-events")

    def headers(self, inbound: Inbound) -> list[tuple[str, str]]:
        """Security headers; only what is made for embedding may be framed, and only by tuvens-client."""
        headers = [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
        operation = inbound.operation
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

    def _session(self, inbound: Inbound) -> LocalSession | None:
        given = inbound.header_values("authorization")
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
    return Refusal(401, "UNAUTHORIZED", "Unauthenticated.", headers=[("www-authenticate", "Bearer")])


def _form_error(problems: list[Problem]) -> Refusal:
    errors: dict[str, list[str]] = {}
    for each in details(problems):
        errors.setdefault(each["field"], []).append(each["problem"])
    return Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", errors)


def _is_only_an_unknown_word(inbound: Inbound, problems: list[Problem]) -> bool:
    word = inbound.field("status")
    return isinstance(word, str) and bool(word) and all(each.pointer == "/body/status" for each in problems)
