"""Interactions of the pacts are replayed by Pact's verifier, through the signing proxy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from contracts.pacts.interactions import Interaction
from contracts.pacts.rules import FAULTY, LACKING, MISMATCHED, UNREACHED, UNREADABLE, VERIFIED
from contracts.pacts.states import When
from harness.server import listen
from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.tools.loopback import App, served
from scenarios.tools.pact.provider_states import ProviderStates
from scenarios.tools.pact.setups import SETUPS
from scenarios.tools.pact.state_server import MESSAGES_PATH, STATES_PATH, with_states
from scenarios.tools.pact.verifier_process import UnreadableAnswerError, VerifierFailedError, VerifierProcess
from scenarios.tools.proxy import Proxy

_MOST_UNREADABLE = 3


class Replay:
    """Replays interactions one after the other; `urls` are the base URLs of the signing proxies by application."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._verifier = VerifierProcess()
        self._unreadable = 0
        self._unreached: dict[str, str] = {}
        self._answered = asyncio.Event()
        self._proxy: App | None = None
        self.states = ProviderStates(cast, SETUPS)
        self.urls: dict[str, str] = {}

    async def close(self) -> None:
        """End the verifier and the provider state."""
        await self._verifier.end()
        await self.states.end()

    @property
    def app(self) -> App:
        """The ASGI application that answers the verifier: as the provider, and about its states."""
        return with_states(self.states, self._provider)

    async def _provider(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._proxy is not None
        try:
            await self._proxy(scope, receive, send)
        finally:
            self._answered.set()

    async def one(self, interaction: Interaction) -> None:
        """Replay one interaction and record the verifier's result.

        A state that could not be reached is not tried again: each try might wait for a rate limit. Raises
        StoryStoppedError after three answers that the verifier could not read.
        """
        if interaction.state in self._unreached:
            self._record(interaction, UNREACHED, reason=self._unreached[interaction.state])
            return
        step = self._cast.step(interaction.name)
        obeys = interaction.provider_state.when is not When.LIMITED
        self.states.place = f"{interaction.name}/state"
        self._proxy = Proxy(
            self._cast.stage,
            interaction.provider,
            story=f"{step}/request",
            caller=interaction.consumer,
            obey_limits=lambda: obeys,
        )
        url = self.urls[interaction.provider]
        job = {
            "file": str(interaction.file),
            "provider": interaction.provider,
            "description": interaction.description,
            "url": url,
            "states": url + STATES_PATH,
            "messages": url + MESSAGES_PATH,
        }
        self._answered.clear()
        try:
            answer = await self._verifier.verify(job, self._answered)
        except VerifierFailedError as failed:
            self._record(interaction, FAULTY, reason=str(failed))
            return
        except UnreadableAnswerError as unreadable:
            self._record(interaction, UNREADABLE, reason=str(unreadable))
            self._unreadable += 1
            if self._unreadable >= _MOST_UNREADABLE:
                raise StoryStoppedError(f"{unreadable}, and {self._unreadable - 1} other responses likewise") from None
            return
        finally:
            await self.states.end()
        if self.states.fault:
            self._record(interaction, FAULTY, reason=self.states.fault)
        elif self.states.lacking:
            self._record(interaction, LACKING, reason=self.states.lacking)
        elif self.states.unreached:
            self._unreached[interaction.state] = self.states.unreached
            self._record(interaction, UNREACHED, reason=self.states.unreached)
        else:
            heard = [] if self.states.message_number is None else [self.states.message_number]
            outcome = VERIFIED if answer["ok"] else MISMATCHED
            self._record(interaction, outcome, evidence=heard, **answer)

    def _record(self, interaction: Interaction, outcome: str, **values: Any) -> None:
        self._cast.observe(interaction.name, {"outcome": outcome, **values})


@asynccontextmanager
async def replaying(cast: Cast) -> AsyncIterator[Replay]:
    """A replay whose proxies are served inside the block."""
    async with AsyncExitStack() as stack:
        replay = Replay(cast)
        stack.push_async_callback(replay.close)
        for app in cast.deployment.targets:
            listener = listen()
            stack.callback(listener.close)
            replay.urls[app] = await stack.enter_async_context(served(replay.app, listener, lambda: None))
        yield replay
