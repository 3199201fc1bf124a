"""A visitor's pages while an event changes: in wide and narrow windows, scrolled far down, and offline."""

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import openapi
from contracts.browser.observations import SHOWS
from contracts.status_changes import is_about, state_of
from harness.deployment import Linked
from harness.effects import Effect
from harness.relay import Relay
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.event_fixtures import (
    OPERATIONS,
    given_draft_with_ticketing,
    given_event_without_ticketing,
    given_live_event,
    hi_events_page,
    restore_draft,
    set_one_of,
    set_status,
)
from scenarios.cast.persona import NEEDS, Persona, browses, looks_at
from scenarios.cast.updates import Updates, event_in
from scenarios.catalogue import story

if TYPE_CHECKING:
    from playwright.async_api import Route

    from harness.tab import Tab

CHANGES = {"active": ("LIVE",), "inactive": ("ENDED", "CANCELLED"), "setup": ("DRAFT",)}
"""By state of the widget, the statuses of hi.events that result in it, of which a deployment may not know all."""
STREAM = openapi.find("streamEventUpdates").path
_ASKS = 3.0
"""Seconds within which a page asks for its stream."""
_TOLD = 5.0
"""Seconds within which an open stream has the message about an update."""
_STAYS_MS = 700
"""Milliseconds for which a page is watched that must not change."""
WIDE, NARROW = (1280, 800), (360, 740)


@story(does={Effect.READ, Effect.CHANGE}, phase=Phase.IN_BROWSER, needs=(*NEEDS, "events"), operations=("getEvent",))
async def pages_show_no_ticketing(cast: Cast) -> None:
    """A visitor opens the page of an event without ticketing."""
    async with given_event_without_ticketing(cast) as event:
        if event is None:
            return
        async with browses(cast, "visitor") as visitor:
            tab = await visitor.tab()
            await visitor.opens(tab, visitor.event_page(event), lambda: looks_at(tab, SHOWS["none"]))
            await visitor.notes("none", tab)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=(*OPERATIONS, "receiveEventStatusChanged"),
)
async def pages_show_the_states(cast: Cast) -> None:
    """A visitor keeps the page of an event open while its organiser makes it live, ends it and drafts it again; in a
    second tab the page is opened anew each time. While it is live, another event changes."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft_with_ticketing(cast, bearer, event)
        async with browses(cast, "visitor") as visitor:
            open_tab, fresh = await visitor.tab(), await visitor.tab()
            await open_tab.opens(visitor.event_page(event.tuvens))
            listened = await visitor.listens()
            for state, statuses in CHANGES.items():
                status = await set_one_of(cast, bearer, event, statuses)
                if status is None:
                    cast.observe(f"unknown/{state}", {"statuses": statuses})
                    continue
                url = await hi_events_page(cast, event, status)
                await visitor.opens(fresh, visitor.event_page(event.tuvens), partial(looks_at, fresh, SHOWS[state]))
                await _settles(visitor, f"{url}/embed")
                embeds = _embeds(visitor, f"{url}/embed")
                await visitor.notes(f"fresh/{state}", fresh, hi_events=url, embeds=embeds)
                await looks_at(open_tab, SHOWS[state])
                await visitor.notes(f"open/{state}", open_tab, listened=listened)
                if not (await open_tab.shows())["shown"]:
                    # An error page does not listen: the next change needs a page that does.
                    open_tab = await visitor.tab()
                    await open_tab.opens(visitor.event_page(event.tuvens))
                    await open_tab.page.wait_for_timeout(_STAYS_MS)
                listened = await visitor.listens(0)
                if state == "active":
                    await _another_changes(cast, visitor, open_tab, event, listened=listened)
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=OPERATIONS,
)
async def pages_fit_the_window(cast: Cast) -> None:
    """A visitor opens the page of an event on sale in a wide and in a narrow window, then one on which the tickets are
    far below what can be seen, and scrolls down to them."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        url = await given_live_event(cast, bearer, event)
        async with browses(cast, "visitor") as visitor:
            for name, size in (("wide", WIDE), ("narrow", NARROW)):
                tab = await visitor.tab(size=size)
                await visitor.opens(tab, visitor.event_page(event.tuvens), partial(looks_at, tab, SHOWS["active"]))
                await visitor.notes(name, tab)
                await tab.page.close()
            tab = await visitor.tab(size=WIDE, far_down=True)
            before = len(visitor.browsing.loads)
            await tab.opens(visitor.event_page(event.tuvens))
            await tab.sees(SHOWS["active"])
            # That nothing is loaded shows only after some time.
            await tab.page.wait_for_timeout(_STAYS_MS)
            early = _embeds(visitor, f"{url}/embed", since=before)
            shows = await tab.shows()
            await tab.scrolls_to("tickets")
            await _settles(visitor, f"{url}/embed", since=before)
            late = _embeds(visitor, f"{url}/embed", since=before)
            await visitor.notes("far", tab, early=early, late=late, before=shows)
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=OPERATIONS,
)
async def pages_lose_the_network(cast: Cast) -> None:
    """A visitor's page loses the network while the event goes live, and gets it back; then the event is a draft
    again."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft_with_ticketing(cast, bearer, event)
        relay = Relay()
        async with browses(cast, "visitor", relay=relay) as visitor:
            tab = await visitor.tab()
            await visitor.opens(tab, visitor.event_page(event.tuvens), lambda: tab.sees("title"))
            listened = await visitor.listens()
            await visitor.notes("before", tab, listened=listened)
            # Many pages read their event again once their stream is open; a cut through that request would make
            # another page of them.
            await visitor.browsing.rests()
            await visitor.browsing.context.set_offline(True)
            relay.cut()
            await set_status(cast, bearer, event, "LIVE")
            await visitor.notes("cut", tab)
            relay.mend()
            await visitor.browsing.context.set_offline(False)
            await looks_at(tab, SHOWS["active"], _reconnects(cast))
            await visitor.notes("after", tab)
            await set_status(cast, bearer, event, "DRAFT", read_as="event again")
            await looks_at(tab, SHOWS["setup"], _reconnects(cast))
            await visitor.notes("later", tab)
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=OPERATIONS,
)
async def pages_listen_late(cast: Cast) -> None:
    """A visitor opens the page of an event, whose stream of updates takes its time: the event goes live before it is
    open."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft_with_ticketing(cast, bearer, event)
        async with browses(cast, "visitor") as visitor:
            tab = await visitor.tab()
            asked, open_now = asyncio.Event(), asyncio.Event()

            async def late(route: "Route") -> None:
                asked.set()
                await open_now.wait()
                await route.fallback()

            async with tab.answering(f"**{STREAM}*", late) as held:
                await tab.opens(visitor.event_page(event.tuvens))
                await tab.sees("title")
                with suppress(TimeoutError):
                    await asyncio.wait_for(asked.wait(), _ASKS)
                try:
                    await set_status(cast, bearer, event, "LIVE")
                    await visitor.notes("before", tab)
                finally:
                    open_now.set()
                await looks_at(tab, SHOWS["active"])
                await visitor.notes("after", tab, held=len(held))
        await restore_draft(cast, bearer, event)


async def _another_changes(cast: Cast, visitor: Persona, tab: "Tab", shown: Linked, *, listened: bool) -> None:
    """Change another event than the one that an open page shows, and record the page after the message about it."""
    # Where all events are linked, two stories that hold one and wait for another would wait for each other.
    if shown.tuvens in cast.stage.events.candidates:
        cast.observe("other", {"tuvens": None})
        return
    async with cast.event() as other, cast.listens("other/stream") as stream:
        updates = Updates(cast, other)
        before = state_of(await updates.begins("other/before"))
        mark = cast.stage.recorder.next_number()
        await updates.sends("other/update", "CANCELLED" if before.ticketing == "setup" else "DRAFT")
        told = await stream.wait_for(lambda each: each.number >= mark and is_about(each, other), seconds=_TOLD)
        await tab.page.wait_for_timeout(_STAYS_MS)
        own = state_of(event_in(await cast.reads_event("other/own", shown.tuvens))).ticketing
        cast.observe("other", {"tuvens": other})
        await visitor.notes("other/page", tab, told=told is not None, own=own, listened=listened)


def _reconnects(cast: Cast) -> float:
    """Seconds within which a browser, which waits some seconds between two tries, and the page are connected again."""
    return max(cast.stage.recorder.limits.seconds, 15.0)


def _embeds(visitor: Persona, url: str, since: int = 0) -> list[int]:
    """The statuses of the requests for the tickets; 0 without an answer so far."""
    return [each["status"] or 0 for each in visitor.browsing.loads[since:] if each["url"].partition("?")[0] == url]


async def _settles(visitor: Persona, url: str, since: int = 0) -> None:
    """Wait up to two seconds until the tickets are requested and answered."""
    page = visitor.browsing.context.pages[-1]
    for _ in range(40):
        asked = _embeds(visitor, url, since)
        if asked and all(asked):
            return
        await page.wait_for_timeout(50)
