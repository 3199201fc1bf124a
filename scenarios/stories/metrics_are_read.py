"""tuvens-api's own counts and times, as its metrics tell them."""

import asyncio

from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.metrics import read_metrics
from scenarios.catalogue import story

READS = 2
_COUNTED_SECONDS = 0.5
"""A request may be counted a moment after its response."""


@story(
    does={Effect.READ},
    also={Effect.MINT},
    phase=Phase.FIRST,
    needs=("metrics:tuvens-api", "extra:metrics"),
    operations=("getEvent",),
)
async def metrics_are_read(cast: Cast) -> None:
    """Someone with access reads the metrics, before and after an event is read and a session is generated."""
    before = await read_metrics(cast, "before")
    sent = {"": int((await cast.reads_event("event", cast.some_event)).answer is not None)}
    if cast.can(Effect.MINT):
        reply = await cast.generates_session("generate session", cast.organiser)
        sent["generateSession"] = int(reply.answer is not None)
    await asyncio.sleep(_COUNTED_SECONDS)
    after = await read_metrics(cast, "after")
    total = {"before": before["total"], "after": after["total"]}
    cast.observe("counts", {**after, "total": total, "earlier": before["statuses"], "sent": sent})
