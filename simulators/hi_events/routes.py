"""The API routes of hi.events."""

import json
from collections.abc import Mapping

from sqlalchemy import Connection

from contracts.session_token.wire import SessionUser
from contracts.times import iso_millis
from harness.http import json_body
from simulators.hi_events import edge, outbox, state
from simulators.hi_events.pages import Pages, event_number
from simulators.hi_events.sign_in import SignIn, Visitor
from simulators.hi_events.state import Account, Event, Session, User
from simulators.hi_events.upstream import Refused, Tuvens, Unavailable
from simulators.hi_events.webhooks import Courier, body_of
from simulators.kit.binding import Handler
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.errors import Refusal
from simulators.kit.exchange import Inbound, Reply, json_reply
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal

_GUEST = SessionUser("guest", "guest@tickets.invalid", "Guest", 1)


class Routes:
    """The handlers, by operationId in `handlers`."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        journal: Journal,
        faults: FaultRuntime,
        tuvens: Tuvens,
        sign_in: SignIn,
        courier: Courier,
        session_lifetime: int,
    ) -> None:
        self._database = database
        self._clock = clock
        self._journal = journal
        self._faults = faults
        self._tuvens = tuvens
        self._sign_in = sign_in
        self._courier = courier
        self._lifetime = session_lifetime

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

    async def validate(self, inbound: Inbound) -> Reply:
        """Trade a Tuvens session token for a session here. Nothing is written unless tuvens-api vouches for it."""
        token = str(inbound.field("session_token"))
        self._journal.remember("session-token", token)
        who = await self._vouched_for(token)
        visitor = await self._sign_in.admit(who)
        inbound.user_id, inbound.account_id = who.user_id, who.account_id
        with self._database.write() as connection:
            bearer = state.start_session(
                connection,
                visitor.user,
                visitor.account,
                tuvens_token=token,
                now=self._clock.now(),
                lifetime=self._lifetime,
            )
            accounts = state.accounts_of(connection, visitor.user)
        self._journal.remember("bearer", bearer)
        return self._signed_in(visitor, bearer, accounts)

    def status(self, inbound: Inbound) -> Reply:
        """Whose session it is."""
        session = edge.session.get() or self._somebodys_session()
        return json_reply(
            {
                "authenticated": True,
                "user": _user(session.user),
                "account_id": session.account.id,
                "expires_at": iso_millis(session.expires_at),
            }
        )

    async def accounts(self, inbound: Inbound) -> Reply:
        """The user's accounts as tuvens-api lists them now; mapped accounts take over their names."""
        session = _own_session()
        if self._faults.on("accounts-from-local-copy"):
            return json_reply({"accounts": self._local_copy(session)})
        try:
            listed = await self._tuvens.accounts(session.tuvens_session_token)
        except Refused:
            raise _tuvens_session_over() from None
        except Unavailable:
            raise _unavailable(401) from None
        with self._database.write() as connection:
            state.name_accounts(connection, {each.id: each.name for each in listed})
        return json_reply({"accounts": [{"id": each.id, "name": each.name, "slug": each.slug} for each in listed]})

    async def permission(self, inbound: Inbound) -> Reply:
        """Whether the user has a permission at Tuvens."""
        session = _own_session()
        if self._faults.on("permission-always-true"):
            return json_reply({"has_permission": True})
        try:
            granted = await self._tuvens.permission(
                session.tuvens_session_token, inbound.field("permission"), inbound.field("resource_id")
            )
        except Refused as refused:
            if refused.status == 400:
                errors = {"permission": ["is not what Tuvens takes"]}
                raise Refusal(422, "VALIDATION_ERROR", "The given data was invalid.", errors) from None
            raise _tuvens_session_over() from None
        except Unavailable:
            raise _unavailable(401) from None
        return json_reply({"has_permission": granted})

    def set_status(self, inbound: Inbound) -> Reply:
        """Change an event's status and write the webhook that tells of it, in one transaction."""
        status = str(inbound.field("status"))
        with self._database.write() as connection:
            event = self._managed_event(connection, inbound, lock=True)
            if event.status == status:
                return json_reply(_event(event))
            changed = state.change_status(connection, event, status, self._clock.now())
            if changed.tuvens_event_id is not None and not self._faults.on("webhook-not-sent"):
                told = event.status if self._faults.on("webhook-sends-old-status") else status
                outbox.enqueue(
                    connection,
                    event_id=changed.id,
                    body=self._with_leak(body_of(changed, told)),
                    event_sent_at=iso_millis(changed.changed_at_ms / 1000),
                    due_at=self._courier.due_at_first(),
                )
        self._courier.wake(changed.id)
        return json_reply(_event(changed))

    def read_event(self, inbound: Inbound) -> Reply:
        """One event."""
        with self._database.read() as connection:
            return json_reply(_event(self._managed_event(connection, inbound)))

    async def _vouched_for(self, token: str) -> SessionUser:
        try:
            return await self._sign_in.identify(token)
        except Refused:
            if self._faults.on("forged-token-accepted"):
                return _GUEST
            quoted = f" {token}" if self._faults.on("token-in-error-message") else ""
            raise Refusal(401, "UNAUTHORIZED", f"The session token{quoted} is not valid.") from None
        except Unavailable:
            if self._faults.on("upstream-failure-starts-session"):
                return _GUEST
            if self._faults.on("upstream-failure-answers-500"):
                raise Refusal(500, "INTERNAL_ERROR", "Server Error") from None
            raise _unavailable(503) from None

    def _signed_in(self, visitor: Visitor, bearer: str, accounts: list[Account]) -> Reply:
        body = {
            "token": bearer,
            "token_type": "bearer",
            "expires_in": self._lifetime,
            "user": _user(visitor.user),
            "accounts": [
                {"id": each.id, "name": each.name, "external_account_id": each.external_account_id} for each in accounts
            ],
        }
        return json_reply(body, headers=[("x-auth-token", bearer)])

    def _somebodys_session(self) -> Session:
        """Whose session a route that asks for none shows, under a fault."""
        with self._database.read() as connection:
            newest = state.newest_session(connection)
        now = self._clock.now()
        nobody = User(1, _GUEST.email, _GUEST.name, None, _GUEST.user_id)
        return newest or Session(0, "", nobody, Account(1, None, "Guests"), "", now, now + self._lifetime)

    def _local_copy(self, session: Session) -> list[dict[str, object]]:
        with self._database.read() as connection:
            mine = state.accounts_of(connection, session.user)
        return [
            {"id": each.external_account_id or each.id, "name": each.name, "slug": f"account-{each.id}"}
            for each in mine
        ]

    def _managed_event(self, connection: Connection, inbound: Inbound, *, lock: bool = False) -> Event:
        """The event that the path names, if the session's user is a member of its account."""
        number = event_number(inbound.path_params["id"])
        event = None if number is None else state.find_event(connection, number, lock=lock)
        if event is None:
            raise Refusal(404, "NOT_FOUND", "There is no such event.")
        session = edge.session.get()
        # Without a session only under a fault: there is nobody then whose membership could be asked for.
        if session is not None and not state.is_member(connection, session.user, event.account_id):
            raise Refusal(403, "FORBIDDEN", "This event belongs to another account.")
        return event

    def _with_leak(self, body: bytes) -> bytes:
        session = edge.session.get()
        if session is None or not self._faults.on("session-token-in-delivery"):
            return body
        value = json.loads(body)
        value["payload"]["session_token"] = session.tuvens_session_token
        return json_body(value)


def _own_session() -> Session:
    session = edge.session.get()
    assert session is not None, "no fault lets anybody through to this route without a session"
    return session


def _user(user: User) -> dict[str, object]:
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "external_user_id": user.external_user_id,
    }


def _event(event: Event) -> dict[str, object]:
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
