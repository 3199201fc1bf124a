"""Faults of storing sessions."""

from typing import NamedTuple

from simulators.kit.faults import Change, Honest, Swap, swap
from simulators.kit.messages import current
from simulators.tuvens_api.faults import queries
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.sessions import digest
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import StoredSession

_LEEWAY = 60


@registry.fault(kills=["session_storage.validation_moves_the_last_used_time"])
def last_used_not_updated(api: TuvensApi) -> Change:
    """A successful validation does not move the session's last-used time."""
    return swap(api.sessions.touch, lambda honest, session, now: None)


@registry.fault(kills=["session_storage.expired_sessions_are_removed"])
def expired_rows_kept(api: TuvensApi) -> Change:
    """Expired sessions are never removed from crossAppSession."""
    return swap(api.sessions.clean_up, lambda honest, now: None)


@registry.fault(kills=["session_storage.sessions_have_foreign_keys"], at_start=True)
def user_sessions_orphaned(api: TuvensApi) -> Change:
    """crossAppSession has no foreign keys: the sessions of a deleted user stay (takes effect when armed at the start,
    or with the next reset).
    """
    return swap(api.schema.foreign_key, lambda honest, parent: ())


@registry.fault(kills=["session_storage.session_table_has_its_columns"], at_start=True)
def app_id_not_stored(api: TuvensApi) -> Change:
    """The migration that adds appId to crossAppSession was not run."""
    return swap(api.schema.app_id, lambda honest: ())


@registry.fault(kills=["session_storage.session_table_is_indexed"], at_start=True)
def expiry_not_indexed(api: TuvensApi) -> Change:
    """crossAppSession has no index on expiresAt: each clean-up reads the whole table."""
    return swap(api.schema.expiry_index, lambda honest: ())


@registry.fault(kills=["flow.an_expired_session_is_recovered_from"])
def clean_up_takes_the_next_session(api: TuvensApi) -> Change:
    """A daily clean-up, started when a token that expired a minute ago arrives, also removes the user's next
    session."""
    removed = _remember_removed(api)
    due: set[int] = set()
    next_run = 0.0

    def find(honest: Honest[[str, float], StoredSession | None], token: str, now: float) -> StoredSession | None:
        nonlocal next_run
        gone = removed.sessions.get(digest(token))
        if gone is not None and now >= gone.expires_at + _LEEWAY and now >= next_run:
            next_run = now + 86_400
            due.add(gone.user_id)
        return honest(token, now)

    def store(
        honest: Honest[[str, int, int, float, float], None],
        token: str,
        user: int,
        account: int,
        now: float,
        expires: float,
    ) -> None:
        if user not in due:
            return honest(token, user, account, now, expires)
        due.discard(user)
        honest.count()
        return None

    return removed.swap, swap(api.sessions.find, find), swap(api.sessions.store, store)


@registry.fault(kills=["session_token.user_accounts_refuses_an_expired_token"])
def expired_session_served_by_user_accounts(api: TuvensApi) -> Change:
    """user-accounts responds from a cache of sessions without expiry."""
    return _served_expired(api, "listUserAccounts")


@registry.fault(kills=["session_token.validate_session_refuses_an_expired_token"])
def expired_session_served_by_validate_session(api: TuvensApi) -> Change:
    """validate-session looks up the session without checking its expiry."""
    return _served_expired(api, "validateSession")


@registry.fault(kills=["session_token.validate_permission_refuses_an_expired_token"])
def expired_session_served_by_validate_permission(api: TuvensApi) -> Change:
    """validate-permission looks up the session without checking its expiry."""
    return _served_expired(api, "validatePermission")


class _Removed(NamedTuple):
    """The sessions that the clean-up removed, by their tokens' hashes, and the swap that collects them."""

    sessions: dict[str, StoredSession]
    swap: Swap


def _remember_removed(api: TuvensApi) -> _Removed:
    sessions: dict[str, StoredSession] = {}

    def clean_up(honest: Honest[[float], None], now: float) -> None:
        sessions.update(queries.expired_sessions(api, now))
        honest(now)

    return _Removed(sessions, swap(api.sessions.clean_up, clean_up))


def _served_expired(api: TuvensApi, operation: str) -> Change:
    removed = _remember_removed(api)

    def find(honest: Honest[[str, float], StoredSession | None], token: str, now: float) -> StoredSession | None:
        found = honest(token, now)
        request = current.get()
        asked = None if request is None or request.operation is None else request.operation.id
        if found is not None or asked != operation:
            return found
        return api.store.session(digest(token)) or removed.sessions.get(digest(token))

    return removed.swap, swap(api.sessions.find, find)
