"""From a Tuvens user to a local user and account."""

from dataclasses import dataclass

from contracts.session_token.wire import SessionUser
from simulators.hi_events.store import HiEventsStore, LocalAccount, LocalUser


@dataclass(frozen=True, slots=True)
class Visitor:
    """A Tuvens user whose session tuvens-api has just validated, as hi.events knows them."""

    user: LocalUser
    account: LocalAccount
    external_account_id: int


class Admission:
    """Finds or makes the local rows of a Tuvens user."""

    def __init__(self, store: HiEventsStore) -> None:
        self._store = store

    async def admit(self, who: SessionUser) -> Visitor:
        """The local user and account, found or made."""
        with self._store.write():
            return self.visitor(who, self.local_user(who))

    def visitor(self, who: SessionUser, user: LocalUser) -> Visitor:
        """A local user as a member of the account of the session; in a transaction."""
        account = self.local_account(who.account_id)
        self._store.join(user, account)
        return Visitor(user, account, who.account_id)

    def local_user(self, who: SessionUser) -> LocalUser:
        """The one local user of a Tuvens user."""
        return self._store.map_user(who)

    def local_account(self, external_account_id: int) -> LocalAccount:
        """The local account of a Tuvens account."""
        return self._store.map_account(external_account_id)
