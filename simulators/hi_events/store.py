"""What hi.events stores: users, accounts, sessions and events. Deliveries are in the outbox."""

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, delete, func, insert, select, text, update

from contracts.session_token.wire import SessionUser
from simulators.hi_events.tables import account_users, accounts, deliveries, events, metadata, sessions, users
from simulators.kit.database import Database
from simulators.seed import Seed

STATUSES = frozenset({"DRAFT", "LIVE", "CANCELLED", "ENDED", "ARCHIVED"})
_SLUG_LENGTH = 80
_EARLIER_CUSTOMER = 20


@dataclass(frozen=True, slots=True)
class LocalUser:
    """A user of hi.events, in the order of the table's columns.

    `external_user_id` is tuvens-api's id, None for one who never came from there.
    """

    id: int
    email: str
    first_name: str
    last_name: str | None
    external_user_id: str | None


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """An account of hi.events, in the order of the table's columns.

    `external_account_id` is tuvens-api's id of the account that it is mapped to.
    """

    id: int
    external_account_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class LocalSession:
    """A session of hi.events. Times are Unix seconds by the simulator's clock."""

    id: int
    token_sha256: str
    user: LocalUser
    account: LocalAccount
    tuvens_session_token: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class LocalEvent:
    """An event of hi.events, in the order of the table's columns.

    `changed_at_ms` is when its status last changed, in Unix milliseconds.
    """

    id: int
    account_id: int
    tuvens_event_id: str | None
    title: str
    description: str
    start_date: str | None
    end_date: str | None
    details: Mapping[str, object]
    status: str
    changed_at_ms: int

    @property
    def path(self) -> str:
        """The path of the event's page."""
        return f"/event/{self.id}/{quote(self.slug)}"

    @property
    def slug(self) -> str:
        """The title in the URL of the event's page."""
        words = "".join(each if each.isalnum() else " " for each in self.title.lower()).split()
        return "-".join(words)[:_SLUG_LENGTH].strip("-") or "event"


@dataclass(frozen=True, slots=True)
class EventDraft:
    """What the page is asked to make an event of; the fields of LocalEvent."""

    title: str
    description: str = ""
    start_date: str | None = None
    end_date: str | None = None
    details: Mapping[str, object] | None = None


class HiEventsStore:
    """Reads and writes of hi.events. Each method may stand alone or in a transaction (`write`); those that run several
    statements have to be in one."""

    def __init__(self, database: Database) -> None:
        self.database = database
        if database.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert as insert_of_dialect
        else:
            from sqlalchemy.dialects.sqlite import insert as insert_of_dialect  # type: ignore[assignment]
        self._insert: Callable[[Table], Any] = insert_of_dialect

    def write(self) -> AbstractContextManager[Connection]:
        """A transaction: committed at the end, rolled back by an exception."""
        return self.database.write()

    # -- seed

    def is_empty(self) -> bool:
        """Whether nothing was seeded yet."""
        return all(self.database.execute(select(each.c.id).limit(1)).first() is None for each in (users, accounts))

    def seed(self, seed: Seed) -> None:
        """Remove everything and write the seed, in one transaction.

        Beside the seed's events there are local users who bought tickets before Tuvens came, not linked yet: one for
        every Tuvens user whose number is a multiple of twenty.
        """
        with self.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
            external = sorted({each.external_account_id for each in seed.hi_events})
            local = {each: self.map_account(each).id for each in external}
            self.name_accounts({each.id: each.name for each in seed.accounts if each.id in local})
            for user in seed.users:
                if user.id % _EARLIER_CUSTOMER == 0:
                    first, last = split_name(user.name or user.email)
                    connection.execute(insert(users).values(email=user.email, first_name=first, last_name=last))
            rows = [
                {
                    "id": each.id,
                    "account_id": local[each.external_account_id],
                    "tuvens_event_id": each.tuvens_event_id,
                    "title": each.title,
                    "description": "",
                    "details": {},
                    "status": each.status,
                    "changed_at_ms": 0,
                }
                for each in seed.hi_events
            ]
            if rows:
                connection.execute(insert(events), rows)
            if self.database.name == "postgresql":
                # Rows that were given their ids have not moved the sequence on.
                sequence = "pg_get_serial_sequence('hi_events', 'id')"
                connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM hi_events HAVING max(id) > 0"))

    def counts(self) -> dict[str, int]:
        """How many users, accounts, sessions, events and deliveries there are."""
        tables = {
            "users": users,
            "accounts": accounts,
            "sessions": sessions,
            "events": events,
            "deliveries": deliveries,
        }
        return {
            name: self.database.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in tables.items()
        }

    # -- users

    def user(self, external_user_id: str) -> LocalUser | None:
        """The local user of a Tuvens user."""
        mine = users.c.external_user_id == external_user_id
        row = self.database.execute(select(users).where(mine).order_by(users.c.id).limit(1)).one_or_none()
        return None if row is None else _user(row)

    def map_user(self, who: SessionUser) -> LocalUser:
        """The one local user of a Tuvens user: found, linked by email, or made; in a transaction.

        Safe against any number of processes doing the same: the unique constraint decides who makes the user, and
        an unlinked user is linked by a conditional update that only one can win.
        """
        first, last = split_name(who.name)
        names = {"email": who.email, "first_name": first, "last_name": last}
        found = self.user(who.user_id) or self.link_by_email(who)
        if found is None:
            self._insert_new(users, {**names, "external_user_id": who.user_id})
            found = self.user(who.user_id)
            assert found is not None, "the constraint says that the row is there"
        if (found.email, found.first_name, found.last_name) != (who.email, first, last):
            self.database.execute(update(users).where(users.c.id == found.id).values(**names))
            found = LocalUser(found.id, who.email, first, last, found.external_user_id)
        return found

    def link_by_email(self, who: SessionUser) -> LocalUser | None:
        """Link the oldest local user who has the email of a Tuvens user and belongs to none yet."""
        while (candidate := self.find_unlinked(who.email)) is not None:
            free = (users.c.id == candidate) & users.c.external_user_id.is_(None)
            self.database.execute(update(users).where(free).values(external_user_id=who.user_id))
            linked = self.user(who.user_id)
            if linked is not None:
                return linked
        return self.user(who.user_id)

    def find_unlinked(self, email: str) -> int | None:
        """The id of the oldest local user who has an email and belongs to no Tuvens user yet."""
        free = users.c.external_user_id.is_(None) & (func.lower(users.c.email) == func.lower(email))
        return self.database.execute(select(users.c.id).where(free).order_by(users.c.id).limit(1)).scalar()

    def unlinked_users(self) -> list[LocalUser]:
        """The local users who belong to no Tuvens user yet."""
        free = users.c.external_user_id.is_(None)
        return [_user(row) for row in self.database.execute(select(users).where(free).order_by(users.c.id))]

    # -- accounts

    def map_account(self, external_account_id: int) -> LocalAccount:
        """The local account that is mapped to a Tuvens account; made where there is none. In a transaction."""
        name = f"Tuvens account {external_account_id}"
        self._insert_new(accounts, {"external_account_id": external_account_id, "name": name})
        mine = accounts.c.external_account_id == external_account_id
        return LocalAccount(*self.database.execute(select(accounts).where(mine)).one())

    def name_accounts(self, names: Mapping[int, str]) -> None:
        """Take over tuvens-api's names, by external id, of the accounts that are mapped; in a transaction."""
        for external_id, name in names.items():
            renamed = (accounts.c.external_account_id == external_id) & (accounts.c.name != name[:255])
            self.database.execute(update(accounts).where(renamed).values(name=name[:255]))

    def join(self, user: LocalUser, account: LocalAccount) -> None:
        """Make a user a member of an account."""
        member = self._insert(account_users).values(account_id=account.id, user_id=user.id)
        self.database.execute(member.on_conflict_do_nothing())

    def accounts_of(self, user: LocalUser) -> list[LocalAccount]:
        """The accounts that a user is a member of."""
        mine = select(accounts).join(account_users).where(account_users.c.user_id == user.id).order_by(accounts.c.id)
        return [LocalAccount(*row) for row in self.database.execute(mine)]

    def is_member(self, user: LocalUser, account_id: int) -> bool:
        """Whether a user is a member of an account."""
        mine = (account_users.c.user_id == user.id) & (account_users.c.account_id == account_id)
        return self.database.execute(select(account_users.c.user_id).where(mine)).first() is not None

    # -- sessions

    def start_session(
        self, user: LocalUser, account: LocalAccount, *, tuvens_token: str, now: float, lifetime: float
    ) -> str:
        """Start a session of `lifetime` seconds, and return its bearer token. Dead sessions are removed. In a
        transaction."""
        self.database.execute(delete(sessions).where(sessions.c.expires_at <= now))
        token = secrets.token_urlsafe(32)
        values = {
            "token_sha256": _token_hash(token),
            "user_id": user.id,
            "account_id": account.id,
            "tuvens_session_token": tuvens_token,
            "created_at": now,
            "expires_at": now + lifetime,
        }
        self.database.execute(insert(sessions).values(**values))
        return token

    def session(self, token: str, now: float) -> LocalSession | None:
        """The session of a bearer token, unless it has expired."""
        living = (sessions.c.token_sha256 == _token_hash(token)) & (sessions.c.expires_at > now)
        return next(iter(self._sessions(living)), None)

    def sessions(self, limit: int | None = None) -> list[LocalSession]:
        """All sessions that are stored, or the last `limit`, the oldest first."""
        return self._sessions(sessions.c.id > 0, limit)

    def _sessions(self, condition: ColumnElement[bool], limit: int | None = None) -> list[LocalSession]:
        joined = sessions.join(users).join(accounts, sessions.c.account_id == accounts.c.id)
        columns = (
            sessions,
            users.c.email,
            users.c.first_name,
            users.c.last_name,
            users.c.external_user_id,
            accounts.c.external_account_id,
            accounts.c.name,
        )
        newest = select(*columns).select_from(joined).where(condition).order_by(sessions.c.id.desc()).limit(limit)
        return [
            LocalSession(
                row.id,
                row.token_sha256,
                LocalUser(row.user_id, row.email, row.first_name, row.last_name, row.external_user_id),
                LocalAccount(row.account_id, row.external_account_id, row.name),
                row.tuvens_session_token,
                row.created_at,
                row.expires_at,
            )
            for row in self.database.execute(newest)
        ][::-1]

    # -- events

    def event(self, event_id: int, *, lock: bool = False) -> LocalEvent | None:
        """An event by its id; with `lock`, nobody else changes it before the transaction ends."""
        wanted = select(events).where(events.c.id == event_id)
        return self._event(wanted.with_for_update() if lock else wanted)

    def events_of(self, account_id: int) -> list[LocalEvent]:
        """The events of an account, by id."""
        mine = select(events).where(events.c.account_id == account_id).order_by(events.c.id)
        return [LocalEvent(*row) for row in self.database.execute(mine)]

    def make_event(
        self, account_id: int, tuvens_event_id: str | None, draft: EventDraft, status: str, now: float
    ) -> LocalEvent:
        """Make an event, or find the one that carries the same Tuvens event already; in a transaction."""
        values = {
            "account_id": account_id,
            "tuvens_event_id": tuvens_event_id,
            "title": draft.title,
            "description": draft.description,
            "start_date": draft.start_date,
            "end_date": draft.end_date,
            "details": dict(draft.details or {}),
            "status": status,
            "changed_at_ms": round(now * 1000),
        }
        made = self._insert_new(events, values)
        same = events.c.tuvens_event_id == tuvens_event_id if made is None else events.c.id == made
        found = self._event(select(events).where(same))
        assert found is not None, "the constraint says that the row is there"
        return found

    def change_status(self, event: LocalEvent, status: str, now: float) -> LocalEvent:
        """Write a new status of an event that is locked. Its time is later than the last change's, however close they
        are."""
        at = max(round(now * 1000), event.changed_at_ms + 1)
        self.database.execute(update(events).where(events.c.id == event.id).values(status=status, changed_at_ms=at))
        return replace(event, status=status, changed_at_ms=at)

    def _event(self, wanted: Select[*tuple[Any, ...]]) -> LocalEvent | None:
        row = self.database.execute(wanted).one_or_none()
        return None if row is None else LocalEvent(*row)

    def _insert_new(self, table: Table, values: Mapping[str, object]) -> int | None:
        """Insert a row unless a unique constraint says that it is there; its id, or None where it was there."""
        new = self._insert(table).values(**values).on_conflict_do_nothing().returning(table.c.id)
        made: int | None = self.database.execute(new).scalar_one_or_none()
        return made


def split_name(name: str) -> tuple[str, str | None]:
    """First and last name of a full one: the first word, and the rest; None for a name of one word."""
    first, _, last = name.strip().partition(" ")
    return first[:255], last.strip()[:255] or None


def _token_hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _user(row: Row[*tuple[Any, ...]]) -> LocalUser:
    return LocalUser(*row[:5])
