"""hi.events as a caller of tuvens-api: what it asks, and how it reads the answers."""

from collections.abc import Callable
from typing import TypeVar

from contracts.session_token import wire
from contracts.session_token.wire import Account, SessionUser
from harness.http import Answer, Call, WireError
from simulators.kit.caller import Caller, UpstreamUnavailable
from simulators.kit.strict_json import refuse_unstorable

T = TypeVar("T")

_LARGEST_ID = 2**63 - 1
_LONGEST_ID, _LONGEST_EMAIL = 255, 320


class TuvensRefused(Exception):  # noqa: N818  # an answer, not a failure
    """tuvens-api said no; `status` is what it answered: 400, 401, 403 or 404."""

    def __init__(self, status: int) -> None:
        super().__init__(f"tuvens-api answered {status}")
        self.status = status


class TuvensGateway:
    """The configured tuvens-api. `timeout` (seconds of the clock) bounds a whole call, not its parts.

    All questions raise TuvensRefused and UpstreamUnavailable.
    """

    def __init__(self, caller: Caller, secret: str, timeout: float) -> None:
        self.secret = secret
        self._caller = caller
        self._timeout = timeout

    async def session_user(self, token: str) -> SessionUser:
        """Whose session token it is."""
        who = _read(wire.read_session_user, await self._ask(self.validation(token), token))
        _check_user(who)
        return who

    def validation(self, token: str) -> Call:
        """The call that validates a session token."""
        return wire.validate_session(self.secret, token)

    async def accounts(self, token: str) -> tuple[Account, ...]:
        """The accounts of a session's user."""
        return _read(wire.read_accounts, await self._ask(wire.list_user_accounts(self.secret, token), token))

    async def permission(self, token: str, permission: str, resource_id: int | None) -> bool:
        """Whether a session's user has a permission."""
        call = wire.validate_permission(self.secret, token, permission, resource_id)
        return _read(wire.read_permission, await self._ask(call, token))

    async def _ask(self, call: Call, token: str) -> Answer:
        secrets = [("shared-secret", self.secret), ("session-token", token)]
        outcome = await self._caller.send(call, within=self._timeout, by_clock=True, secrets=secrets)
        answer = outcome.require()
        if answer.status in (400, 401, 403, 404):
            raise TuvensRefused(answer.status)
        return answer


def _read(read: Callable[[Answer], T], answer: Answer) -> T:
    try:
        return read(answer)
    except WireError as error:
        raise UpstreamUnavailable(f"tuvens-api answered {answer.status}: {error}") from None


def _check_user(who: SessionUser) -> None:
    """Raise UpstreamUnavailable for a user whom no table could hold."""
    try:
        for text in (who.user_id, who.email, who.name):
            refuse_unstorable(text)
    except ValueError as error:
        raise UpstreamUnavailable(f"tuvens-api answered nonsense: {error}") from None
    if len(who.user_id) > _LONGEST_ID or len(who.email) > _LONGEST_EMAIL:
        raise UpstreamUnavailable("tuvens-api answered nonsense: an id or an address is too long")
    if not 0 < who.account_id <= _LARGEST_ID:
        raise UpstreamUnavailable("tuvens-api answered nonsense: account_id is not an account's number")
