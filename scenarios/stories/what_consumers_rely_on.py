"""Consumers rely on their pacts: each interaction is replayed by Pact's verifier, through the signing proxy.

The module stands behind the others in the alphabet, and so does the story that uses up limits: what it uses up, no
other story needs any more.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache
from typing import Any

from contracts.catalogue import catalogue
from contracts.pacts.interactions import Interaction, interactions
from contracts.pacts.rules import FAULTY, LACKING, MISMATCHED, UNREACHED, UNREADABLE, VERIFIED
from contracts.pacts.states import When
from harness.judge import judge_one
from harness.story import Phase, StoryStoppedError
from harness.verdict import Held
from scenarios.cast.cast import Cast
from scenarios.catalogue import story
from scenarios.tools.loopback import App, listen, served
from scenarios.tools.provider_states import MESSAGES_PATH, STATES_PATH, ProviderStates, with_states
from scenarios.tools.proxy import Proxy

_SECONDS = 300.0
_SECONDS_TO_READ = 15.0
_MOST_UNREADABLE = 3


class _UnreadableError(Exception):
    """An answer over which the verifier's process died, or with which it did not come to an end."""


class _VerifierFailedError(Exception):
    """The verifier's process failed by itself; the text says how."""


class _Verifier:
    """Pact's verifier as a child process, started when it is first needed and anew when it has ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        # A file, for a pipe that nobody reads would stop a child that has much to say.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the verifier

    async def verify(self, job: dict[str, str], answered: asyncio.Event) -> dict[str, Any]:
        """The verifier's answer to a job; `answered` is set when it has got the provider's answer.

        Raises _UnreadableError and _VerifierFailedError.
        """
        process = self._process or await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            line = await self._line(process.stdout, answered)
        except TimeoutError:
            await self.close()
            if answered.is_set():
                took = f"did not come to an end within {_SECONDS_TO_READ:g} s with"
                raise _UnreadableError(f"Pact's verifier {took} this answer") from None
            raise _VerifierFailedError(f"Pact's verifier did nothing for {_SECONDS:g} s") from None
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = await process.wait()
        self._process = None
        if code < 0:
            raise _UnreadableError(f"Pact's verifier died over this answer (signal {-code})")
        raise _VerifierFailedError(f"Pact's verifier ended with code {code}: {self._last_words()}")

    async def _line(self, output: asyncio.StreamReader, answered: asyncio.Event) -> bytes:
        """The next line. Raises TimeoutError."""
        reading = asyncio.create_task(output.readline())
        waiting = asyncio.create_task(answered.wait())
        try:
            await asyncio.wait({reading, waiting}, timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not reading.done() and not waiting.done():
                raise TimeoutError
            return await asyncio.wait_for(reading, _SECONDS_TO_READ)
        finally:
            reading.cancel()
            waiting.cancel()
            await asyncio.gather(reading, waiting, return_exceptions=True)

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "scenarios.tools.pact_verifier",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            limit=4 * 1024 * 1024,
        )
        return self._process

    def _last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()
        return said.rpartition("\n")[2][:300] or "it said nothing"

    async def end(self) -> None:
        """End the process, for good."""
        await self.close()
        self._errors.close()

    async def close(self) -> None:
        """End the process; it is started anew when it is needed."""
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
        self._unreadable = 0
        self._unreached: dict[str, str] = {}
        self._answered = asyncio.Event()
        self._now: App | None = None
        self.states = ProviderStates(cast)
        self.urls: dict[str, str] = {}

    async def close(self) -> None:
        """End what was begun."""
        await self._verifier.end()
        await self.states.close()

    @property
    def app(self) -> App:
        """What answers the verifier: as the provider, and about its states."""
        return with_states(self.states, lambda: self._provider)

    async def _provider(self, scope: Any, receive: Any, send: Any) -> None:
        assert self._now is not None
        try:
            await self._now(scope, receive, send)
        finally:
            self._answered.set()

    async def one(self, interaction: Interaction) -> None:
        """Replay one interaction and record what the verifier says of it.

        A state that could not be reached is not tried again: each try might wait for its turn.
        """
        if interaction.state in self._unreached:
            self._say(interaction, UNREACHED, reason=self._unreached[interaction.state])
            return
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
        self._answered.clear()
        try:
            answer = await self._verifier.verify(job, self._answered)
        except _VerifierFailedError as failed:
            self._say(interaction, FAULTY, reason=str(failed))
            return
        except _UnreadableError as unreadable:
            self._say(interaction, UNREADABLE, reason=str(unreadable))
            self._unreadable += 1
            if self._unreadable >= _MOST_UNREADABLE:
                raise StoryStoppedError(f"{unreadable}, and {self._unreadable - 1} others were like it") from None
            return
        finally:
            await self.states.end()
        if self.states.fault:
            self._say(interaction, FAULTY, reason=self.states.fault)
        elif self.states.lacking:
            self._say(interaction, LACKING, reason=self.states.lacking)
        elif self.states.unreached:
            self._unreached[interaction.state] = self.states.unreached
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
    able = [each for each in found if all(map(cast.can, catalogue()[f"pact.{each.name}"].needs))]
    return [each for each in able if all(map(_served(cast), _routes_of(f"pact.{each.name}")))]


def _routes_of(requirement: str) -> set[str]:
    """The routes among the premises of a requirement, and among theirs."""
    premises = catalogue()[requirement].depends_on
    below = (_routes_of(each) for each in premises)
    return {each for each in premises if each.startswith("routes.")}.union(*below)


def _served(cast: Cast) -> Callable[[str], bool]:
    """Whether the probes found a route; what is asked of one that is not there would only be waited for."""
    history = cast.stage.recorder.history
    return cache(lambda route: isinstance(judge_one(catalogue()[route], history), Held))


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
