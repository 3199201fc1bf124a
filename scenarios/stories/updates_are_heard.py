"""Open pages receive messages about updates."""

import asyncio
import time

from contracts.event_stream.rules import LISTENERS
from contracts.status_changes import is_about
from contracts.webhook.wire import sign
from harness.effects import Effect
from harness.history import StreamEvent
from harness.listener import Listener
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.updates import State, Updates, event_with_status, unknown_id
from scenarios.catalogue import story

OPERATIONS = ("receiveEventStatusChanged", "getEvent", "streamEventUpdates")
_SECONDS = 5.0
_IMPATIENT = 0.3
SILENCE = 32.0
"""Seconds of silence within which a heartbeat comes."""
_LONGEST = 120.0
_OTHER_KEY = "a-key-that-nobody-has-configured"


class _Pages:
    """Pages that hold streams open, all about one event."""

    def __init__(self, updates: Updates) -> None:
        self.open: list[Listener] = []
        self._updates = updates
        self._seconds = _SECONDS

    async def hear(self, step: str, status: str, before: State) -> State:
        """Send an update; as soon as every page got a message about it, and whether or not the update has a response by
        then, read the event, as a page does, until it changes."""
        mark = self._updates.cast.stage.recorder.next_number()
        sending = asyncio.create_task(self._updates.sends(f"{step}/update", status))
        try:
            for each in self.open:
                await self._wait(each, mark, sending)
            return await self._updates.reads_until_changed(f"{step}/event", before)
        finally:
            await sending

    async def _wait(self, page: Listener, mark: int, sending: asyncio.Task[Reply]) -> None:
        """Wait for a message; after one time-out only briefly: a silent server must not hold up the run."""

        def is_told(each: StreamEvent) -> bool:
            return each.number >= mark and is_about(each, self._updates.event_id)

        told = await page.wait_for(is_told, seconds=self._seconds)
        if told is None and not sending.done():
            await sending
            told = await page.wait_for(is_told, seconds=self._seconds)
        if told is None:
            self._seconds = _IMPATIENT


@story(does={Effect.READ, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE}, needs=("events",), operations=OPERATIONS)
async def updates_are_heard(cast: Cast) -> None:
    """Two pages are open while an event changes three times; strangers and broken updates follow, which no page may
    hear of; then one page loses the network, misses a change, and comes back."""
    async with event_with_status(cast, "DRAFT") as (updates, state):
        pages = _Pages(updates)
        async with cast.listens(LISTENERS[0]) as staying:
            async with cast.listens(LISTENERS[1]) as leaving:
                pages.open = [staying, leaving]
                for step, status in (("first", "LIVE"), ("second", "CANCELLED"), ("third", "LIVE")):
                    state = await pages.hear(step, status, state)
                await _is_refused(cast, updates)
                state = await pages.hear("after refusals", "CANCELLED", state)
            last = next((each.id for each in reversed(leaving.events) if each.id), None)
            pages.open = [staying]
            mark = cast.stage.recorder.next_number()
            await pages.hear("missed", "LIVE", state)
            missed = [each for each in staying.events if each.number >= mark and is_about(each, updates.event_id)]
            if last is None:
                raise StoryStoppedError("no message of the stream has an id, so a page that comes back can name none")
            if not missed:
                raise StoryStoppedError("the page that stayed heard nothing of the change that the other one missed")
            async with cast.listens("back", last) as back:
                await back.wait_for(lambda each: each.data == missed[0].data and each.kind == "event", seconds=_SECONDS)


async def _is_refused(cast: Cast, updates: Updates) -> None:
    """Send deliveries that must cause no message, all of DRAFT, a status that no other delivery of the story has."""
    forged = updates.body("DRAFT")
    await cast.delivers("refused/forged", forged, signature=sign(_OTHER_KEY, forged))
    halved = updates.body("DRAFT").replace(b'"title"', b'"headline"')
    await cast.delivers("refused/without title", halved)
    stranger = Updates(cast, unknown_id(updates.event_id, cast.stage.random))
    cast.observe("unknown event", {"event": stranger.event_id})
    await stranger.sends("refused/unknown event", "DRAFT")


@story(does={Effect.READ}, phase=Phase.ALONE, needs=("control:tuvens-api",), operations=("streamEventUpdates",))
async def a_page_is_left_open_by_the_clock(cast: Cast) -> None:
    """A page is open for half a minute in which nothing happens; the simulators' clocks are moved."""
    async with cast.listens("page") as page:
        # A comment when the stream opens is not a heartbeat: it comes at once or not at all.
        await page.wait_for(lambda each: each.kind == "comment", seconds=0.3)
        mark = cast.stage.recorder.next_number()
        await cast.stage.clock.advance(SILENCE)
        cast.observe("advanced", {"seconds": SILENCE})
        await page.wait_for(lambda each: each.kind == "comment" and each.number >= mark, seconds=2.0)
        cast.observe("waited", {"from": mark})


@story(
    does={Effect.READ},
    phase=Phase.WAITING,
    operations=("streamEventUpdates",),
    unless="control:tuvens-api",
    waits_for=("heartbeat",),
)
async def a_page_is_left_open(cast: Cast) -> None:
    """A page is open until it hears a heartbeat, or until nothing has come for half a minute."""
    async with cast.listens("page") as page:
        if page.opened:
            start = now = page.events[0].at

            def beats(each: StreamEvent) -> bool:
                return each.kind == "comment" and each.at > start + 1

            with cast.waiting(SILENCE, "a heartbeat"):
                # Messages about the events of other stories come instead of a heartbeat.
                while (quiet := page.events[-1].at + SILENCE) > now and now < start + _LONGEST:
                    if await page.wait_for(beats, seconds=quiet - now) is not None:
                        break
                    now = time.time()
            cast.observe("waited", {"seconds": time.time() - start})
