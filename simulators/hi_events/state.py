"""What hi.events remembers: users, accounts, sessions and events. Every function is one step of a transaction."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, delete, func, select, text, update

from contracts.session_token.wire import SessionUser
from simulators.hi_events.tables import account_users, accounts, deliveries, events, metadata, sessions, users
from simulators.seed import Seed

STATUSES = frozenset({"DRAFT", "LIVE", "CANCELLED", "ENDED", "ARCHIVED"})
_SLUG_LENGTH = 80
_EARLIER_CUSTOMER = 20


@dataclass(frozen=True, slots=True)
class User:
    """A local user; `external_user_id` is tuvens-api's id, None for one who never came from there."""

    id: int
    email: str
    first_name: str
    last_name: str | None
    external_user_id: str | None


@dataclass(frozen=True, slots=True)
class Account:
    """A local account; `external_account_id` is tuvens-api's id of the account that it stands for."""

    id: int
    external_account_id: int | None
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """A Hi.Events session. Times are Unix seconds by the simulator's clock."""

    id: int
    token_sha256: str
    user: User
    account: Account
    tuvens_session_token: str
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Event:
    """An event of hi.events; `changed_at_ms` is when its status last changed, in Unix milliseconds."""

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
    def slug(self) -> str:
        """The title as it stands in the address of the event's page."""
        words = "".join(each if each.isalnum() else " " for each in self.title.lower()).split()
        return "-".join(words)[:_SLUG_LENGTH].strip("-") or "event"


@dataclass(frozen=True, slots=True)
class Draft:
    """What the page is asked to make an event of."""

    title: str
    description: str = ""
    start_date: str | None = None
    end_date: str | None = None
    details: Mapping[str, object] | None = None


def split_name(name: str) -> tuple[str, str | None]:
    """First and last name of a full one: the first word, and the rest; None for a name of one word."""
    first, _, last = name.strip().partition(" ")
    return first[:255], last.strip()[:255] or None


def token_hash(token: str) -> str:
    """What is stored of a bearer token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def insert_new(connection: Connection, table: Table, values: Mapping[str, object]) -> int | None:
    """Insert a row unless a unique constraint says that it is there; its id, or None where it was there."""
    statement = _insert(connection, table).values(**values).on_conflict_do_nothing().returning(table.c.id)
    return connection.execute(statement).scalar_one_or_none()


def _insert(connection: Connection, table: Table) -> Any:
    """An INSERT of the connection's dialect; the other dialect is not even imported."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as insert_postgresql

        return insert_postgresql(table)
    from sqlalchemy.dialects.sqlite import insert as insert_sqlite

    return insert_sqlite(table)


def find_user(connection: Connection, external_user_id: str) -> User | None:
    """The local user of a Tuvens user (the oldest, where a fault made several)."""
    chosen = users.c.external_user_id == external_user_id
    row = connection.execute(select(users).where(chosen).order_by(users.c.id).limit(1)).one_or_none()
    return None if row is None else _user(row)


def map_user(connection: Connection, who: SessionUser, *, link_by_email: bool = True) -> User:
    """The one local user of a Tuvens user: found, linked by email, or made.

    Safe against any number of processes doing the same: the unique constraint decides who makes the user, and
    an unlinked user is linked by a conditional update that only one can win.
    """
    first, last = split_name(who.name)
    found = find_user(connection, who.user_id)
    if found is None and link_by_email:
        found = _link_by_email(connection, who)
    if found is None:
        names = {"email": who.email, "first_name": first, "last_name": last}
        insert_new(connection, users, {**names, "external_user_id": who.user_id, "twin": 0})
        found = find_user(connection, who.user_id)
        assert found is not None, "the constraint says that the row is there"
    if (found.email, found.first_name, found.last_name) != (who.email, first, last):
        fresh = {"email": who.email, "first_name": first, "last_name": last}
        connection.execute(update(users).where(users.c.id == found.id).values(**fresh))
        found = User(found.id, who.email, first, last, found.external_user_id)
    return found


def add_twin(connection: Connection, who: SessionUser) -> User:
    """Make one more local user for a Tuvens user, past the constraint: only faults do so."""
    first, last = split_name(who.name)
    names = {"email": who.email, "first_name": first, "last_name": last}
    twin = 1 + secrets.randbelow(2**62)
    made = insert_new(connection, users, {**names, "external_user_id": who.user_id, "twin": twin})
    assert made is not None, "a random twin number is new"
    return User(made, who.email, first, last, who.user_id)


def find_unlinked(connection: Connection, email: str) -> int | None:
    """The id of the oldest local user with this email who belongs to no Tuvens user yet."""
    free = users.c.external_user_id.is_(None) & (func.lower(users.c.email) == func.lower(email))
    return connection.execute(select(users.c.id).where(free).order_by(users.c.id).limit(1)).scalar()


def _link_by_email(connection: Connection, who: SessionUser) -> User | None:
    while (candidate := find_unlinked(connection, who.email)) is not None:
        free = (users.c.id == candidate) & users.c.external_user_id.is_(None)
        connection.execute(update(users).where(free).values(external_user_id=who.user_id))
        linked = find_user(connection, who.user_id)
        if linked is not None:
            return linked
    return find_user(connection, who.user_id)


def map_account(connection: Connection, external_account_id: int) -> Account:
    """The local account that stands for a Tuvens account; made where there is none."""
    name = f"Tuvens account {external_account_id}"
    insert_new(connection, accounts, {"external_account_id": external_account_id, "name": name})
    mine = accounts.c.external_account_id == external_account_id
    return _account(connection.execute(select(accounts).where(mine)).one())


def first_account(connection: Connection) -> Account | None:
    """The oldest account: what a fault maps everybody to."""
    row = connection.execute(select(accounts).order_by(accounts.c.id).limit(1)).one_or_none()
    return None if row is None else _account(row)


def name_accounts(connection: Connection, names: Mapping[int, str]) -> None:
    """Take over the names that tuvens-api has for accounts which are mapped already."""
    for external_id, name in names.items():
        renamed = (accounts.c.external_account_id == external_id) & (accounts.c.name != name[:255])
        connection.execute(update(accounts).where(renamed).values(name=name[:255]))


def join(connection: Connection, user: User, account: Account) -> None:
    """Make a user a member of an account."""
    values = {"account_id": account.id, "user_id": user.id}
    connection.execute(_insert(connection, account_users).values(**values).on_conflict_do_nothing())


def accounts_of(connection: Connection, user: User) -> list[Account]:
    """The accounts that a user is a member of."""
    rows = connection.execute(
        select(accounts).join(account_users).where(account_users.c.user_id == user.id).order_by(accounts.c.id)
    )
    return [_account(row) for row in rows]


def is_member(connection: Connection, user: User, account_id: int) -> bool:
    """Whether a user is a member of an account."""
    mine = (account_users.c.user_id == user.id) & (account_users.c.account_id == account_id)
    return connection.execute(select(account_users.c.user_id).where(mine)).first() is not None


def start_session(
    connection: Connection, user: User, account: Account, *, tuvens_token: str, now: float, lifetime: float
) -> str:
    """Start a session of `lifetime` seconds, and return its bearer token. Dead sessions go at the same time."""
    connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    token = secrets.token_urlsafe(32)
    values = {
        "token_sha256": token_hash(token),
        "user_id": user.id,
        "account_id": account.id,
        "tuvens_session_token": tuvens_token,
        "created_at": now,
        "expires_at": now + lifetime,
    }
    connection.execute(sessions.insert().values(**values))
    return token


def find_session(connection: Connection, token: str, now: float) -> Session | None:
    """The living session of a bearer token."""
    living = (sessions.c.token_sha256 == token_hash(token)) & (sessions.c.expires_at > now)
    return next(iter(_sessions(connection, living)), None)


def newest_session(connection: Connection) -> Session | None:
    """The session that was started last: what a route that asks for no session takes under a fault."""
    return next(iter(all_sessions(connection, 1)), None)


def all_sessions(connection: Connection, limit: int | None = None) -> list[Session]:
    """Every session that is stored, or the last `limit`, the oldest first."""
    return _sessions(connection, sessions.c.id > 0, limit)


def find_event(connection: Connection, event_id: int, *, lock: bool = False) -> Event | None:
    """An event by its id; with `lock`, nobody else changes it before this transaction ends."""
    statement = select(events).where(events.c.id == event_id)
    row = connection.execute(statement.with_for_update() if lock else statement).one_or_none()
    return None if row is None else _event(row)


def find_event_by_tuvens_id(connection: Connection, tuvens_event_id: str) -> Event | None:
    """The event that carries a Tuvens event."""
    carries = events.c.tuvens_event_id == tuvens_event_id
    row = connection.execute(select(events).where(carries)).one_or_none()
    return None if row is None else _event(row)


def events_of(connection: Connection, account_id: int) -> list[Event]:
    """The events of an account, by id."""
    rows = connection.execute(select(events).where(events.c.account_id == account_id).order_by(events.c.id))
    return [_event(row) for row in rows]


def make_event(
    connection: Connection,
    account_id: int,
    tuvens_event_id: str | None,
    draft: Draft,
    *,
    now: float,
    status: str = "DRAFT",
) -> Event:
    """Make an event, or find the one that carries the same Tuvens event already."""
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
    made = insert_new(connection, events, values)
    found = (
        find_event(connection, made) if made is not None else find_event_by_tuvens_id(connection, tuvens_event_id or "")
    )
    assert found is not None, "the constraint says that the row is there"
    return found


def change_status(connection: Connection, event: Event, status: str, now: float) -> Event:
    """Write a new status. Its time is always later than the last change's, however close they are."""
    at = max(round(now * 1000), event.changed_at_ms + 1)
    connection.execute(update(events).where(events.c.id == event.id).values(status=status, changed_at_ms=at))
    changed = find_event(connection, event.id)
    assert changed is not None, "the row is locked"
    return changed


def is_empty(connection: Connection) -> bool:
    """Whether nothing was seeded yet."""
    return all(connection.execute(select(each.c.id).limit(1)).first() is None for each in (users, accounts))


def counts(connection: Connection) -> dict[str, int]:
    """How many users, accounts, sessions, events and deliveries there are."""
    tables = {"users": users, "accounts": accounts, "sessions": sessions, "events": events, "deliveries": deliveries}
    return {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }


def unlinked_users(connection: Connection) -> list[User]:
    """The local users who belong to no Tuvens user yet."""
    free = users.c.external_user_id.is_(None)
    return [_user(row) for row in connection.execute(select(users).where(free).order_by(users.c.id))]


def seed(connection: Connection, start: Seed) -> None:
    """Remove everything and write the seed.

    Beside the seed's events there are local users who bought tickets before Tuvens came, not linked yet: one for every
    Tuvens user whose number is a multiple of twenty.
    """
    for table in reversed(metadata.sorted_tables):
        connection.execute(delete(table))
    names = {each.id: each.name for each in start.accounts}
    local = {}
    for external_id in sorted({each.external_account_id for each in start.hi_events}):
        local[external_id] = map_account(connection, external_id).id
    name_accounts(connection, {each: names[each] for each in local if each in names})
    for each in start.users:
        if each.id % _EARLIER_CUSTOMER == 0:
            first, last = split_name(each.name or each.email)
            row = {"email": each.email, "first_name": first, "last_name": last, "external_user_id": None}
            connection.execute(users.insert().values(**row))
    if start.hi_events:
        connection.execute(
            events.insert(),
            [
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
                for each in start.hi_events
            ],
        )
    if connection.dialect.name == "postgresql":
        # Rows that were given their ids have not moved the sequence on.
        sequence = "pg_get_serial_sequence('hi_events', 'id')"
        connection.execute(text(f"SELECT setval({sequence}, max(id)) FROM hi_events HAVING max(id) > 0"))


def _user(row: Row[Any]) -> User:
    return User(row.id, row.email, row.first_name, row.last_name, row.external_user_id)


def _account(row: Row[Any]) -> Account:
    return Account(row.id, row.external_account_id, row.name)


def _event(row: Row[Any]) -> Event:
    return Event(
        row.id,
        row.account_id,
        row.tuvens_event_id,
        row.title,
        row.description,
        row.start_date,
        row.end_date,
        row.details,
        row.status,
        row.changed_at_ms,
    )


def _sessions(connection: Connection, condition: ColumnElement[bool], limit: int | None = None) -> list[Session]:
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
        Session(
            row.id,
            row.token_sha256,
            User(row.user_id, row.email, row.first_name, row.last_name, row.external_user_id),
            Account(row.account_id, row.external_account_id, row.name),
            row.tuvens_session_token,
            row.created_at,
            row.expires_at,
        )
        for row in connection.execute(newest)
    ][::-1]
