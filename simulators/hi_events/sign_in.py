"""From a Tuvens session token to a local user and account."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, replace

from contracts.session_token.wire import SessionUser
from simulators.hi_events.store import HiEventsStore, LocalAccount, LocalUser
from simulators.hi_events.upstream import Tuvens
from simulators.kit.clock import Clock
from simulators.kit.faults import FaultRuntime

_CACHED = 3600.0
_CROWD = 9
"""More than the stories of a verification that are driven side by side."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A Tuvens user whom tuvens-api has just vouched for, as hi.events knows them."""

    user: LocalUser
    account: LocalAccount
    external_account_id: int


class _Gathering:
    """Requests that wait for one another, so that a race is certain however slow the machine is."""

    def __init__(self, size: int, *, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._waiting = 0
        self._complete = asyncio.Event()

    async def join(self) -> bool:
        """Whether so many came together; waits for them, but not for ever (real seconds)."""
        self._waiting += 1
        if self._waiting >= self._size:
            self._complete.set()
        try:
            await asyncio.wait_for(self._complete.wait(), self._seconds)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._complete.clear()
        return True


class SignIn:
    """Asks tuvens-api whom a token stands for, every time, and maps the answer to local rows."""

    def __init__(self, *, store: HiEventsStore, clock: Clock, faults: FaultRuntime, tuvens: Tuvens) -> None:
        self._store = store
        self._clock = clock
        self._faults = faults
        self._tuvens = tuvens
        self._cache: dict[str, tuple[float, SessionUser]] = {}
        self._crowd = _Gathering(_CROWD, seconds=1.0)
        self._pairs: dict[str, _Gathering] = defaultdict(lambda: _Gathering(2, seconds=0.3))
        self._current: SessionUser | None = None
        self._last_made: LocalUser | None = None
        self._given: dict[str, LocalUser] = {}

    async def identify(self, token: str) -> SessionUser:
        """Whom a token stands for. Raises Refused and Unavailable."""
        if self._faults.armed("validation-cached-for-an-hour"):
            until, known = self._cache.get(token, (0.0, None))
            if known is not None and until > self._clock.now():
                self._faults.on("validation-cached-for-an-hour")
                return known
        if self._faults.armed("validation-cached-for-half-a-minute"):
            until, known = self._cache.get(token, (0.0, None))
            if known is not None and until > self._clock.now():
                self._faults.on("validation-cached-for-half-a-minute")
                return known
        who = await self._tuvens.session_user(token)
        if self._faults.armed("validation-cached-for-half-a-minute"):
            self._cache[token] = (self._clock.now() + 30, who)
        if self._faults.armed("validation-cached-for-an-hour"):
            self._cache[token] = (self._clock.now() + _CACHED, who)
        return who

    async def admit(self, who: SessionUser) -> Visitor:
        """The local user and account, found or made."""
        if self._faults.armed("users-mixed-up-in-a-crowd"):
            who = await self._of_the_crowd(who)
        if self._faults.armed("users-share-a-row-in-a-crowd"):
            shared = await self._in_a_shared_row(who)
            if shared is not None:
                return shared
        if self._faults.armed("users-doubled-under-races"):
            doubled = await self._check_then_insert(who)
            if doubled is not None:
                return doubled
        with self._store.write():
            return self._visitor(who, self._user(who))

    def forget(self) -> None:
        """Drop what only faults remember."""
        self._cache.clear()
        self._given.clear()
        self._last_made = None

    async def _of_the_crowd(self, who: SessionUser) -> SessionUser:
        """Whom a variable names that all sign-ins under way share."""
        self._current = who
        crowded = await self._crowd.join()
        mixed = crowded and self._current != who and self._faults.on("users-mixed-up-in-a-crowd")
        return self._current if mixed else who

    async def _in_a_shared_row(self, who: SessionUser) -> Visitor | None:
        """A new user who is given the row that another sign-in has just made."""
        crowded = await self._crowd.join()
        with self._store.write():
            known = self._store.user(who.user_id)
            if known is None and who.user_id not in self._given and crowded and self._last_made is not None:
                self._faults.on("users-share-a-row-in-a-crowd")
                self._given[who.user_id] = replace(self._last_made, email=who.email, external_user_id=who.user_id)
            if who.user_id in self._given:
                return self._visitor(who, self._given[who.user_id])
            made = self._user(who)
            self._last_made = made if known is None else self._last_made
            return self._visitor(who, made)

    async def _check_then_insert(self, who: SessionUser) -> Visitor | None:
        known = self._store.user(who.user_id)
        if known is not None:
            return None
        await self._pairs[who.user_id].join()
        with self._store.write():
            outrun = self._store.user(who.user_id) is not None
            if not outrun or not self._faults.on("users-doubled-under-races"):
                return None
            return self._visitor(who, self._store.add_twin(who))

    def _user(self, who: SessionUser) -> LocalUser:
        known = self._store.user(who.user_id) is not None
        if known and self._faults.on("user-doubled-on-repeat-login"):
            return self._store.add_twin(who)
        linkable = not known and self._store.find_unlinked(who.email) is not None
        link = not (linkable and self._faults.on("email-not-linked"))
        return self._store.map_user(who, link=link)

    def _visitor(self, who: SessionUser, user: LocalUser) -> Visitor:
        account = None
        if self._faults.armed("shared-account-mapped"):
            account = self._store.first_account()
            if account is not None and account.external_account_id != who.account_id:
                self._faults.on("shared-account-mapped")
        if account is None:
            account = self._store.map_account(who.account_id)
        self._store.join(user, account)
        return Visitor(user, account, who.account_id)
