"""Authentication: the bearer tokens of hi.events' sessions."""

import re

from simulators.hi_events.store import HiEventsStore, LocalSession
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.messages import Request

_BEARER = re.compile(r"bearer +([^\s]+)", re.IGNORECASE)


class BearerGuard:
    """Admits requests with the bearer token of a session that has not expired; `request.session` is that session."""

    def __init__(self, store: HiEventsStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def check(self, request: Request) -> None:
        """Raise Refusal (401) for a missing, unknown or expired token, or more than one."""
        given = request.header_values(b"authorization")
        match = _BEARER.fullmatch(given[0].decode("latin-1")) if len(given) == 1 else None
        session = None if match is None else self.find(match[1], self._clock.now())
        if session is None:
            raise unauthenticated()
        request.session = session
        request.user_id = session.user.external_user_id
        request.account_id = session.account.external_account_id

    def find(self, token: str, now: float) -> LocalSession | None:
        """The session of a token, None where there is none in force."""
        return self._store.session(token, now)


def unauthenticated() -> Refusal:
    """The one refusal of a missing, unknown or expired session."""
    return Refusal(401, "UNAUTHORIZED", "Unauthenticated.", headers=[(b"www-authenticate", b"Bearer")])
