"""Cross-app sessions: minting and validating them."""

import hashlib
import math
import secrets

from contracts.times import iso_millis
from simulators.kit.clock import Clock
from simulators.kit.errors import Refusal
from simulators.kit.journal import Journal
from simulators.kit.messages import Request, Response, json_response
from simulators.tuvens_api.store import StoredSession, TuvensApiStore


class Sessions:
    """Sessions by their tokens, of which only a hash is stored. `lifetime` in seconds."""

    def __init__(self, store: TuvensApiStore, clock: Clock, journal: Journal, lifetime: float) -> None:
        self._store = store
        self._clock = clock
        self._journal = journal
        self._lifetime = lifetime

    # -- the operations

    def generate(self, request: Request) -> Response:
        """Mint a token for the user and one of the user's accounts."""
        assert request.user_id is not None
        user, account = int(request.user_id), self.account_asked(request)
        if not self.may_have(user, account):
            raise Refusal(403, "FORBIDDEN", "the user is not a member of the account")
        request.account_id = account
        token, expires = self.mint(user, account, self._clock.now())
        request.secrets.append(("session-token", token))
        self._journal.remember("session-token", token)
        return json_response({"session_token": token, "expires_at": iso_millis(expires), "account_id": account})

    def validate(self, request: Request) -> Response:
        """Whose session it is; moves its last-used time."""
        session = self.required(request, request.field("session_token"))
        self.touch(session, self._clock.now())
        return self.describe(session)

    # -- their parts

    def account_asked(self, request: Request) -> int:
        """The account that a session is asked for."""
        return int(request.field("account_id"))

    def may_have(self, user: int, account: int) -> bool:
        """Whether the user is a member of the account."""
        return self._store.permissions(user, account) is not None

    def mint(self, user: int, account: int, now: float) -> tuple[str, float]:
        """A new token that is stored, and when it expires."""
        # Whole milliseconds: what is announced is exactly what is enforced.
        expires = math.floor((now + self.lifetime()) * 1000) / 1000
        token = self.new_token(user)
        self.store(token, user, account, now, expires)
        return token, expires

    def lifetime(self) -> float:
        """Seconds from the generation of a session to its expiry."""
        return self._lifetime

    def new_token(self, user: int) -> str:
        """A random token of 43 characters."""
        return secrets.token_urlsafe(32)

    def store(self, token: str, user: int, account: int, now: float, expires: float) -> None:
        """Store a session under its token's hash."""
        self._store.add_session(digest(token), user, account, now, expires)

    def required(self, request: Request, token: str) -> StoredSession:
        """The session of a request's token. Raises Refusal (404), the same one for unknown and expired."""
        session = self.find(token, self._clock.now())
        if session is None:
            raise self.unknown()
        request.user_id = str(session.user_id)
        request.account_id = session.account_id
        return session

    def find(self, token: str, now: float) -> StoredSession | None:
        """The session of a token, None where there is none in force."""
        session = self._store.session(digest(token))
        return session if session is not None and self.is_in_force(session, now) else None

    def is_in_force(self, session: StoredSession, now: float) -> bool:
        """Whether a session has not expired."""
        return now < session.expires_at

    def unknown(self) -> Refusal:
        """The refusal of an unknown or expired session."""
        return Refusal(404, "SESSION_NOT_FOUND", "the session is unknown or has expired")

    def touch(self, session: StoredSession, now: float) -> None:
        """Move the last-used time of a session."""
        self._store.touch_session(session.id, now)

    def describe(self, session: StoredSession) -> Response:
        """The user of a session; the email serves for a name where there is none."""
        return json_response(
            {
                "user_id": str(session.user_id),
                "email": session.email,
                "name": session.name or session.email,
                "account_id": session.account_id,
            }
        )

    def clean_up(self, now: float) -> None:
        """Remove the sessions that expired before `now`."""
        self._store.remove_expired(now)


def digest(token: str) -> str:
    """The SHA-256 under which a token is stored, in hex."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
