"""GET /auth/cross-app: the page that a browser opens when it comes from Tuvens, and that leads it back there."""

from collections.abc import Collection, Sequence
from datetime import datetime

from contracts.session_token.wire import SessionUser
from openapi import Document, Problem
from simulators.hi_events import returning
from simulators.hi_events.admission import Admission, Visitor
from simulators.hi_events.events import event_number
from simulators.hi_events.manage import COOKIE, manage_address
from simulators.hi_events.sign_in import CrossAppSignIn
from simulators.hi_events.store import EventDraft, HiEventsStore, LocalEvent
from simulators.hi_events.upstream import TuvensGateway, TuvensRefused
from simulators.kit.caller import UpstreamUnavailable
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.form_errors import describe, details
from simulators.kit.journal import Journal
from simulators.kit.messages import Header, Request, Response
from simulators.kit.strict_json import read_strict

_APP = "tuvens"
_LONGEST_TITLE = 255
_IN_DETAILS = ("timezone", "location_details", "settings")
_FOR_ANOTHER = "INSUFFICIENT_PERMISSIONS"


class ArrivalError(Exception):
    """Why the page does not do what it was asked; `code` is an error_code of the contract."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Arrival:
    """Signs the visitor in; makes an event and goes back, or goes on to the manage page.

    `origins` are those of allowed return URLs.
    """

    def __init__(
        self,
        document: Document,
        store: HiEventsStore,
        clock: Clock,
        journal: Journal,
        tuvens: TuvensGateway,
        admission: Admission,
        sign_in: CrossAppSignIn,
        origins: Collection[str],
    ) -> None:
        self._document = document
        self._store = store
        self._clock = clock
        self._journal = journal
        self._tuvens = tuvens
        self._admission = admission
        self._sign_in = sign_in
        self._origins = origins

    async def open(self, request: Request) -> Response:
        """Open the page. A return URL that is not allowed is refused before anything else happens."""
        back = request.query_value("return_url") or request.query_value("callback_url")
        if back and not self.may_return_to(back):
            raise Refusal(400, "RETURN_URL_NOT_ALLOWED", "The address to return to is not one of Tuvens.")
        event_id = request.query_value("event_id")
        if event_id is not None and event_number(event_id) is None:
            event_id = None
        try:
            visitor, made = await self._visit(request, event_id)
        except ArrivalError as error:
            if not back:
                raise Refusal(400, error.code, error.message) from None
            return self.failed(back, error.code, error.message, event_id)
        if back and made is not None:
            return self.succeeded(back, made, visitor, event_id or "")
        return self._sign_in_and_manage(request, visitor, event_id, back)

    async def _visit(self, request: Request, event_id: str | None) -> tuple[Visitor, LocalEvent | None]:
        """The visitor, and the event where one was to be made."""
        app = request.query_value("app_id") or request.query_value("source")
        if app and app != _APP:
            raise ArrivalError("UNKNOWN_ERROR", "The application that this link comes from is not known.")
        token = request.query_value("session_token")
        if not token:
            raise ArrivalError("INVALID_SESSION", "The link has no session token.")
        self._journal.remember("session-token", token)
        who = await self._identify(token)
        account = request.query_value("account_id")
        if account and account != str(who.account_id):
            raise ArrivalError(_FOR_ANOTHER, "The session is for another account.")
        draft = None
        if request.query_value("action") == "create_event":
            if event_id is None:
                raise ArrivalError("UNKNOWN_ERROR", "event_id is missing or is not the number of an event.")
            draft = self._draft(request)
            if not await self.may_create(token, event_id):
                raise ArrivalError(_FOR_ANOTHER, "The user may not create this event.")
        visitor = await self._admission.admit(who)
        request.user_id, request.account_id = who.user_id, who.account_id
        if draft is None:
            return visitor, None
        with self._store.write():
            made = self.make_event(visitor, event_id, draft)
            if made.account_id != visitor.account.id:
                raise ArrivalError(_FOR_ANOTHER, "The event belongs to another account.")
        return visitor, made

    def _sign_in_and_manage(
        self, request: Request, visitor: Visitor, event_id: str | None, back: str | None
    ) -> Response:
        """Start a session and go on: the token that came in the address stays behind."""
        with self._store.write():
            bearer = self._sign_in.start(visitor, request.query_value("session_token") or "")
        response = self.arrived(bearer, event_id, back)
        response.headers.append(self.cookie(bearer))
        return response

    # -- its parts

    def may_return_to(self, back: str) -> bool:
        """Whether a return URL is of an allowed origin."""
        return returning.is_allowed(back, self._origins)

    async def may_create(self, token: str, event_id: str) -> bool:
        """Whether tuvens-api says that the user may create this event."""
        try:
            return await self._tuvens.permission(token, "create_events", int(event_id))
        except TuvensRefused:
            raise _invalid_session() from None
        except UpstreamUnavailable:
            raise _network_error() from None

    def make_event(self, visitor: Visitor, event_id: str | None, draft: EventDraft) -> LocalEvent:
        """Make a draft that carries a Tuvens event, or find the one that carries it already; in a transaction."""
        return self._store.make_event(visitor.account.id, event_id, draft, self.initial_status(), self._clock.now())

    def initial_status(self) -> str:
        """The status of an event that the page makes."""
        return "DRAFT"

    def succeeded(self, back: str, made: LocalEvent, visitor: Visitor, event_id: str) -> Response:
        """Go back after an event was made."""
        return self.redirect(back, returning.success(event_id, made.id, visitor.external_account_id))

    def failed(self, back: str, code: str, message: str, event_id: str | None) -> Response:
        """Go back with an error."""
        return self.redirect(back, returning.failure(code, message, event_id))

    def redirect(self, back: str, answer: list[tuple[str, str]]) -> Response:
        """Go back to a return URL with these parameters."""
        return _found(returning.with_answer(back, answer))

    def arrived(self, bearer: str, event_id: str | None, back: str | None) -> Response:
        """Go on to the manage page."""
        return _found(manage_address(event_id, back))

    def cookie(self, bearer: str) -> Header:
        """The cookie by which the manage page knows the session."""
        return (b"set-cookie", f"{COOKIE}={bearer}; Path=/; Max-Age={self._sign_in.lifetime}; SameSite=Lax".encode())

    def form_error(self, request: Request, problems: Sequence[Problem]) -> Refusal | None:
        """400; a problem of event_data is left to the page, which reports it on the way back."""
        if all(problem.pointer.startswith("/query/event_data") for problem in problems):
            return None
        return Refusal(400, "VALIDATION_ERROR", f"This link cannot be read: {describe(problems)}.")

    async def _identify(self, token: str) -> SessionUser:
        try:
            return await self._tuvens.session_user(token)
        except TuvensRefused:
            raise _invalid_session() from None
        except UpstreamUnavailable:
            raise _network_error() from None

    def _draft(self, request: Request) -> EventDraft:
        text = request.query_value("event_data")
        if not text:
            raise ArrivalError("UNKNOWN_ERROR", "event_data is missing.")
        try:
            value = read_strict(text.encode())
        except ValueError:
            raise ArrivalError("UNKNOWN_ERROR", "event_data is not JSON.") from None
        problems = self._document.schema_problems("EventData", value)
        if problems:
            first = details(problems)[0]
            raise ArrivalError("UNKNOWN_ERROR", f"event_data: {first['field']} {first['problem']}.")
        title = (value.get("title") or "").strip()
        if not title or len(title) > _LONGEST_TITLE:
            raise ArrivalError("UNKNOWN_ERROR", f"event_data: title has to have 1 to {_LONGEST_TITLE} characters.")
        for name in ("start_date", "end_date"):
            if not _is_time(value.get(name)):
                raise ArrivalError("UNKNOWN_ERROR", f"event_data: {name} is not a time in ISO 8601.")
        return EventDraft(
            title=title,
            description=value.get("description") or "",
            start_date=value.get("start_date"),
            end_date=value.get("end_date"),
            details={name: value[name] for name in _IN_DETAILS if value.get(name) is not None},
        )


def _found(location: str) -> Response:
    return Response(302, headers=[(b"location", location.encode())])


def _invalid_session() -> ArrivalError:
    return ArrivalError("INVALID_SESSION", "The session is not valid any more.")


def _network_error() -> ArrivalError:
    return ArrivalError("NETWORK_ERROR", "Tuvens cannot be reached.")


def _is_time(text: str | None) -> bool:
    if text is None:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return len(text) <= 64
