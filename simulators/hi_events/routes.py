"""The API routes of hi.events."""

import json
from collections.abc import Mapping

from contracts.session_token.wire import SessionUser
from contracts.times import iso_millis
from harness.http import json_body
from simulators.hi_events import edge
from simulators.hi_events.outbox import Outbox
from simulators.hi_events.pages import Pages, event_number
from simulators.hi_events.sign_in import SignIn, Visitor
from simulators.hi_events.store import STATUSES, HiEventsStore, LocalAccount, LocalEvent, LocalSession, LocalUser
from simulators.hi_events.upstream import Refused, Tuvens, Unavailable
from simulators.hi_events.webhooks import Courier, body_of
from simulators.kit.clock import Clock
from simulators.kit.endpoint import Handler
from simulators.kit.errors import Refusal
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.messages import Request, Response, json_response

_COLUMN = 43
_GUEST = SessionUser("guest", "guest@tickets.invalid", "Guest", 1)


class Routes:
    """The handlers, by operationId in `handlers`."""

    def __init__(
        self,
        *,
        store: HiEventsStore,
        outbox: Outbox,
        clock: Clock,
        journal: Journal,
        faults: FaultRuntime,
        tuvens: Tuvens,
        sign_in: SignIn,
        courier: Courier,
        session_lifetime: int,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._tuvens = tuvens
        self._sign_in = sign_in
        self._courier = courier
        self._lifetime = session_lifetime
        self._denied: dict[int, str] = {}
        self._distrusted: dict[str, float] = {}
        self._last_try: float | None = None

    def handlers(self, pages: Pages) -> Mapping[str, Handler]:
        """All handlers of the document, those of the pages included."""
        return {
            edge.VALIDATE: self.validate,
            edge.STATUS: self.status,
            edge.ACCOUNTS: self.accounts,
            edge.PERMISSION: self.permission,
            edge.SET_STATUS: self.set_status,
            "readEvent": self.read_event,
            edge.PAGE: pages.open,
            "showEventPage": pages.show_event,
            "showEventEmbed": pages.show_embedded,
            "showWidget": pages.show_embedded,
        }

    async def validate(self, request: Request) -> Response:
        """Trade a Tuvens session token for a session here. Nothing is written unless tuvens-api vouches for it."""
        token = str(request.field("session_token"))
        self._journal.remember("session-token", token)
        who = await self._vouched_for(token)
        visitor = await self._sign_in.admit(who)
        request.user_id, request.account_id = who.user_id, who.account_id
        with self._store.write():
            bearer = self._store.start_session(
                visitor.user,
                visitor.account,
                tuvens_token=token,
                now=self._clock.now(),
                lifetime=self._lifetime,
            )
            accounts = self._store.accounts_of(visitor.user)
        self._journal.remember("bearer", bearer)
        return self._signed_in(visitor, bearer, accounts)

    def status(self, request: Request) -> Response:
        """Whose session it is."""
        session = edge.session.get() or self._somebodys_session()
        return json_response(
            {
                "authenticated": True,
                "user": _user(session.user),
                "account_id": session.account.id,
                "expires_at": iso_millis(session.expires_at),
            }
        )

    async def accounts(self, request: Request) -> Response:
        """The user's accounts as tuvens-api lists them now; mapped accounts take over their names."""
        if edge.session.get() is None:
            return json_response({"accounts": []})  # only a fault lets anybody through without one
        session = _own_session()
        if self._faults.on("accounts-from-local-copy"):
            return json_response({"accounts": self._local_copy(session)})
        try:
            listed = await self._tuvens.accounts(session.tuvens_session_token)
        except Refused:
            raise _tuvens_session_over() from None
        except Unavailable:
            raise _unavailable(401) from None
        with self._store.write():
            self._store.name_accounts({each.id: each.name for each in listed})
        return json_response({"accounts": [{"id": each.id, "name": each.name, "slug": each.slug} for each in listed]})

    async def permission(self, request: Request) -> Response:
        """Whether the user has a permission at Tuvens."""
        permission, resource = request.field("permission"), request.field("resource_id")
        ill_formed = not isinstance(permission, str) or not isinstance(resource, int | None)
        if edge.session.get() is None or ill_formed:
            return json_response({"has_permission": False})  # only a fault lets such a question through
        session = _own_session()
        if self._faults.on("permission-always-true"):
            return json_response({"has_permission": True})
        try:
            granted = await self._tuvens.permission(session.tuvens_session_token, permission, resource)
        except Refused as refused:
            if refused.status == 400:
                errors = {"permission": ["is not what Tuvens takes"]}
                raise Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", errors) from None
            raise _tuvens_session_over() from None
        except Unavailable:
            raise _unavailable(401) from None
        if granted and self._denied.get(session.id) == permission and self._faults.on("denial-remembered-by-its-name"):
            granted = False
        self._denied[session.id] = "" if granted else permission
        return json_response({"has_permission": granted})

    def set_status(self, request: Request) -> Response:
        """Change an event's status and write the webhook that tells of it, in one transaction."""
        status = str(request.field("status"))
        session = edge.session.get()
        if status == "ARCHIVED" and self._faults.on("archived-is-no-status"):
            raise Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", {"status": ["is invalid"]})
        refused = status not in STATUSES and self._faults.armed("refused-status-sent")
        with self._store.write():
            event = self._managed_event(request, lock=True)
            if event.status == status and not self._faults.on("same-status-sent-again"):
                return json_response(_event(event))
            changed = event if refused else self._store.change_status(event, status, self._clock.now())
            if changed.tuvens_event_id is not None and self._is_sent(changed, status):
                self._enqueue(changed, event.status if self._sends_old() else status)
                if status == "DRAFT" and self._faults.on("draft-told-twice"):
                    again = self._store.change_status(changed, status, self._clock.now())
                    self._enqueue(again, status)
        self._courier.wake(changed.id)
        if refused:
            raise Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", {"status": ["is invalid"]})
        if session is None and self._faults.armed("change-made-before-the-refusal"):
            raise edge.unauthenticated()
        return json_response(_event(changed))

    def _is_sent(self, event: LocalEvent, status: str) -> bool:
        """Whether a change is told to tuvens-api. Honest: always."""
        if status == "ENDED" and self._faults.on("ended-not-sent"):
            return False
        if event.details and self._faults.on("webhook-not-sent-for-events-of-the-page"):
            return False
        return not self._faults.on("webhook-not-sent")

    def _sends_old(self) -> bool:
        return self._faults.on("webhook-sends-old-status")

    def _enqueue(self, event: LocalEvent, told: str) -> None:
        self._outbox.enqueue(
            event_id=event.id,
            body=self._written(self._with_leak(body_of(event, told))),
            event_sent_at=iso_millis(event.changed_at_ms / 1000),
            due_at=self._courier.due_at_first(),
        )

    def read_event(self, request: Request) -> Response:
        """One event."""
        return json_response(_event(self._managed_event(request)))

    async def _vouched_for(self, token: str) -> SessionUser:
        now, before = self._clock.now(), self._last_try
        self._last_try = now
        if self._distrusted.get(token, 0.0) > now and self._faults.on("failed-token-stays-refused"):
            raise Refusal(401, "UNAUTHORIZED", "The session token is not valid.")
        if len(token) > _COLUMN and self._faults.on("session-token-cut-to-its-column"):
            token = token[:_COLUMN]
        try:
            return await self._sign_in.identify(token)
        except Refused:
            if self._faults.on("forged-token-accepted"):
                return _GUEST
            if before is not None and now > before + 60 and self._faults.on("refusal-after-a-quiet-minute-answers-403"):
                raise Refusal(403, "FORBIDDEN", "Unusual activity: please try again.") from None
            quoted = f" {token}" if self._faults.on("token-in-error-message") else ""
            raise Refusal(401, "UNAUTHORIZED", f"The session token{quoted} is not valid.") from None
        except Unavailable as failure:
            if self._faults.on("upstream-failure-starts-session"):
                return _GUEST
            if self._faults.armed("failed-token-stays-refused"):
                self._distrusted[token] = self._clock.now() + 600
            if failure.silent and self._faults.on("upstream-silence-answers-500"):
                raise Refusal(500, "INTERNAL_ERROR", "Maximum execution time exceeded") from None
            if self._faults.on("upstream-failure-answers-401"):
                raise Refusal(401, "UNAUTHORIZED", "The session token is not valid.") from None
            if self._faults.on("upstream-failure-answers-500"):
                raise Refusal(500, "INTERNAL_ERROR", "Server Error") from None
            raise _unavailable(502 if self._faults.on("upstream-failure-answers-502") else 503) from None

    def forget(self) -> None:
        """Drop what only faults remember."""
        self._denied.clear()
        self._distrusted.clear()
        self._last_try = None

    def _signed_in(self, visitor: Visitor, bearer: str, accounts: list[LocalAccount]) -> Response:
        body = {
            "token": bearer,
            "token_type": "bearer",
            "expires_in": self._lifetime,
            "user": _user(visitor.user),
            "accounts": [
                {"id": each.id, "name": each.name, "external_account_id": each.external_account_id} for each in accounts
            ],
        }
        return json_response(body, headers=[(b"x-auth-token", bearer.encode())])

    def _somebodys_session(self) -> LocalSession:
        """Whose session a route that asks for none shows, under a fault."""
        newest = next(iter(self._store.sessions(1)), None)
        now = self._clock.now()
        nobody = LocalUser(1, _GUEST.email, _GUEST.name, None, _GUEST.user_id)
        return newest or LocalSession(0, "", nobody, LocalAccount(1, None, "Guests"), "", now, now + self._lifetime)

    def _local_copy(self, session: LocalSession) -> list[dict[str, object]]:
        mine = self._store.accounts_of(session.user)
        return [
            {"id": each.external_account_id or each.id, "name": each.name, "slug": f"account-{each.id}"}
            for each in mine
        ]

    def _managed_event(self, request: Request, *, lock: bool = False) -> LocalEvent:
        """The event that the path names, if the session's user is a member of its account."""
        number = event_number(request.path_params["id"])
        event = None if number is None else self._store.event(number, lock=lock)
        if event is None:
            raise Refusal(404, "NOT_FOUND", "There is no such event.")
        session = edge.session.get()
        # Without a session only under a fault: there is nobody then whose membership could be asked for.
        if session is not None and not self._store.is_member(session.user, event.account_id):
            raise Refusal(403, "FORBIDDEN", "This event belongs to another account.")
        return event

    def _written(self, body: bytes) -> bytes:
        """The bytes of a webhook. As usual: compact."""
        if self._faults.on("webhook-with-more-fields"):
            value = json.loads(body)
            body = json_body({"api_version": 3, **value, "payload": {**value["payload"], "organizer": {"id": 7}}})
        if self._faults.on("webhook-written-by-php"):
            return json.dumps(json.loads(body), indent=4).replace("/", "\\/").encode()
        return body

    def _with_leak(self, body: bytes) -> bytes:
        session = edge.session.get()
        if session is None or not self._faults.on("session-token-in-delivery"):
            return body
        value = json.loads(body)
        value["payload"]["session_token"] = session.tuvens_session_token
        return json_body(value)


def _own_session() -> LocalSession:
    session = edge.session.get()
    assert session is not None, "no fault lets anybody through to this route without a session"
    return session


def _user(user: LocalUser) -> dict[str, object]:
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "external_user_id": user.external_user_id,
    }


def _event(event: LocalEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "title": event.title,
        "status": event.status,
        "tuvens_event_id": event.tuvens_event_id,
        "slug": event.slug,
        "start_date": event.start_date,
        "end_date": event.end_date,
    }


def _tuvens_session_over() -> Refusal:
    return Refusal(401, "UNAUTHORIZED", "The Tuvens session is over; sign in again.")


def _unavailable(status: int) -> Refusal:
    return Refusal(status, "UPSTREAM_UNAVAILABLE", "Tuvens cannot be reached, or gave no answer that makes sense.")
