"""Whether our own side was awake: what did not arrive while it was not, may have come too late only for us."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from harness.history import LATE
from harness.history_writer import HistoryWriter

_EVERY = 0.1
_NOTED = 0.25


@asynccontextmanager
async def noting_lateness(writer: HistoryWriter) -> AsyncIterator[None]:
    """Record inside the block when our event loop was late by more than a quarter of a second, as an observation of the
    step LATE: `since` in Unix seconds, and `seconds`."""
    task = asyncio.create_task(_watch(writer))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(writer: HistoryWriter) -> None:
    loop = asyncio.get_running_loop()
    while True:
        since, begun = time.time(), loop.time()
        await asyncio.sleep(_EVERY)
        late = loop.time() - begun - _EVERY
        if late > _NOTED:
            writer.observe(LATE, {"since": since, "seconds": round(late, 3)})
