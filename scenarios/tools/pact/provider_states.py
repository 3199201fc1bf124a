"""Bringing a deployment into the provider states of the pacts, one at a time."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from contracts.pacts.states import STATES, When
from contracts.status_changes import is_about
from harness.capabilities import remedy_for
from harness.expectations import LackingError
from harness.history import StreamEvent
from harness.story import StoryStoppedError
from harness.traffic_limits import TargetGoneError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import delivery_seconds
from scenarios.cast.sessions import SessionToken
from scenarios.cast.updates import Updates

_SECONDS_AFTER_EXPIRY = 3.0

Values = Mapping[str, object]
"""What the interactions' generators insert into requests, by name."""
Setup = Callable[["ProviderStates"], AbstractAsyncContextManager[Values]]
"""Brings a state about inside its block. Raises LackingError if the deployment lacks something, StoryStoppedError if it
does not get there."""


class ProviderStates:
    """The provider state of a deployment; the one before ends when the next begins.

    After a failure `lacking` (the deployment lacks something) or `unreached` (it did not get there) says why; `fault`
    is for faults of crossapp. `message_number` is the number of the stream event that the last message was. Steps are
    recorded below the cast's story and `place`.
    """

    def __init__(self, cast: Cast, setups: Mapping[str, Setup]) -> None:
        self.cast = cast
        self._setups = setups
        self._entered = AsyncExitStack()
        self._expired: SessionToken | None = None
        self._state = ""
        self.event = ""
        self.place = "state"
        self.lacking = ""
        self.unreached = ""
        self.fault = ""
        self.message_number: int | None = None

    @property
    def limited(self) -> bool:
        """Whether the current state has used up a rate limit: a 429 is then the expected answer."""
        return self._state in STATES and STATES[self._state].when is When.LIMITED

    async def begin(self, state: str) -> Values | None:
        """End the current state and bring another one about; returns its values, None if it cannot be reached."""
        await self.end()
        self.lacking = self.unreached = self.fault = ""
        self.message_number = None
        setup = self._setups.get(state)
        if setup is None:
            self.unreached = f"unknown provider state; the known ones are: {'; '.join(sorted(self._setups))}"
            return None
        lacking = [each for each in STATES[state].needs if not self.cast.can(each)]
        if lacking:
            self.lacking = remedy_for(lacking[0])
            return None
        try:
            values = await self._entered.enter_async_context(setup(self))
        except LackingError as error:
            self.lacking = str(error)
        except (StoryStoppedError, TargetGoneError) as error:
            self.unreached = str(error)
        else:
            self._state = state
            return values
        return None

    async def end(self) -> None:
        """End the current state, and restore what it changed."""
        self._state = self.event = ""
        entered, self._entered = self._entered, AsyncExitStack()
        try:
            await entered.aclose()
        except (StoryStoppedError, TargetGoneError):
            return  # the next state or story that needs it will find out

    async def message(self) -> str | None:
        """Set the event of the current state live; returns the data of the message that an open page receives, None if
        none came. Raises StoryStoppedError if the stream or the webhook fails."""
        if not self.event:
            raise StoryStoppedError("request the provider state of a message first")
        updates = Updates(self.cast, self.event)
        await updates.begins(f"{self.place}/event")
        async with self.cast.listens(f"{self.place}/stream") as listener:
            if not listener.opened:
                raise StoryStoppedError(f"the stream cannot be opened: {listener.events[-1].data}")
            reply = await updates.sends(f"{self.place}/delivery", "LIVE")
            reply.must("a correctly signed webhook is rejected")

            def is_message(each: StreamEvent) -> bool:
                # A page's onmessage gets unnamed events and those named `message`.
                return each.event in ("", "message") and is_about(each, self.event)

            found = await listener.wait_for(is_message, seconds=delivery_seconds(self.cast))
        self.message_number = reply.exchange.number if found is None else found.number
        return None if found is None else found.data

    async def expired_session(self) -> SessionToken:
        """An expired session, the same one every time; waits for its expiry, or moves the simulators' clocks. Raises
        StoryStoppedError."""
        if self._expired is None:
            stage = self.cast.stage
            session = await self.cast.fresh_session(f"{self.place}/generate session")
            if self.cast.can("control:tuvens-api"):
                await stage.clock.advance_to(session.end() + 1.0)
                stage.sessions.forget()
            else:
                await self.cast.waits_for_expiry(session, more=_SECONDS_AFTER_EXPIRY)
            self._expired = session
        return self._expired
