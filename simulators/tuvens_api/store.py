"""What tuvens-api stores: every SQL statement of its honest parts."""

import hashlib
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Insert, Table, bindparam, delete, func, insert, select, update

from simulators.kit.database import Database
from simulators.seed import Seed
from simulators.tuvens_api.tables import Tables

LARGEST = 2**31 - 1
"""The largest id of a row; larger numbers are of no row, and are not shown to the database."""


class StoredSession(NamedTuple):
    """A session with its user. Times are Unix seconds."""

    id: int
    user_id: int
    account_id: int
    expires_at: float
    email: str
    name: str | None


class Event(NamedTuple):
    """An event as it is stored, in the order of the table's columns."""

    id: str
    account_id: int
    title: str
    description: str
    start_date: str
    end_date: str
    ticketing_enabled: bool
    ticketing_status: str | None
    hi_events_event_id: Any
    contact_data: dict[str, Any] | None
    last_sent_at: int | None
    last_applied: list[str] | None


class StoredAccount(NamedTuple):
    """An account of a user."""

    id: int
    name: str
    slug: str


class TuvensApiStore:
    """Reads and writes of tuvens-api. What every request does is compiled at the start.

    `channel` is the one on which PostgreSQL notifies other processes of messages; None where there are none.
    """

    def __init__(self, database: Database, tables: Tables, *, channel: str | None = None) -> None:
        self._channel = channel
        self.database = database
        self.tables = tables
        t = tables
        prepare = database.prepare
        # Of messages that a private file holds: it is empty at first, and nobody else numbers them.
        self._numbered = 0
        self._add_session = prepare(_insert_of(t.sessions), *_columns(t.sessions))
        self._touch = prepare(
            update(t.sessions)
            .where(t.sessions.c.id == bindparam("session"))
            .values(lastUsed=bindparam("now"), sysModified=bindparam("now")),
            "session",
            "now",
        )
        self._change_event = update(t.events).where(t.events.c.id == bindparam("event"))
        self._apply = prepare(
            self._change_event.values(
                ticketingEnabled=bindparam("enabled"),
                ticketingStatus=bindparam("status"),
                hiEventsEventId=bindparam("hi_events_event"),
                contactData=bindparam("contact"),
                lastSentAt=bindparam("sent_at"),
                lastApplied=bindparam("applied"),
            ),
            "event",
            "enabled",
            "status",
            "hi_events_event",
            "contact",
            "sent_at",
            "applied",
        )
        self._record = prepare(_insert_of(t.audit), *_columns(t.audit))
        new_message = _insert_of(t.messages)
        self._add_message = prepare(new_message.returning(t.messages.c.id), *_columns(t.messages))
        self._add_numbered = prepare(new_message.values(id=bindparam("id")), "id", *_columns(t.messages))
        self._user = prepare(select(t.users.c.id).where(t.users.c.id == bindparam("user")), "user")
        self._membership = prepare(
            select(t.memberships.c.permissions).where(
                t.memberships.c.userId == bindparam("user"), t.memberships.c.accountId == bindparam("account")
            ),
            "user",
            "account",
        )
        self._session = prepare(
            select(
                t.sessions.c.id,
                t.sessions.c.userId,
                t.sessions.c.accountId,
                t.sessions.c.expiresAt,
                t.users.c.email,
                t.users.c.name,
            )
            .join_from(t.sessions, t.users, t.sessions.c.userId == t.users.c.id)
            .where(t.sessions.c.sessionToken == bindparam("token")),
            "token",
        )
        self._accounts = prepare(
            select(t.accounts.c.id, t.accounts.c.name, t.accounts.c.slug)
            .join_from(t.accounts, t.memberships, t.memberships.c.accountId == t.accounts.c.id)
            .where(t.memberships.c.userId == bindparam("user"))
            .order_by(t.accounts.c.id),
            "user",
        )
        self._event_permissions = prepare(
            select(t.memberships.c.permissions)
            .join_from(t.events, t.memberships, t.memberships.c.accountId == t.events.c.accountId)
            .where(t.events.c.id == bindparam("event"), t.memberships.c.userId == bindparam("user")),
            "event",
            "user",
        )
        event = select(t.events).where(t.events.c.id == bindparam("event"))
        self._event = prepare(event, "event")
        self._locked_event = self._event if database.private else prepare(event.with_for_update(), "event")
        self._remove_expired = delete(t.sessions).where(t.sessions.c.expiresAt <= bindparam("now"))
        self._messages = (
            select(t.messages.c.id, t.messages.c.data)
            .where(t.messages.c.id > bindparam("after"))
            .order_by(t.messages.c.id)
        )
        self._one_at_a_time = prepare(
            select(func.pg_advisory_xact_lock(func.hashtext(bindparam("channel")))), "channel"
        )
        self._tell = prepare(select(func.pg_notify(bindparam("channel"), bindparam("told"))), "channel", "told")

    def write_queued(self) -> AbstractContextManager[None]:
        """A transaction of a request that reads, and then only queues writes; an exception drops those."""
        return self.database.write_queued()

    # -- seed

    def is_empty(self) -> bool:
        """Whether nothing was seeded yet."""
        return self.database.execute(select(func.count()).select_from(self.tables.accounts)).scalar_one() == 0

    def seed(self, seed: Seed) -> None:
        """Remove everything and write the seed, in one transaction."""
        t = self.tables
        with self.database.write() as connection:
            for table in reversed(t.metadata.sorted_tables):
                connection.execute(delete(table))
            _insert(
                connection,
                t.accounts,
                [{"id": each.id, "name": each.name, "slug": each.slug} for each in seed.accounts],
            )
            _insert(
                connection, t.users, [{"id": each.id, "email": each.email, "name": each.name} for each in seed.users]
            )
            _insert(
                connection,
                t.memberships,
                [
                    {"userId": user.id, "accountId": account, "permissions": " ".join(permissions)}
                    for user in seed.users
                    for account, permissions in user.memberships.items()
                ],
            )
            _insert(
                connection,
                t.events,
                [
                    {
                        "id": each.id,
                        "accountId": each.account_id,
                        "title": each.title,
                        "description": each.description,
                        "startDate": each.start_date,
                        "endDate": each.end_date,
                        "ticketingEnabled": False,
                    }
                    for each in seed.events
                ],
            )

    # -- users and sessions

    def user_exists(self, user: int) -> bool:
        """Whether there is a user of this id."""
        return self.database.cached(self._user, user) is not None

    def permissions(self, user: int, account: int) -> frozenset[str] | None:
        """What a user may do in an account; None where the user is no member."""
        if not 0 < account <= LARGEST:
            return None
        row = self.database.cached(self._membership, user, account)
        return None if row is None else frozenset(row[0].split())

    def permissions_on(self, user: int, event: str) -> frozenset[str] | None:
        """What a user may do with an event; None where it does not exist, or is of an account not the user's."""
        row = self.database.first(self._event_permissions, event, user)
        return None if row is None else frozenset(row[0].split())

    def add_session(self, token_sha256: str, user: int, account: int, now: float, expires_at: float) -> None:
        """Store a session; all times in Unix seconds."""
        self.database.queue(self._add_session, token_sha256, user, account, expires_at, now, None, now, now)

    def session(self, token_sha256: str) -> StoredSession | None:
        """A session by its token's hash, expired or not."""
        row = self.database.cached(self._session, token_sha256)
        return None if row is None else StoredSession(*row)

    def touch_session(self, session: int, now: float) -> None:
        """Move the last-used time of a session, by its id."""
        self.database.queue(self._touch, session, now)

    def is_session_token(self, text: str) -> bool:
        """Whether a text is the token of a session that is stored."""
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        return self.database.first(self._session, digest) is not None

    def session_count(self) -> int:
        """How many sessions are stored, expired or not."""
        return self.database.execute(select(func.count()).select_from(self.tables.sessions)).scalar_one()

    def sessions(self, limit: int | None = None) -> list[dict[str, Any]]:
        """All sessions, or the last `limit`, for people: the token as the first 8 hex digits of its SHA-256."""
        t = self.tables.sessions
        rows = self.database.execute(select(t).order_by(t.c.id.desc()).limit(limit)).mappings().all()
        return [
            {
                "id": row["id"],
                "token_fingerprint": row["sessionToken"][:8],
                "user_id": str(row["userId"]),
                "account_id": row["accountId"],
                "app_id": row.get("appId"),
                "created_at": row["createdAt"],
                "expires_at": row["expiresAt"],
                "last_used": row["lastUsed"],
            }
            for row in reversed(rows)
        ]

    def forget_old(self, *, audit: int = 100_000, messages: int = 10_000) -> None:
        """Remove all but the newest records of the audit log and the newest messages of the stream."""
        for table, kept in ((self.tables.audit, audit), (self.tables.messages, messages)):
            oldest = select(func.max(table.c.id)).scalar_subquery() - kept
            self.database.execute(delete(table).where(table.c.id <= oldest))

    def remove_expired(self, now: float) -> int:
        """Remove sessions whose time is over; returns how many."""
        return self.database.execute(self._remove_expired, {"now": now}).rowcount

    def accounts_of(self, user: int) -> list[StoredAccount]:
        """The accounts that a user is a member of."""
        return [StoredAccount(*row) for row in self.database.all(self._accounts, user)]

    # -- events

    def event(self, number: str) -> Event | None:
        """An event by its id."""
        row = self.database.cached(self._event, number)
        return None if row is None else Event(*row)

    def change_event(self, number: str, changes: dict[str, Any]) -> None:
        """Set columns of an event."""
        if changes:
            self.database.execute(self._change_event, {"event": number, **changes})

    def begin_delivery(self, number: str) -> Event | None:
        """An event that nobody else changes until the end of the transaction that the caller has begun."""
        row = self.database.cached(self._locked_event, number)
        return None if row is None else Event(*row)

    def apply_delivery(self, event: Event) -> None:
        """Write what a delivery made of an event, in the transaction that the caller has begun."""
        self.database.remember(event, self._event, event.id)
        self.database.queue(
            self._apply,
            event.id,
            event.ticketing_enabled,
            event.ticketing_status,
            event.hi_events_event_id,
            event.contact_data,
            event.last_sent_at,
            event.last_applied,
        )

    def add_message(self, data: str, now: float) -> int:
        """Append a message to the stream's log, in the transaction that the caller has begun; returns its id."""
        if self.database.private:
            self._numbered += 1
            self.database.queue(self._add_numbered, self._numbered, data, now)
            return self._numbered
        if self._channel is not None:
            # One after the other from here to the commit: ids are in the order in which they are seen and told.
            self.database.run(self._one_at_a_time, self._channel)
        number = int(self.database.run(self._add_message, data, now).fetchone()[0])
        if self._channel is not None:
            self.database.run(self._tell, self._channel, f"{number} {data}")
        return number

    def messages(self, after: int) -> list[tuple[int, str]]:
        """The messages with an id above `after`, in order."""
        return [(row[0], row[1]) for row in self.database.execute(self._messages, {"after": after})]

    # -- audit

    def record(
        self,
        now: float,
        operation: str,
        status: int,
        *,
        user: str | None,
        account: int | None,
        error: str | None,
        detail: str | None,
    ) -> None:
        """Append to the audit log; `now` in Unix seconds."""
        self.database.queue(self._record, now, operation, status, user, account, error, detail)

    def audit(self, after: int) -> list[dict[str, Any]]:
        """Audit records with an id above `after`, as JSON."""
        t = self.tables.audit
        rows = self.database.execute(select(t).where(t.c.id > after).order_by(t.c.id)).mappings().all()
        return [
            {
                "number": row["id"],
                "time": row["time"],
                "operation": row["operation"],
                "status": row["status"],
                "user_id": row["userId"],
                "account_id": row["accountId"],
                "error_code": row["errorCode"],
                "detail": row["detail"],
            }
            for row in rows
        ]


def _columns(table: Table) -> list[str]:
    """The names of all columns but those that the database fills."""
    return [each.name for each in table.columns if each.name != "id" and each.server_default is None]


def _insert_of(table: Table) -> Insert:
    return insert(table).values({name: bindparam(name) for name in _columns(table)})


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)
