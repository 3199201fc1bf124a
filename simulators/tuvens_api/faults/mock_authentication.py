"""Faults of mock authentication that was left on."""

from simulators.kit.faults import Change, Honest, swap
from simulators.tuvens_api.faults.registry import registry
from simulators.tuvens_api.simulator import TuvensApi
from simulators.tuvens_api.store import StoredSession

_SECRETS = (b"test-secret", b"dev-secret")


@registry.fault(kills=["mock_credentials.mock_jwts_are_refused"])
def mock_jwts_accepted(api: TuvensApi) -> Change:
    """The guard's test mock is on: a JWT that begins with mock is accepted as the first user's."""
    user = str(api.seed.users[0].sub)
    return swap(
        api.jwts.subject,
        lambda honest, token, now: user if token.startswith("mock") else honest(token, now),
    )


@registry.fault(kills=["mock_credentials.mock_session_tokens_are_refused"])
def mock_session_tokens_accepted(api: TuvensApi) -> Change:
    """A session token that begins with mock_ is accepted as a live session of the first user, for tests of
    hi.events."""

    def find(honest: Honest[[str, float], StoredSession | None], token: str, now: float) -> StoredSession | None:
        if not token.startswith("mock_"):
            return honest(token, now)
        honest.count()
        first = api.seed.users[0]
        return StoredSession(0, int(first.sub), next(iter(first.memberships)), now + 900, first.email, first.name)

    return swap(api.sessions.find, find)


@registry.fault(kills=["mock_credentials.mock_secrets_are_refused"])
def mock_secret_accepted(api: TuvensApi) -> Change:
    """The tests' shared secret is accepted as well as the configured one."""
    return swap(api.shared_secret.matches, lambda honest, given: honest(given) or given in _SECRETS)
