"""From a Tuvens session token to a local user and account."""

import asyncio
from dataclasses import dataclass

from sqlalchemy import Connection

from contracts.session_token.wire import SessionUser
from simulators.hi_events import state
from simulators.hi_events.state import Account, User
from simulators.hi_events.upstream import Tuvens
from simulators.kit.clock import Clock
from simulators.kit.database import Database
from simulators.kit.faults import FaultRuntime

_CACHED = 3600.0
_RACE = 0.05


@dataclass(frozen=True, slots=True)
class Visitor:
    """A Tuvens user whom tuvens-api has just vouched for, as hi.events knows them."""

    user: User
    account: Account
    external_account_id: int


class SignIn:
    """Asks tuvens-api whom a token stands for, every time, and maps the answer to local rows."""

    def __init__(self, *, database: Database, clock: Clock, faults: FaultRuntime, tuvens: Tuvens) -> None:
        self._database = database
        self._clock = clock
        self._faults = faults
        self._tuvens = tuvens
        self._cache: dict[str, tuple[float, SessionUser]] = {}

    async def identify(self, token: str) -> SessionUser:
        """Whom a token stands for. Raises Refused and Unavailable."""
        if self._faults.armed("validation-cached-for-an-hour"):
            until, known = self._cache.get(token, (0.0, None))
            if known is not None and until > self._clock.now():
                self._faults.on("validation-cached-for-an-hour")
                return known
        who = await self._tuvens.session_user(token)
        if self._faults.armed("validation-cached-for-an-hour"):
            self._cache[token] = (self._clock.now() + _CACHED, who)
        return who

    async def admit(self, who: SessionUser) -> Visitor:
        """The local user and account, found or made."""
        if self._faults.armed("users-doubled-under-races"):
            doubled = await self._check_then_insert(who)
            if doubled is not None:
                return doubled
        with self._database.write() as connection:
            return self._visitor(connection, who, self._user(connection, who))

    def forget(self) -> None:
        """Empty the cache that a fault keeps."""
        self._cache.clear()

    async def _check_then_insert(self, who: SessionUser) -> Visitor | None:
        with self._database.read() as connection:
            known = state.find_user(connection, who.user_id)
        if known is not None:
            return None
        await asyncio.sleep(_RACE)
        with self._database.write() as connection:
            outrun = state.find_user(connection, who.user_id) is not None
            if not outrun or not self._faults.on("users-doubled-under-races"):
                return None
            return self._visitor(connection, who, state.add_twin(connection, who))

    def _user(self, connection: Connection, who: SessionUser) -> User:
        known = state.find_user(connection, who.user_id) is not None
        if known and self._faults.on("user-doubled-on-repeat-login"):
            return state.add_twin(connection, who)
        linkable = not known and state.find_unlinked(connection, who.email) is not None
        link = not (linkable and self._faults.on("email-not-linked"))
        return state.map_user(connection, who, link_by_email=link)

    def _visitor(self, connection: Connection, who: SessionUser, user: User) -> Visitor:
        account = None
        if self._faults.armed("shared-account-mapped"):
            account = state.first_account(connection)
            if account is not None and account.external_account_id != who.account_id:
                self._faults.on("shared-account-mapped")
        if account is None:
            account = state.map_account(connection, who.account_id)
        state.join(connection, user, account)
        return Visitor(user, account, who.account_id)
