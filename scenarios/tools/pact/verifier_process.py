"""Pact's verifier as a child process, which may die or hang without harm to the run."""

import asyncio
import json
import sys
import tempfile
from contextlib import suppress
from typing import Any

from harness.child_environment import child_environment

_SECONDS = 300.0
_SECONDS_TO_READ = 15.0


class UnreadableAnswerError(Exception):
    """The verifier's process died over an answer, or did not finish with it."""


class VerifierFailedError(Exception):
    """The verifier's process failed without an answer to blame; the text says how."""


class VerifierProcess:
    """Pact's verifier as a child process, started when needed and restarted after it ended."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        # A file: a child that writes much to a pipe that nobody reads would block.
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the verifier

    async def verify(self, job: dict[str, str], answered: asyncio.Event) -> dict[str, Any]:
        """Run a job (see verifier.py) and return its result; `answered` is set once the verifier got the provider's
        answer.

        Raises UnreadableAnswerError and VerifierFailedError.
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
                took = f"did not finish within {_SECONDS_TO_READ:g} s with"
                raise UnreadableAnswerError(f"Pact's verifier {took} this response") from None
            raise VerifierFailedError(f"Pact's verifier did not respond for {_SECONDS:g} s") from None
        except OSError:
            line = b""
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = await process.wait()
        self._process = None
        if code < 0:
            raise UnreadableAnswerError(f"Pact's verifier crashed on this response (signal {-code})")
        raise VerifierFailedError(f"Pact's verifier ended with code {code}: {self._last_words()}")

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
            f"{__package__}.verifier",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=self._errors,
            env=child_environment(),
            limit=4 * 1024 * 1024,
        )
        return self._process

    def _last_words(self) -> str:
        self._errors.seek(0)
        said = self._errors.read().decode("utf-8", "replace").strip()
        return said.rpartition("\n")[2][:300] or "no output"

    async def end(self) -> None:
        """Kill the process, for good."""
        await self.close()
        self._errors.close()

    async def close(self) -> None:
        """Kill the process; the next job starts it again."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
