"""A fault of mock authentication that was left on."""

from contracts.times import iso_millis
from harness.http import Answer, json_body
from simulators.kit.faults import Async, Change, Honest, swap
from simulators.tuvens_client.faults.registry import registry
from simulators.tuvens_client.simulator import TuvensClient


@registry.fault(kills=["mock_credentials.mock_users_are_refused"])
def mock_user_accepted(client: TuvensClient) -> Change:
    """The server route invents a session if the JWT begins with mock, without a request to tuvens-api."""

    async def ask(honest: Honest[[str | None, bytes], Async[Answer]], jwt: str | None, body: bytes) -> Answer:
        if not (jwt or "").startswith("mock"):
            return await honest(jwt, body)
        honest.count()
        session = {"session_token": "mock" * 11, "expires_at": iso_millis(client.clock.now() + 900)}
        return Answer(200, (("Content-Type", "application/json"),), json_body(session))

    return swap(client.wrapper.ask, ask)
