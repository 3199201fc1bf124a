"""Faults of mock authentication that was left on."""

from contracts.session_token.wire import SessionUser
from simulators.hi_events.faults.registry import registry
from simulators.hi_events.faults.sessions import newest_session
from simulators.hi_events.simulator import HiEvents
from simulators.kit.faults import Async, Change, Honest, swap

_TESTER = SessionUser("tester", "tester@tickets.invalid", "Tester", 1)


@registry.fault(kills=["mock_credentials.mock_sign_ins_are_refused"])
def mock_sign_in_accepted(hi: HiEvents) -> Change:
    """A session token that begins with mock signs in a tester, without a request to tuvens-api."""

    async def identify(honest: Honest[[str], Async[SessionUser]], token: str) -> SessionUser:
        if not token.startswith("mock"):
            return await honest(token)
        honest.count()
        return _TESTER

    return swap(hi.sign_in.identify, identify)


@registry.fault(kills=["mock_credentials.mock_bearers_are_refused"])
def mock_bearer_accepted(hi: HiEvents) -> Change:
    """The bearer token test-token is accepted for the newest session, as in the front end's tests."""
    return swap(
        hi.bearer.find,
        lambda honest, token, now: newest_session(hi) if token == "test-token" else honest(token, now),
    )
