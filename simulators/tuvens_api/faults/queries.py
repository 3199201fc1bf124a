"""What only faults ask the database of tuvens-api."""

from collections.abc import Sequence

from sqlalchemy import delete, func, select

from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import LARGEST, StoredAccount, StoredSession


def first_account(api: TuvensApi, user: int) -> int:
    """The account of lowest id that a user is a member of."""
    t = api.store.tables.memberships
    found: int = api.database.execute(select(func.min(t.c.accountId)).where(t.c.userId == user)).scalar_one()
    return found


def account_exists(api: TuvensApi, account: int) -> bool:
    """Whether there is an account of this id."""
    t = api.store.tables.accounts
    if not 0 < account <= LARGEST:
        return False
    return api.database.execute(select(t.c.id).where(t.c.id == account)).first() is not None


def all_accounts(api: TuvensApi) -> Sequence[StoredAccount]:
    """Every account."""
    t = api.store.tables.accounts
    return [StoredAccount(*row) for row in api.database.execute(select(t.c.id, t.c.name, t.c.slug).order_by(t.c.id))]


def manages_anywhere(api: TuvensApi, user: int) -> bool:
    """Whether a user holds manage_ticketing in any account."""
    t = api.store.tables.memberships
    rows = api.database.execute(select(t.c.permissions).where(t.c.userId == user)).scalars().all()
    return any("manage_ticketing" in each.split() for each in rows)


def newest_session(api: TuvensApi) -> StoredSession | None:
    """The session that was stored last."""
    t = api.store.tables.sessions
    token = api.database.execute(select(t.c.sessionToken).order_by(t.c.id.desc()).limit(1)).scalar()
    return None if token is None else api.store.session(token)


def expired_sessions(api: TuvensApi, now: float) -> dict[str, StoredSession]:
    """The sessions that are over at `now` (Unix seconds) and still stored, by their tokens' hashes."""
    t = api.store.tables.sessions
    tokens = api.database.execute(select(t.c.sessionToken).where(t.c.expiresAt <= now)).scalars().all()
    found = {token: api.store.session(token) for token in tokens}
    return {token: session for token, session in found.items() if session is not None}


def remove_unused_session(api: TuvensApi, token_sha256: str) -> bool:
    """Remove the session of a hash, where it was never validated; returns whether there was one."""
    t = api.store.tables.sessions
    unused = (t.c.sessionToken == token_sha256) & t.c.lastUsed.is_(None)
    removed = api.database.execute(delete(t).where(unused)).rowcount
    return removed > 0
