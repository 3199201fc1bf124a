"""Webhooks are delivered twice, and out of order."""

from harness.effects import Effect
from scenarios.cast.cast import Cast
from scenarios.cast.updates import event_with_status
from scenarios.catalogue import story


@story(does={Effect.READ, Effect.CHANGE}, needs=("events",), operations=("receiveEventStatusChanged", "getEvent"))
async def updates_are_repeated(cast: Cast) -> None:
    """An event goes live and is cancelled; the first update comes again, at once and afterwards."""
    async with event_with_status(cast, "DRAFT") as (updates, _):
        live = updates.body("LIVE")
        await cast.delivers("live", live)
        state = await updates.reads_until_reported("live/event", "LIVE")
        await cast.delivers("live again", live)
        await updates.reads_unchanged("live again/event", state)
        await updates.sends("cancelled", "CANCELLED")
        state = await updates.reads_until_reported("cancelled/event", "CANCELLED")
        await cast.delivers("live once more", live)
        await updates.reads_unchanged("live once more/event", state)


@story(does={Effect.READ, Effect.CHANGE}, needs=("events",), operations=("receiveEventStatusChanged", "getEvent"))
async def updates_overtake_each_other(cast: Cast) -> None:
    """An event goes live; then come updates that were sent before, ten seconds and one second; then a new one."""
    async with event_with_status(cast, "DRAFT") as (updates, _):
        newest = updates.next_time()
        await updates.sends("live", "LIVE", sent_at=newest)
        state = await updates.reads_until_reported("live/event", "LIVE")
        await updates.sends("ten seconds older", "CANCELLED", sent_at=newest - 10)
        await updates.reads_unchanged("ten seconds older/event", state)
        await updates.sends("a second older", "CANCELLED", sent_at=newest - 1)
        await updates.reads_unchanged("a second older/event", state)
        await updates.sends("newer", "CANCELLED")
        await updates.reads_until_reported("newer/event", "CANCELLED")
