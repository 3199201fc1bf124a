"""What a browser opens: the page that comes from Tuvens and goes back there, and the pages of an event."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from contracts.session_token.wire import SessionUser
from openapi import Document
from simulators.hi_events import returning
from simulators.hi_events.manage import COOKIE, Manage, address
from simulators.hi_events.sign_in import SignIn, Visitor
from simulators.hi_events.store import EventDraft, HiEventsStore, LocalEvent
from simulators.hi_events.upstream import Refused, Tuvens, Unavailable
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.faults import FaultRuntime
from simulators.kit.form_errors import details
from simulators.kit.journal import Journal
from simulators.kit.messages import Request, Response
from simulators.kit.strict_json import read_strict
from simulators.kit.templates import Templates, html_response

_APP = "tuvens"
_LONGEST_TITLE = 255
_LARGEST = 2**31 - 1
_IN_DETAILS = ("timezone", "location_details", "settings")


class PageError(Exception):
    """Why the page does not do what it was asked; `code` is an error_code of the contract."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Visit:
    """What came of opening the page; `made` is the event where one was asked for."""

    visitor: Visitor
    made: LocalEvent | None


class Pages:
    """The handlers of the operations below the address of the pages."""

    def __init__(
        self,
        *,
        document: Document,
        store: HiEventsStore,
        clock: Clock,
        journal: Journal,
        faults: FaultRuntime,
        tuvens: Tuvens,
        sign_in: SignIn,
        manage: Manage,
        templates: Templates,
        session_lifetime: int,
        client_origins: Collection[str],
    ) -> None:
        self._document = document
        self._store = store
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._tuvens = tuvens
        self._sign_in = sign_in
        self._manage = manage
        self._templates = templates
        self._lifetime = session_lifetime
        self._origins = client_origins

    async def open(self, request: Request) -> Response:
        """GET /auth/cross-app. A return URL that is not allowed is refused before anything else happens."""
        if any("%" in value for _, value in request.query) and self._faults.on("page-decodes-twice"):
            raise Refusal(500, "INTERNAL_ERROR", "Server Error")
        back = request.query_value("return_url") or request.query_value("callback_url")
        if back and not returning.is_allowed(back, self._origins) and not self._goes_anywhere(back):
            raise Refusal(400, "RETURN_URL_NOT_ALLOWED", "The address to return to is not one of Tuvens.")
        event_id = request.query_value("event_id")
        known_id = event_id if event_id is not None and event_number(event_id) is not None else None
        try:
            visit = await self._visit(request, known_id)
        except PageError as error:
            if not back:
                raise Refusal(400, error.code, error.message) from None
            code = error.code
            if code == "INSUFFICIENT_PERMISSIONS" and self._faults.on("error-code-of-http"):
                code = "FORBIDDEN"
            return self._redirect(back, returning.failure(code, error.message, known_id))
        if back and visit.made is not None:
            if self._faults.on("page-leads-to-the-new-event"):
                return Response(302, b"", [(b"location", visit.made.path.encode())])
            account = visit.visitor.external_account_id
            return self._redirect(back, returning.success(known_id or "", visit.made.id, account))
        return self._arrive(request, visit, known_id, back)

    def show_event(self, request: Request) -> Response:
        """GET /event/{id}/{slug}; the slug is for people."""
        return self._show_event(request, embedded=False)

    def show_embedded(self, request: Request) -> Response:
        """GET /event/{id}/{slug}/embed and GET /widget/{id}."""
        return self._show_event(request, embedded=True)

    async def _visit(self, request: Request, event_id: str | None) -> Visit:
        app = request.query_value("app_id") or request.query_value("source")
        if app and app != _APP:
            raise PageError("UNKNOWN_ERROR", "The application that this link comes from is not known.")
        token = request.query_value("session_token")
        if not token:
            raise PageError("INVALID_SESSION", "The link has no session token.")
        self._journal.remember("session-token", token)
        creates = request.query_value("action") == "create_event"
        who = await self._identify(token)
        account = request.query_value("account_id")
        if account and account != str(who.account_id):
            raise PageError("INSUFFICIENT_PERMISSIONS", "The session is for another account.")
        draft = None
        if creates:
            if event_id is None:
                raise PageError("UNKNOWN_ERROR", "event_id is missing or is not the number of an event.")
            draft = self._draft(request)
            await self._demand_permission(token, event_id)
        visitor = await self._sign_in.admit(who)
        request.user_id, request.account_id = who.user_id, who.account_id
        made = None
        if draft is not None:
            linked = None if self._faults.on("event-not-linked") else event_id
            status = "LIVE" if self._faults.on("draft-made-live") else "DRAFT"
            with self._store.write():
                made = self._store.make_event(visitor.account.id, linked, draft, now=self._clock.now(), status=status)
                if made.account_id != visitor.account.id:
                    raise PageError("INSUFFICIENT_PERMISSIONS", "The event belongs to another account.")
        return Visit(visitor, made)

    def _arrive(self, request: Request, visit: Visit, event_id: str | None, back: str | None) -> Response:
        """Start a session and go on to the manage page: the token that came in the address stays behind."""
        with self._store.write():
            bearer = self._store.start_session(
                visit.visitor.user,
                visit.visitor.account,
                tuvens_token=request.query_value("session_token") or "",
                now=self._clock.now(),
                lifetime=self._lifetime,
            )
            session = self._store.session(bearer, self._clock.now())
        self._journal.remember("bearer", bearer)
        path = "/auth" if self._faults.on("session-cookie-for-one-page") else "/"
        value = f"{COOKIE}={bearer}; Path={path}; Max-Age={self._lifetime}; SameSite=Lax"
        cookie = (b"set-cookie", value.encode())
        if session is not None and self._faults.on("session-token-stays-in-address"):
            shown = html_response(self._manage.render(session, event_id or "", back or ""))
            shown.headers.append(cookie)
            return shown
        return Response(302, b"", [(b"location", address(event_id, back).encode()), cookie])

    async def _identify(self, token: str) -> SessionUser:
        try:
            return await self._sign_in.identify(token)
        except Refused:
            raise PageError("INVALID_SESSION", "The session is not valid any more.") from None
        except Unavailable:
            raise PageError("NETWORK_ERROR", "Tuvens cannot be reached.") from None

    async def _demand_permission(self, token: str, event_id: str) -> None:
        """Whoever links an event decides on its ticketing status: tuvens-api says whether this user may."""
        try:
            granted = await self._tuvens.permission(token, "create_events", int(event_id))
        except Refused:
            raise PageError("INVALID_SESSION", "The session is not valid any more.") from None
        except Unavailable:
            raise PageError("NETWORK_ERROR", "Tuvens cannot be reached.") from None
        if not granted and not self._faults.on("page-asks-no-permission"):
            raise PageError("INSUFFICIENT_PERMISSIONS", "The user may not create this event.")

    def _draft(self, request: Request) -> EventDraft:
        text = request.query_value("event_data")
        if not text:
            raise PageError("UNKNOWN_ERROR", "event_data is missing.")
        try:
            value = read_strict(text.encode())
        except ValueError:
            raise PageError("UNKNOWN_ERROR", "event_data is not JSON.") from None
        problems = self._document.schema_problems("EventData", value)
        if problems:
            first = details(problems)[0]
            raise PageError("UNKNOWN_ERROR", f"event_data: {first['field']} {first['problem']}.")
        title = (value.get("title") or "").strip()
        if not title or len(title) > _LONGEST_TITLE:
            raise PageError("UNKNOWN_ERROR", f"event_data: title has to have 1 to {_LONGEST_TITLE} characters.")
        for name in ("start_date", "end_date"):
            if not _is_time(value.get(name)):
                raise PageError("UNKNOWN_ERROR", f"event_data: {name} is not a time in ISO 8601.")
        return EventDraft(
            title=title,
            description=value.get("description") or "",
            start_date=value.get("start_date"),
            end_date=value.get("end_date"),
            details={name: value[name] for name in _IN_DETAILS if value.get(name) is not None},
        )

    def _show_event(self, request: Request, *, embedded: bool) -> Response:
        return html_response(self._templates.render("event", event=self._event(request), embedded=embedded))

    def _event(self, request: Request) -> LocalEvent:
        number = event_number(request.path_params["id"])
        event = None if number is None else self._store.event(number)
        if event is None:
            if number is None and self._faults.on("event-pages-fail-on-other-ids"):
                raise Refusal(500, "INTERNAL_ERROR", "Server Error")
            raise Refusal(404, "NOT_FOUND", "There is no such event.")
        return event

    def _goes_anywhere(self, back: str) -> bool:
        return returning.origin_of(back) is not None and self._faults.on("open-redirect")

    def _redirect(self, back: str, answer: list[tuple[str, str]]) -> Response:
        if self._faults.on("return-parameters-old-only"):
            renamed = {"status", "event_id", "error_code", "error_message"}
            answer = [(name, value) for name, value in answer if name not in renamed]
        if self._faults.on("return-parameters-new-only"):
            answer = [(name, value) for name, value in answer if name not in returning.OLDER]
        return Response(302, b"", [(b"location", returning.with_answer(back, answer).encode())])


def event_number(text: str) -> int | None:
    """The number that a text spells, in the one spelling that it has; None where it is no event's."""
    plausible = text.isascii() and text.isdecimal() and len(text) <= 10 and text[0] != "0"
    return int(text) if plausible and int(text) <= _LARGEST else None


def _is_time(text: str | None) -> bool:
    if text is None:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) <= 64
