"""The routes of tuvens-client that the contract knows."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from contracts.session_token.wire import read_session
from harness.http import Answer, WireError, read_json
from simulators.kit.endpoint import Handler
from simulators.kit.errors import Refusal
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.messages import Header, Request, Response, json_response
from simulators.kit.templates import Templates, html_response
from simulators.tuvens_client import callback
from simulators.tuvens_client.config import TuvensClientConfig
from simulators.tuvens_client.edge import WRAPS, user_jwt
from simulators.tuvens_client.faults import BROWSER
from simulators.tuvens_client.tuvens import Tuvens, Unavailable

_PASSED_ON = ("content-type", "retry-after", "www-authenticate", "x-ratelimit-limit", "x-ratelimit-remaining")
_REFUSALS = frozenset({400, 401, 403, 413, 429})
_HIDDEN = frozenset({401, 403})
_REGISTER = "register@tuvens.com"
_SHOWN = (
    *("id", "title", "description", "startDate", "endDate", "ticketing_enabled", "ticketing_status", "account_id"),
    *("hi_events_event_url", "hasTicketing", "ticketStatus"),
)
"""What the scripts need of an event."""


class Routes:
    """The handlers, by operationId in `handlers`."""

    def __init__(
        self, config: TuvensClientConfig, tuvens: Tuvens, faults: FaultRuntime, journal: Journal, templates: Templates
    ) -> None:
        self._config = config
        self._tuvens = tuvens
        self._faults = faults
        self._journal = journal
        self._templates = templates
        self.forget()

    def handlers(self) -> Mapping[str, Handler]:
        """All handlers of the document."""
        return {WRAPS: self.wrap, "showTuvensEventPage": self.show_event, "handleHiEventsCallback": self.come_back}

    def forget(self) -> None:
        """Drop what only faults remember."""
        self._last_jwt: str | None = None
        self._last_token = ""
        self._last_body = b""
        self._by_account: dict[bytes, Answer] = {}

    async def wrap(self, request: Request) -> Response:
        """generate-session of tuvens-api, with the user's JWT: same body, same answers."""
        body = self._body(request)
        cached = self._by_account.get(body)
        if cached is not None and self._faults.on("wrapper-caches-by-account"):
            return self._session(request, cached)
        try:
            answer = await self._tuvens.generate_session(self._jwt(request), body)
        except Unavailable:
            raise _failed("tuvens-api cannot be reached") from None
        if 200 <= answer.status < 300:
            self._remember(body, answer)
            return self._session(request, answer)
        if answer.status in _HIDDEN and self._faults.on(f"wrapper-hides-{answer.status}"):
            raise _failed("internal server error")
        if answer.status not in _REFUSALS:
            raise _failed("tuvens-api failed")
        return self._refusal(request, answer)

    async def show_event(self, request: Request) -> Response:
        """GET /event/{id}: the event of now; the scripts follow it from there."""
        wanted = request.path_params["id"]
        if "%" in wanted and self._faults.on("event-page-decodes-twice"):
            raise _failed("URI malformed")
        try:
            event = await self._tuvens.event(wanted)
        except Unavailable:
            raise Refusal(503, "UNAVAILABLE", "Tuvens cannot show this event now. Try again in a moment.") from None
        if event is None:
            raise Refusal(404, "EVENT_NOT_FOUND", "There is no such event.")
        # Whether one of them changes anything is decided in the browser: each page that has it counts.
        armed = [name for name in BROWSER if not name.startswith("callback-") and self._faults.on(name)]
        page = self._render(
            "event",
            faults=armed,
            event={name: event[name] for name in _SHOWN if name in event},
            when=_when(event),
            description=event.get("description") or "",
            api=self._config.tuvens_url.rstrip("/"),
            hi_events=self._config.hi_events_url.rstrip("/"),
            signed_in=user_jwt(request) is not None,
            register=f"mailto:{_REGISTER}?subject={quote(event['title'])}",
            sign_in=f"/?next={quote(request.path, safe='')}",
        )
        if self._last_token and self._faults.on("session-token-in-page"):
            page += f"<!-- session: {self._last_token} -->\n"
        return html_response(page)

    async def come_back(self, request: Request) -> Response:
        """GET /hi-events/callback: says how it went; after a success the event is changed first."""
        both = not self._faults.on("callback-reads-one-spelling")
        told = callback.read(request.query_value, both=both)
        if "%" in f"{told.event_id}{told.said}" and self._faults.on("callback-decodes-twice"):
            raise _failed("URI malformed")
        event = f"/event/{quote(told.event_id, safe='')}" if told.event_id else "/"
        if told.outcome == callback.CANCELLED and not self._faults.on("callback-ignores-cancelled"):
            return self._outcome("callback-cancelled", event=event)
        if told.outcome == callback.ERROR and not self._faults.on("callback-takes-errors-for-success"):
            return self._outcome("callback-error", event=event, why=told.why, said=told.said)
        why = None
        if told.outcome == callback.SUCCESS and not self._faults.on("callback-does-not-patch"):
            why = await self._link(request, told)
        if why is not None:
            again = f"{request.path}?{request.query_string.decode('latin-1')}"
            return self._outcome("callback-unlinked", event=event, why=why, again=again)
        return self._outcome("callback-success", event=event)

    async def _link(self, request: Request, told: callback.Return) -> str | None:
        """Change the event; why that did not work, None where it did."""
        jwt = user_jwt(request)
        if jwt is None:
            return "You are not signed in any more. Sign in, then try again."
        status = await self._tuvens.link(jwt, told.event_id, told.hi_events_event_id)
        if status is not None and 200 <= status < 300:
            return None
        return _WHY_UNLINKED.get(status or 0, "Tuvens could not change the event. Try again in a moment.")

    def _outcome(self, name: str, **values: str) -> Response:
        return html_response(self._render(name, **values))

    def _render(self, name: str, **values: object) -> str:
        if self._faults.on("texts-as-html"):
            return self._templates.environment.overlay(autoescape=False).get_template(f"{name}.html").render(values)
        return self._templates.render(name, **values)

    def _body(self, request: Request) -> bytes:
        """What tuvens-api is sent: honest, the bytes that came."""
        if self._faults.on("wrapper-forgets-account-id"):
            return b"{}"
        if self._last_body and not _names_an_account(request.body) and self._faults.on("wrapper-fills-in-account"):
            return self._last_body
        return request.body

    def _remember(self, body: bytes, answer: Answer) -> None:
        if self._faults.armed("wrapper-fills-in-account"):
            self._last_body = body
        if self._faults.armed("wrapper-caches-by-account"):
            self._by_account[body] = answer

    def _jwt(self, request: Request) -> str | None:
        jwt = user_jwt(request)
        if jwt is None and self._last_jwt is not None and self._faults.on("wrapper-keeps-last-jwt"):
            return self._last_jwt
        if self._faults.armed("wrapper-keeps-last-jwt"):
            self._last_jwt = jwt
        return None if jwt is not None and self._faults.on("wrapper-drops-jwt") else jwt

    def _session(self, request: Request, answer: Answer) -> Response:
        try:
            session = read_session(answer)
        except WireError:
            raise _failed("tuvens-api gave an answer that makes no sense") from None
        if not _fits(request, 200, answer.json()):
            raise _failed("tuvens-api gave a session that is none")
        self._journal.remember("session-token", session.session_token)
        if self._faults.armed("session-token-in-page"):
            self._last_token = session.session_token
        if self._faults.on("wrapper-renames-fields"):
            return json_response({"sessionToken": session.session_token, "expiresAt": session.expires_at})
        status = 201 if self._faults.on("wrapper-answers-201") else 200
        return Response(status, answer.body, _headers(answer))

    def _refusal(self, request: Request, answer: Answer) -> Response:
        if self._faults.on("wrapper-reshapes-errors"):
            return json_response({"error": {"code": answer.status, "text": "tuvens-api said no"}}, answer.status)
        try:
            value = answer.json()
        except WireError:
            value = None
        if not _fits(request, answer.status, value):
            raise Refusal(answer.status, "TUVENS_API_ERROR", "tuvens-api refused the request")
        return Response(answer.status, answer.body, _headers(answer))


_WHY_UNLINKED = {
    401: "Your sign-in has expired. Sign in, then try again.",
    403: "You may not change this event.",
    404: "There is no such event at Tuvens.",
}


def _fits(request: Request, status: int, value: object) -> bool:
    """Whether an answer of tuvens-api is one that this route may give."""
    operation = request.operation
    assert operation is not None, "only an operation has a handler"
    return not operation.body_problems(status, value)


def _names_an_account(body: bytes) -> bool:
    try:
        value = read_json(body)
    except WireError:
        return False
    account = value.get("account_id") if isinstance(value, dict) else None
    return isinstance(account, int) and account > 0


def _failed(message: str) -> Refusal:
    return Refusal(500, "SESSION_GENERATION_FAILED", message)


def _headers(answer: Answer) -> list[Header]:
    return [
        (name.lower().encode(), value.encode("latin-1")) for name, value in answer.headers if name.lower() in _PASSED_ON
    ]


def _when(event: Mapping[str, Any]) -> str:
    """When it is, as a date and hours in UTC; as it was sent where it is no time that we know."""
    start, end = str(event.get("startDate") or ""), str(event.get("endDate") or "")
    if len(start) < 16 or start[10:11] != "T":
        return start
    until = f" to {end[11:16]}" if end[:10] == start[:10] and len(end) >= 16 else ""
    return f"{start[:10]}, {start[11:16]}{until} UTC"
