"""hi.events as a caller of tuvens-api: bounded in time and size, every exchange journaled."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import httpx

import openapi
from contracts.session_token import wire
from contracts.session_token.wire import Account, SessionUser
from harness.http import Answer, Call, WireError
from simulators.kit.binding import refuse_unstorable
from simulators.kit.clock import Clock
from simulators.kit.journal import Journal

T = TypeVar("T")

AGENT = "hi.events"
CALLEE = "tuvens-api"
MAX_ANSWER = 1024 * 1024
_LARGEST_ID = 2**63 - 1
_LONGEST_ID, _LONGEST_EMAIL = 255, 320


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """tuvens-api said no; `status` is what it answered: 400, 401, 403 or 404."""

    def __init__(self, status: int) -> None:
        super().__init__(f"tuvens-api answered {status}")
        self.status = status


class Unavailable(Exception):  # noqa: N818  # an outcome of the call, not a failure of ours
    """tuvens-api gave no answer, too late a one, or none that can be understood; the text holds no secret."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call: an answer, or an error in words. `seconds` is real time."""

    answer: Answer | None
    error: str | None
    seconds: float


class Tuvens:
    """The configured tuvens-api at `base_url`. `timeout` (seconds of the clock) bounds a whole call, not its parts."""

    def __init__(self, base_url: str, *, secret: str, timeout: float, clock: Clock, journal: Journal) -> None:
        self._base = base_url.rstrip("/")
        self._secret = secret
        self._timeout = timeout
        self._clock = clock
        self._journal = journal
        self._client: httpx.AsyncClient | None = None

    async def session_user(self, token: str) -> SessionUser:
        """Whom a session token stands for. Raises Refused and Unavailable."""
        answer = await self._ask(wire.validate_session(self._secret, token), token)
        who = _understood(wire.read_session_user, answer)
        _check_user(who)
        return who

    async def accounts(self, token: str) -> tuple[Account, ...]:
        """The accounts of a session's user. Raises Refused and Unavailable."""
        answer = await self._ask(wire.list_user_accounts(self._secret, token), token)
        return _understood(wire.read_accounts, answer)

    async def permission(self, token: str, permission: str, resource_id: int | None) -> bool:
        """Whether a session's user has a permission. Raises Refused and Unavailable."""
        call = wire.validate_permission(self._secret, token, permission, resource_id)
        return _understood(wire.read_permission, await self._ask(call, token))

    async def send(
        self,
        call: Call,
        *,
        within: float,
        by_clock: bool = False,
        secrets: Sequence[tuple[str, str]] = (),
        facts: Mapping[str, object] | None = None,
        faults: Sequence[str] = (),
    ) -> Outcome:
        """Make a call and journal it; never raises for what the other side does or fails to do.

        `within` is seconds for the whole exchange: real ones, or with `by_clock` the simulator's. A delivery is a job
        of the clock, and an `advance` has to wait for it: its time-out is in real seconds.
        """
        started, begun = self._clock.now(), time.perf_counter()
        answer: Answer | None = None
        error: str | None = None
        try:
            exchange = self._exchange(call)
            answer = await (self._clock.within(within, exchange) if by_clock else asyncio.wait_for(exchange, within))
        except TimeoutError:
            error = f"no answer within {within:g} s"
        except _TooLarge:
            error = f"the answer is above {MAX_ANSWER} bytes"
        except httpx.ConnectError:
            error = "no connection was made"
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failure:
            error = f"the exchange broke off ({type(failure).__name__})"
        seconds = time.perf_counter() - begun
        self._journal.outgoing(
            CALLEE,
            call,
            answer,
            started=started,
            seconds=seconds,
            error=error,
            secrets=[("shared-secret", self._secret), *secrets],
            facts=facts,
            problems=_problems(call, answer),
            faults=faults,
        )
        return Outcome(answer, error, seconds)

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _ask(self, call: Call, token: str) -> Answer:
        outcome = await self.send(call, within=self._timeout, by_clock=True, secrets=[("session-token", token)])
        if outcome.answer is None:
            raise Unavailable(f"tuvens-api: {outcome.error}")
        if outcome.answer.status in (400, 401, 403, 404):
            raise Refused(outcome.answer.status)
        return outcome.answer

    async def _exchange(self, call: Call) -> Answer:
        client = self._client or self._open()
        request = client.build_request(
            call.method, self._base + call.target, headers=list(call.headers), content=call.body
        )
        response = await client.send(request, stream=True)
        # One user's cookie must not travel with another's call.
        client.cookies.clear()
        try:
            body = b""
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise _TooLarge
        finally:
            await response.aclose()
        return Answer(response.status_code, tuple(response.headers.multi_items()), body)

    def _open(self) -> httpx.AsyncClient:
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=None,  # the whole exchange is bounded instead, in `send`
            # Certificates are read only where they are needed: that takes longer than the rest of the start.
            verify=self._base.startswith("https:"),
            headers={"User-Agent": AGENT},
            # Shorter than the five seconds after which servers commonly close: else a call may meet the close.
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=50, keepalive_expiry=2.0),
        )
        return self._client


class _TooLarge(Exception):  # noqa: N818  # caught within this module
    """The answer goes on past the bound."""


def _understood(read: Callable[[Answer], T], answer: Answer) -> T:
    try:
        return read(answer)
    except WireError as error:
        raise Unavailable(f"tuvens-api answered {answer.status}: {error}") from None


def _check_user(who: SessionUser) -> None:
    """Refuse what no honest tuvens-api says and no table of ours could hold."""
    try:
        for text in (who.user_id, who.email, who.name):
            refuse_unstorable(text)
    except ValueError as error:
        raise Unavailable(f"tuvens-api answered nonsense: {error}") from None
    if len(who.user_id) > _LONGEST_ID or len(who.email) > _LONGEST_EMAIL:
        raise Unavailable("tuvens-api answered nonsense: an id or an address is too long")
    if not 0 < who.account_id <= _LARGEST_ID:
        raise Unavailable("tuvens-api answered nonsense: account_id is no account's number")


def _problems(call: Call, answer: Answer | None) -> list[str]:
    if answer is None:
        return []
    found = openapi.find(call.operation).response_problems(
        status=answer.status, headers=answer.headers, body=answer.body
    )
    return [f"{pointer}: {message}" for pointer, message in found]
