"""tuvens-client's server as a caller of tuvens-api."""

from collections.abc import Mapping
from typing import Any

from contracts.session_token.wire import generate_session
from contracts.tuvens_event.wire import get_event, update_event
from harness.http import Answer, WireError, read_json
from simulators.kit.caller import Caller, UpstreamUnavailable


class BackendGateway:
    """The configured tuvens-api; `timeout` (seconds of the clock) bounds a call."""

    def __init__(self, caller: Caller, *, timeout: float) -> None:
        self._caller = caller
        self._timeout = timeout

    async def generate_session(self, jwt: str | None, body: bytes) -> Answer:
        """Ask for a session with the bytes that the page sent. Raises UpstreamUnavailable without an answer."""
        call = generate_session(jwt, 0).with_body(body)
        outcome = await self._caller.send(call, within=self._timeout, by_clock=True, secrets=_secrets(jwt))
        return outcome.require()

    async def event(self, event_id: str) -> dict[str, Any] | None:
        """An event as tuvens-api shows it to everybody, None where there is none. Raises UpstreamUnavailable."""
        outcome = await self._caller.send(get_event(event_id), within=self._timeout, by_clock=True)
        answer = outcome.require()
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise UpstreamUnavailable("tuvens-api did not show the event")
        try:
            value = read_json(answer.body)
        except WireError as error:
            raise UpstreamUnavailable(f"tuvens-api shows an event that is none: {error}") from None
        if not isinstance(value, dict) or not isinstance(value.get("title"), str) or "id" not in value:
            raise UpstreamUnavailable("tuvens-api shows an event without id and title")
        return value

    async def link(self, jwt: str | None, event_id: str, hi_events_event_id: str) -> int | None:
        """Note on an event that it has ticketing, and where; the status of the answer, None without one."""
        changes: Mapping[str, object] = {"hasTicketing": True, "hiEventsEventId": hi_events_event_id}
        call = update_event(jwt, event_id, changes)
        outcome = await self._caller.send(call, within=self._timeout, by_clock=True, secrets=_secrets(jwt))
        return None if outcome.answer is None else outcome.answer.status


def _secrets(jwt: str | None) -> list[tuple[str, str]]:
    return [] if jwt is None else [("jwt", jwt)]
