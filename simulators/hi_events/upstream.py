"""hi.events as a caller of tuvens-api: what it asks, and how it takes what comes back."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from contracts.session_token import wire
from contracts.session_token.wire import Account, SessionUser
from harness.http import Answer, Call, WireError
from simulators.kit.caller import Caller, CallOutcome
from simulators.kit.clock import Clock
from simulators.kit.faults import FaultRuntime
from simulators.kit.journal import Journal
from simulators.kit.strict_json import refuse_unstorable

T = TypeVar("T")

_LARGEST_ID = 2**63 - 1
_LONGEST_ID, _LONGEST_EMAIL = 255, 320


class Refused(Exception):  # noqa: N818  # an answer, not a failure
    """tuvens-api said no; `status` is what it answered: 400, 401, 403 or 404."""

    def __init__(self, status: int) -> None:
        super().__init__(f"tuvens-api answered {status}")
        self.status = status


class Unavailable(Exception):  # noqa: N818  # an outcome of the call, not a failure of ours
    """tuvens-api gave no answer, too late a one, or none that can be understood; the text holds no secret. `silent`:
    none in time."""

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class Tuvens:
    """The configured tuvens-api at `base_url`. `timeout` (seconds of the clock) bounds a whole call, not its parts."""

    def __init__(
        self, base_url: str, *, secret: str, timeout: float, clock: Clock, journal: Journal, faults: FaultRuntime
    ) -> None:
        self._secret = secret
        self._timeout = timeout
        self._faults = faults
        self._caller = Caller("tuvens-api", base_url, clock=clock, journal=journal)

    async def session_user(self, token: str) -> SessionUser:
        """Whom a session token stands for. Raises Refused and Unavailable."""
        secret = "" if self._faults.on("validation-sent-without-the-secret") else self._secret
        answer = await self._ask(wire.validate_session(secret, token), token)
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
    ) -> CallOutcome:
        """Make a call, as Caller does; the shared secret is kept out of the journal."""
        return await self._caller.send(
            call,
            within=within,
            by_clock=by_clock,
            secrets=[("shared-secret", self._secret), *secrets],
            facts=facts,
            faults=faults,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()

    async def _ask(self, call: Call, token: str) -> Answer:
        outcome = await self.send(call, within=self._timeout, by_clock=True, secrets=[("session-token", token)])
        if outcome.answer is None:
            raise Unavailable(f"tuvens-api: {outcome.error}", silent=(outcome.error or "").startswith("no answer"))
        if outcome.answer.status in (400, 401, 403, 404):
            raise Refused(outcome.answer.status)
        return outcome.answer


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
