"""Consumers rely on their pacts: each interaction is replayed by Pact's verifier, through the signing proxy.

The module stands behind the others in the alphabet, and so does the story that uses up limits: what it uses up, no
other story needs any more.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.rules import FAULTY, LACKING, MISMATCHED, UNREACHED, VERIFIED
from contracts.pacts.states import When
from harness.capabilities import remedy_for
from harness.story import Phase
from scenarios.cast import Cast
from scenarios.catalogue import story
from scenarios.loopback import App, listen, served
from scenarios.provider_states import MESSAGES_PATH, STATES_PATH, ProviderStates, with_states
from scenarios.proxy import Proxy

_SECONDS = 300.0


class _VerifierDiedError(Exception):
    """The verifier's process ended, or did not answer in time; the text says which."""


class _Verifier:
    """Pact's verifier as a child process, started when it is first needed and anew when it has died."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def verify(self, job: dict[str, str]) -> dict[str, Any]:
        """The verifier's answer to a job. Raises _VerifierDiedError."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "scenarios.pact_verifier",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                limit=4 * 1024 * 1024,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            async with asyncio.timeout(_SECONDS):
                line = await self._process.stdout.readline()
        except TimeoutError:
            await self.close()
            raise _VerifierDiedError(f"Pact's verifier did not answer within {_SECONDS:g} s") from None
        except OSError:
            line = b""
        if not line.endswith(b"\n"):
            code = await self._process.wait()
            self._process = None
            raise _VerifierDiedError(f"Pact's verifier ended with code {code} over this interaction")
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class _Replay:
    """Replays interactions one after the other; `ports` are the base URLs of the proxies by app."""

    def __init__(self, cast: Cast) -> None:
        self._cast = cast
        self._verifier = _Verifier()
        self._now: App | None = None
        self.states = ProviderStates(cast)
        self.urls: dict[str, str] = {}

    async def close(self) -> None:
        """End what was begun."""
        await self._verifier.close()
        await self.states.close()

    @property
    def app(self) -> App:
        """What answers the verifier: as the provider, and about its states."""
        return with_states(self.states, lambda: self._now or self.states)

    async def one(self, interaction: Interaction) -> None:
        """Replay one interaction and record what the verifier says of it."""
        step, place = self._cast.step(interaction.name), f"{interaction.name}/state"
        self.states.place = place
        self._now = Proxy(
            self._cast.stage,
            interaction.provider,
            story=f"{step}/request",
            caller=interaction.consumer,
            obey_limits=interaction.provider_state.when is not When.LIMITED,
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
        try:
            answer = await self._verifier.verify(job)
        except _VerifierDiedError as died:
            self._say(interaction, FAULTY, reason=str(died))
            return
        finally:
            await self.states.end()
        if self.states.fault:
            self._say(interaction, FAULTY, reason=self.states.fault)
        elif self.states.lacking:
            self._say(interaction, LACKING, reason=self.states.lacking)
        elif self.states.unreached:
            self._say(interaction, UNREACHED, reason=self.states.unreached)
        else:
            heard = [] if self.states.heard is None else [self.states.heard]
            outcome = VERIFIED if answer["ok"] else MISMATCHED
            self._say(interaction, outcome, evidence=heard, **answer)

    def _say(self, interaction: Interaction, outcome: str, **said: Any) -> None:
        self._cast.observe(interaction.name, {"outcome": outcome, **said})


@asynccontextmanager
async def _replaying(cast: Cast) -> AsyncIterator[_Replay]:
    async with AsyncExitStack() as stack:
        replay = _Replay(cast)
        stack.push_async_callback(replay.close)
        for app in cast.deployment.targets:
            listener = listen()
            stack.callback(listener.close)
            replay.urls[app] = await stack.enter_async_context(served(replay.app, listener, lambda: None))
        yield replay


def _chosen(cast: Cast, when: When) -> list[Interaction]:
    """The interactions whose states this deployment can be brought to in this story."""
    found = [each for each in interactions() if each.provider_state.when is when]
    return [each for each in found if each.provider in cast.deployment.targets and not _lacking(cast, each)]


def _lacking(cast: Cast, interaction: Interaction) -> str:
    return next((remedy_for(need) for need in interaction.provider_state.needs if not cast.can(need)), "")


async def _replay(cast: Cast, when: When) -> None:
    chosen = _chosen(cast, when)
    if not chosen:
        return
    async with _replaying(cast) as replay:
        if when is When.EXPIRED:
            await replay.states.expired_session()
        for each in chosen:
            await replay.one(each)


@story()
async def consumers_rely_on_their_pacts(cast: Cast) -> None:
    """Pact's verifier replays what tuvens-client and Hi.Events rely on."""
    await _replay(cast, When.CALM)


@story(phase=Phase.ALONE, needs=("control:tuvens-api",), operations=("generateSession",))
async def consumers_come_with_expired_sessions_by_the_clock(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on when a session has expired; the simulators' clocks are moved."""
    await _replay(cast, When.EXPIRED)


@story(needs=("expiry:tuvens-api",), operations=("generateSession",))
async def consumers_come_with_expired_sessions_after_waiting(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on when a session has expired; all wait for it."""
    if cast.can("control:tuvens-api"):
        return
    await _replay(cast, When.EXPIRED)


@story(phase=Phase.ALONE, needs=("control:tuvens-api",), operations=("generateSession",))
async def consumers_meet_trouble(cast: Cast) -> None:
    """Pact's verifier replays what Hi.Events relies on when tuvens-api fails."""
    await _replay(cast, When.TROUBLE)


@story(phase=Phase.LAST, needs=("exhaust",))
async def consumers_ask_too_often(cast: Cast) -> None:
    """Pact's verifier replays what consumers rely on past the rate limits."""
    await _replay(cast, When.LIMITED)
