"""Sessions of a run: minted at tuvens-api, signed in at hi.events, shared by the stories."""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from contracts.hi_events_session import wire as hi_wire
from contracts.lifetimes import handed_out
from contracts.session_token import wire as session_wire
from contracts.times import parse_iso
from harness.deployment import User
from harness.history import SHARED
from harness.http import WireError
from harness.story import StoryStoppedError
from scenarios.cast.clock import RunClock
from scenarios.cast.rate_limits import RateLimitTurns
from scenarios.cast.sending import Reply, Sender

_DEFAULT_LIFETIME = 900
_MARGIN = 60.0
_TRIES = 3


def _until(begun: float, lasts: float) -> float:
    return begun + lasts - min(_MARGIN, lasts / 2)


@dataclass(slots=True)
class SessionToken:
    """A session minted at tuvens-api. `token` is the real one: for requests, never for the record.

    `expires_at` is as announced, `minted_at` in Unix seconds, `exchange` the number of the exchange that minted it, and
    `lasts` for how many seconds it is surely good from then on.
    """

    token: str = field(repr=False)
    user: User
    expires_at: str
    minted_at: float
    exchange: int
    lasts: float = _DEFAULT_LIFETIME

    @property
    def until(self) -> float:
        """When to use another one, so that requests that wait for their turn come in time; in Unix seconds."""
        return _until(self.minted_at, self.lasts)

    def end(self) -> float:
        """The announced expiry in Unix seconds. Raises StoryStoppedError if it is not a time."""
        try:
            return parse_iso(self.expires_at)
        except ValueError:
            raise StoryStoppedError(
                f"generate-session (exchange {self.exchange}) announces an expires_at that is not a time: "
                f"{self.expires_at[:60]!r}"
            ) from None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session at hi.events: its bearer token and the Tuvens session behind it.

    `until` and `tuvens_until` are when either may be about to expire, in Unix seconds.
    """

    bearer: str = field(repr=False)
    session: SessionToken
    until: float
    tuvens_until: float


class SessionPool:
    """Mints sessions, and keeps one of each kind and user for all stories.

    A shared session token is only asked about. Who signs in with a token, or opens hi.events' page with it, mints one
    that nobody used for that: the contract leaves open whether a token may start more than one session of hi.events.

    `minted` lists every session of the run, `signed_in_users` holds who signed in at hi.events, by `user_key`. All
    methods that send raise StoryStoppedError.
    """

    def __init__(self, sender: Sender, rate_limits: RateLimitTurns, clock: RunClock) -> None:
        self.minted: list[SessionToken] = []
        self.signed_in_users: set[str] = set()
        self._sender = sender
        self._rate_limits = rate_limits
        self._clock = clock
        self._shared: dict[str, SessionToken] = {}
        self._refused: dict[str, str] = {}
        self._signed_in: dict[str, SignedIn] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @property
    def lifetime(self) -> int:
        """Seconds until a session of tuvens-api expires."""
        return self._sender.target("tuvens-api").session_expiry or _DEFAULT_LIFETIME

    def expect_promised(self, session: SessionToken) -> None:
        """Raises StoryStoppedError if a session was announced to last longer than the deployment says."""
        if session.lasts > self.lifetime + max(3.0, self.lifetime * 0.05):
            raise StoryStoppedError(
                f"the expiry is not waited for: generate-session (exchange {session.exchange}) announces "
                f"{session.lasts:.0f} s, the deployment file says session_expiry {self.lifetime}"
            )

    async def shared(self, user: User) -> SessionToken:
        """A live session of a user, the same one for all stories; not to sign in with."""
        async with self._locks[user.jwt]:
            known = self._shared.get(user.jwt)
            if known is None or self._clock.now() > known.until:
                known = self._shared[user.jwt] = await self.mint(user, f"{SHARED}/generate session")
            return known

    def shares(self, token: str) -> bool:
        """Whether a token is one that `shared` gave last to its user."""
        return any(each.token == token for each in self._shared.values())

    async def turn_to_sign_in(self, user: User, count: int = 1) -> None:
        """Wait until a session of the user and `count` sign-ins with it are within the rate limits."""
        sign_ins = [("validateCrossAppSession", "address")] * count
        await self._rate_limits.take_together(("generateSession", user_key(user)), *sign_ins)

    def free_turns(self, user: User) -> float:
        """How many sessions of the user may be minted now without a wait."""
        return self._rate_limits.pacer.free("generateSession", user_key(user))

    async def mint(
        self, user: User, step: str, account_id: int | None = None, *, turn_taken: bool = False
    ) -> SessionToken:
        """A new session of a user, for the user's own account unless another one is given; `turn_taken`: after
        `turn_to_sign_in`.

        After a refusal of a user's own account the request is not sent again: each try would wait for a turn.
        """
        if account_id is None and user.jwt in self._refused:
            raise StoryStoppedError(self._refused[user.jwt])
        call = session_wire.generate_session(user.jwt, account_id or user.account_id)
        key = None if turn_taken else user_key(user)
        reply = await self._sender.send(step, "tuvens-client", call, key=key)
        try:
            session = session_wire.read_session(reply.must(f"no session could be minted for the {user.role}"))
        except (StoryStoppedError, WireError) as error:
            reason = f"generate-session (exchange {reply.exchange.number}): {error}"
            if account_id is None and reply.answer is not None and reply.status != 429:
                self._refused[user.jwt] = reason
            raise StoryStoppedError(reason) from None
        announced = handed_out(reply.exchange)
        lasts = announced[1].lasts if announced is not None else None
        minted = SessionToken(
            session.session_token,
            user,
            session.expires_at,
            self._clock.now(),
            reply.exchange.number,
            max(self.lifetime if lasts is None else lasts - reply.exchange.seconds, 0.0),
        )
        self.minted.append(minted)
        return minted

    async def signed_in(self, user: User, *, tuvens_alive: bool = False) -> SignedIn:
        """A live session of a user at hi.events, the same one for all stories.

        With `tuvens_alive` the Tuvens session behind it is alive, too: hi.events needs it to ask about accounts and
        permissions.
        """
        async with self._locks[f"sign in {user.jwt}"]:
            known = self._signed_in.get(user.jwt)
            if known is None or self._clock.now() > (known.tuvens_until if tuvens_alive else known.until):
                known = self._signed_in[user.jwt] = await self._sign_in(user)
            return known

    async def _sign_in(self, user: User) -> SignedIn:
        turn = partial(self.turn_to_sign_in, user)

        async def attempt() -> list[Reply]:
            tokens.append(await self.mint(user, f"{SHARED}/generate session", turn_taken=True))
            call = hi_wire.sign_in(tokens[-1].token)
            return [await self._sender.send(f"{SHARED}/sign in", "browser", call, key=None)]

        tokens: list[SessionToken] = []
        self.signed_in_users.add(user_key(user))
        # The turn first: a short-lived token must not expire while its turn is waited for.
        await turn()
        [reply] = await self.while_alive(attempt, turn=turn)
        found = read_sign_in(reply, user.role)
        begun = self._clock.now() - reply.exchange.seconds
        return SignedIn(found.bearer, tokens[-1], _until(begun, found.seconds), tokens[-1].until)

    async def while_alive(
        self, attempt: Callable[[], Awaitable[Sequence[Reply]]], *, turn: Callable[[], Awaitable[None]] | None = None
    ) -> Sequence[Reply]:
        """The replies of an attempt, which gets its tokens anew and uses them. It is made again, three times in all,
        while a token may have expired before a request of it arrived, or a connection broke, so that a token may have
        been used; what is given up is judged by no rule. `turn` is taken before each further try. Raises what these two
        raise."""
        for number in range(1, _TRIES + 1):
            replies = await attempt()
            if number == _TRIES or not any(map(self._sender.came_to_nothing, replies)):
                break
            for each in replies:
                self._sender.give_up(each)
            self.forget()
            if turn is not None:
                await turn()
        return replies

    def note_sign_in(self, token: object) -> None:
        """Note that the user of a token signs in at hi.events."""
        self.signed_in_users |= {user_key(each.user) for each in self.minted if each.token == token}

    def forget(self) -> None:
        """Drop the shared sessions: they have expired, or a clock was moved past their expiry."""
        self._shared.clear()
        self._signed_in.clear()

    def facts_about(self, token: object) -> dict[str, Any]:
        """The fact `subject` of an exchange about a token: its user's email; no fact if either is unknown."""
        found = next((each.user.email for each in self.minted if each.token == token), "")
        return {"subject": found} if found else {}


def read_sign_in(reply: Reply, role: str = "organiser") -> hi_wire.HiEventsSession:
    """The session that hi.events hands out. Raises StoryStoppedError if it does not."""
    answer = reply.must(f"the {role} cannot sign in at hi.events")
    try:
        return hi_wire.read_sign_in(answer)
    except WireError as error:
        raise StoryStoppedError(f"hi.events' sign-in (exchange {reply.exchange.number}): {error}") from None


def user_key(user: User) -> str:
    """What a rate limit by user counts by."""
    return user.user_id or hashlib.sha256(user.jwt.encode()).hexdigest()
