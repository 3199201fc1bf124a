"""Faults of local users and accounts."""

import asyncio
import secrets
from collections import defaultdict
from dataclasses import replace

from sqlalchemy import insert, select

from contracts.session_token.wire import SessionUser
from simulators.hi_events.admission import Visitor
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.simulator import HiEvents
from simulators.hi_events.store import LocalAccount, LocalSession, LocalUser, split_name
from simulators.hi_events.tables import accounts, users
from simulators.kit.faults import Async, Change, Honest, swap

_CROWD = 9
"""More than the stories of a verification that are driven side by side."""


@registry.fault(kills=["hi_events_session.one_local_user_under_concurrent_sign_ins"])
def users_doubled_under_races(hi: HiEvents) -> Change:
    """The user is looked up, then inserted: concurrent sign-ins all find none, and all insert one."""
    twins = _Twins(hi)
    pairs: dict[str, _Gathering] = defaultdict(lambda: _Gathering(2, seconds=0.3))

    async def admit(honest: Honest[[SessionUser], Async[Visitor]], who: SessionUser) -> Visitor:
        if hi.store.user(who.user_id) is None:
            await pairs[who.user_id].join()
            if hi.store.user(who.user_id) is not None:
                with hi.store.write():
                    return hi.admission.visitor(who, twins.add(who))
        return await honest(who)

    return [swap(hi.admission.admit, admit), twins.shown]


@registry.fault(kills=["hi_events_session.one_local_user_for_repeated_sign_ins"])
def user_doubled_on_repeat_login(hi: HiEvents) -> Change:
    """Every sign-in creates a new local user."""
    twins = _Twins(hi)

    def local_user(honest: Honest[[SessionUser], LocalUser], who: SessionUser) -> LocalUser:
        return honest(who) if hi.store.user(who.user_id) is None else twins.add(who)

    return [swap(hi.admission.local_user, local_user), twins.shown]


@registry.fault(kills=["hi_events_session.concurrent_sign_ins_are_not_mixed_up"])
def users_mixed_up_in_a_crowd(hi: HiEvents) -> Change:
    """The user is kept in a variable that all sign-ins share: concurrent sign-ins get each other's user."""
    crowd = _Gathering(_CROWD, seconds=1.0)
    current: SessionUser | None = None

    async def admit(honest: Honest[[SessionUser], Async[Visitor]], who: SessionUser) -> Visitor:
        nonlocal current
        current = who
        return await honest(current if await crowd.join() else who)

    return swap(hi.admission.admit, admit)


@registry.fault(kills=["hi_events_session.no_local_user_is_shared"])
def users_share_a_row_in_a_crowd(hi: HiEvents) -> Change:
    """Under concurrent sign-ins, a new user gets the row that another one has just created."""
    crowd = _Gathering(_CROWD, seconds=1.0)
    last_made: LocalUser | None = None
    given: dict[str, LocalUser] = {}

    async def admit(honest: Honest[[SessionUser], Async[Visitor]], who: SessionUser) -> Visitor:
        nonlocal last_made
        crowded = await crowd.join()
        is_new = hi.store.user(who.user_id) is None and who.user_id not in given
        if is_new and crowded and last_made is not None:
            given[who.user_id] = replace(last_made, email=who.email, external_user_id=who.user_id)
        if who.user_id in given:
            with hi.store.write():
                return hi.admission.visitor(who, given[who.user_id])
        visitor = await honest(who)
        if is_new:
            last_made = visitor.user
        return visitor

    return swap(hi.admission.admit, admit)


@registry.fault(kills=["hi_events_session.existing_user_with_the_same_email_is_linked"])
def email_not_linked(hi: HiEvents) -> Change:
    """A local user with the same email is duplicated instead of linked."""

    def link_by_email(honest: Honest[[SessionUser], LocalUser | None], who: SessionUser) -> LocalUser | None:
        return honest(who) if hi.store.find_unlinked(who.email) is None else None

    return swap(hi.store.link_by_email, link_by_email)


@registry.fault(kills=["hi_events_session.accounts_are_not_shared"])
def shared_account_mapped(hi: HiEvents) -> Change:
    """Every Tuvens account is mapped to the same local account."""

    def local_account(honest: Honest[[int], LocalAccount], external: int) -> LocalAccount:
        oldest = hi.store.database.execute(select(accounts).order_by(accounts.c.id).limit(1)).one_or_none()
        if oldest is None or oldest.external_account_id == external:
            return honest(external)
        return LocalAccount(oldest.id, oldest.external_account_id, oldest.name)

    return swap(hi.admission.local_account, local_account)


class _Twins:
    """Further local users of Tuvens users who have one already. In the database, which allows no second one, they
    belong to nobody; sessions show them as the fault made them."""

    def __init__(self, hi: HiEvents) -> None:
        self._store = hi.store
        self._known: dict[int, LocalUser] = {}
        self.shown = swap(hi.store.session, self._session)

    def add(self, who: SessionUser) -> LocalUser:
        """Make one more local user for a Tuvens user; in a transaction."""
        first, last = split_name(who.name)
        email = f"{secrets.token_hex(8)}@tickets.invalid"
        row = insert(users).values(email=email, first_name=first, last_name=last)
        made: int = self._store.database.execute(row.returning(users.c.id)).scalar_one()
        self._known[made] = LocalUser(made, who.email, first, last, who.user_id)
        return self._known[made]

    def _session(
        self, honest: Honest[[str, float], LocalSession | None], token: str, now: float
    ) -> LocalSession | None:
        found = honest(token, now)
        return found and replace(found, user=self._known.get(found.user.id, found.user))


class _Gathering:
    """Requests that wait for one another, so that a race is certain however slow the machine is."""

    def __init__(self, size: int, *, seconds: float) -> None:
        self._size = size
        self._seconds = seconds
        self._waiting = 0
        self._complete = asyncio.Event()

    async def join(self) -> bool:
        """Whether `size` requests came together; waits for them at most `seconds` (real ones)."""
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
