"""tuvens-client's server as a caller of tuvens-api."""

from collections.abc import Mapping
from typing import Any

from contracts.session_token.wire import generate_session
from contracts.tuvens_event.wire import get_event, update_event
from harness.http import Answer, WireError, read_json
from simulators.kit.caller import Caller
from simulators.kit.clock import Clock
from simulators.kit.journal import Journal


class Unavailable(Exception):  # noqa: N818  # an outcome of the call, not a failure of ours
    """tuvens-api failed, gave no answer, or none that makes sense; the text holds no secret."""


class Tuvens:
    """The configured tuvens-api; `timeout` (seconds of the clock) bounds a call."""

    def __init__(self, base_url: str, *, timeout: float, clock: Clock, journal: Journal) -> None:
        self._caller = Caller("tuvens-api", base_url, clock=clock, journal=journal)
        self._timeout = timeout

    async def generate_session(self, jwt: str | None, body: bytes) -> Answer:
        """Ask for a session with the bytes that the page sent. Raises Unavailable without an answer."""
        call = generate_session(jwt, 0).with_body(body)
        outcome = await self._caller.send(call, within=self._timeout, by_clock=True, secrets=_secrets(jwt))
        if outcome.answer is None:
            raise Unavailable(f"tuvens-api: {outcome.error}")
        return outcome.answer

    async def event(self, event_id: str) -> dict[str, Any] | None:
        """An event as tuvens-api shows it to everybody, None where there is none. Raises Unavailable."""
        outcome = await self._caller.send(get_event(event_id), within=self._timeout, by_clock=True)
        if outcome.answer is not None and outcome.answer.status == 404:
            return None
        if outcome.answer is None or outcome.answer.status != 200:
            raise Unavailable("tuvens-api did not show the event")
        try:
            value = read_json(outcome.answer.body)
        except WireError as error:
            raise Unavailable(f"tuvens-api shows an event that is none: {error}") from None
        if not isinstance(value, dict) or not isinstance(value.get("title"), str) or "id" not in value:
            raise Unavailable("tuvens-api shows an event without id and title")
        return value

    async def link(self, jwt: str | None, event_id: str, hi_events_event_id: str) -> int | None:
        """Note on an event that it has ticketing, and where; the status of the answer, None without one."""
        changes: Mapping[str, object] = {"hasTicketing": True, "hiEventsEventId": hi_events_event_id}
        call = update_event(jwt, event_id, changes)
        outcome = await self._caller.send(call, within=self._timeout, by_clock=True, secrets=_secrets(jwt))
        return None if outcome.answer is None else outcome.answer.status

    async def close(self) -> None:
        """Close the connections."""
        await self._caller.close()


def _secrets(jwt: str | None) -> list[tuple[str, str]]:
    return [] if jwt is None else [("jwt", jwt)]
