"""A second instance of an application, started with other settings."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from harness.child_environment import child_environment
from harness.story import StoryStoppedError
from scenarios.cast.cast import Cast

_START_SECONDS = 30.0


@asynccontextmanager
async def second_instance(cast: Cast, app: str, settings: Mapping[str, str]) -> AsyncIterator[dict[str, Any]]:
    """Run the application's launch command with further environment variables inside the block; yields the description
    that it prints (one line of JSON, in the form of a deployment file).

    It is stopped by closing its standard input, and killed after 5 s. Raises StoryStoppedError if it does not start
    within 30 s.
    """
    command = cast.stage.target(app).launch
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=child_environment(settings),
        limit=4 * 1024 * 1024,
    )
    try:
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), _START_SECONDS)
            description = json.loads(line)
        except (TimeoutError, ValueError):
            raise StoryStoppedError(f"the second instance of {app} did not start and describe itself") from None
        yield description
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5.0)
        except TimeoutError:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
