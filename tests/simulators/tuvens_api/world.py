"""A simulated tuvens-api with a clock that stands still, and the calls that tests make of it."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx

from contracts.session_token import wire as session_token
from contracts.tuvens_event.wire import get_event, update_event
from contracts.webhook.wire import event_status_changed, sign, status_changed_body
from harness.http import Answer, Call
from simulators.kit.clock import Clock
from simulators.tuvens_api.app import TuvensApi, TuvensApiConfig, create
from simulators.tuvens_api.jwts import mint_jwt

START = 1_753_453_800.0
TOKEN = "control-token-of-the-tests-0123456789"
LIMITED = ("generateSession", "validateSession", "listUserAccounts", "validatePermission", "receiveEventStatusChanged")
UNLIMITED: Mapping[str, int | None] = dict.fromkeys(LIMITED)


class World:
    """Synchronous on the outside; the simulator runs on an event loop of its own."""

    def __init__(self, config: TuvensApiConfig) -> None:
        self.runner = asyncio.Runner()
        self.api: TuvensApi = create(config, clock=Clock(START, running=False, patience=0.1))
        self.secret = config.shared_secret
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.api.app), base_url="http://tuvens.test", trust_env=False
        )
        self.runner.run(self.api.start())

    def close(self) -> None:
        self.runner.run(self.client.aclose())
        self.runner.run(self.api.stop())
        self.runner.close()

    def fresh(self) -> None:
        """As it was at the start, without limits."""
        self.api.faults.disarm_all()
        self.api.limits.configure(UNLIMITED)
        self.api.clock.set(START)
        self.api.reset()
        self.api.journal.breaches = 0
        self.api.services.failures = 0

    def send(self, call: Call, *more: tuple[str, str]) -> Answer:
        """Send a call; `more` headers are added, not replaced."""
        return self.runner.run(self._send(call, more))

    def send_all(self, calls: list[Call]) -> list[Answer]:
        """Send calls at once."""

        async def all_of_them() -> list[Answer]:
            return await asyncio.gather(*(self._send(call, ()) for call in calls))

        return self.runner.run(all_of_them())

    def request(self, method: str, target: str, *headers: tuple[str, str], body: bytes | None = None) -> Answer:
        return self.send(Call("", method, target, headers, body))

    def control(self, method: str, target: str, value: object = None) -> Any:
        """A call of the control plane; its JSON."""
        answer = self.request(
            method,
            f"/__crossapp__{target}",
            ("Authorization", f"Bearer {TOKEN}"),
            *((("Content-Type", "application/json"),) if value is not None else ()),
            body=None if value is None else json.dumps(value).encode(),
        )
        assert answer.status == 200, answer.body
        return answer.json()

    def advance(self, seconds: float) -> int:
        return self.runner.run(self.api.clock.advance(seconds))

    def jwt(self, email: str = "organiser@example.com", lifetime: float = 86_400) -> str:
        return mint_jwt(self.api.config.jwt_secret, self.api.seed.user(email), self.api.clock.now(), lifetime)

    def mint(self, email: str = "organiser@example.com", account: int = 123) -> str:
        """A session token."""
        answer = self.send(session_token.generate_session(self.jwt(email), account))
        assert answer.status == 200, answer.body
        return session_token.read_session(answer).session_token

    def validate(self, token: object, secret: str | None = None) -> Answer:
        return self.send(session_token.validate_session(self.secret if secret is None else secret, token))

    def accounts(self, token: str | None) -> Answer:
        return self.send(session_token.list_user_accounts(self.secret, token))

    def permission(self, token: object, permission: object, resource: object = None) -> Answer:
        return self.send(session_token.validate_permission(self.secret, token, permission, resource))

    def deliver(
        self, status: object = "LIVE", *, event: object = "11", at: str = "2025-07-25T14:30:00.000Z", number: object = 2
    ) -> Answer:
        """A webhook as hi.events sends it."""
        return self.send_signed(
            status_changed_body(event_id=number, title="Evening", status=status, tuvens_event_id=event, sent_at=at)
        )

    def send_signed(self, body: bytes) -> Answer:
        return self.send(event_status_changed(body, sign(self.secret, body)))

    def event(self, number: str = "11") -> dict[str, Any]:
        answer = self.send(get_event(number))
        assert answer.status == 200, answer.body
        value = answer.json()
        assert isinstance(value, dict)
        return value

    def change(
        self, changes: Mapping[str, object], *, event: str = "11", email: str = "organiser@example.com"
    ) -> Answer:
        return self.send(update_event(self.jwt(email), event, changes))

    async def _send(self, call: Call, more: tuple[tuple[str, str], ...]) -> Answer:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in (*call.headers, *more)]
        response = await self.client.request(
            call.method, call.target, headers=headers, content=call.body, follow_redirects=False
        )
        return Answer(response.status_code, tuple(response.headers.multi_items()), response.content)


def error_code(answer: Answer) -> str:
    """origin.code of an error; checks the whole shape on the way."""
    value = answer.json()
    assert isinstance(value, dict)
    assert value["statusCode"] == answer.status
    assert set(value) == {"statusCode", "timestamp", "path", "message", "origin"}
    assert "?" not in value["path"]
    code = value["origin"]["code"]
    assert isinstance(code, str)
    return code
