"""An organiser enables ticketing in the browser: to the end, slowly, with an expired session, and with errors."""

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from contracts.browser.observations import SHOWS
from contracts.client_session.wire import CALLBACK
from contracts.hi_events_session import wire
from contracts.times import iso_millis
from harness.deployment import Linked
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import read_until_status
from scenarios.cast.event_fixtures import OPERATIONS, given_event_without_ticketing, hi_events_page, restore_draft
from scenarios.cast.page_params import page_params
from scenarios.cast.persona import HI_EVENTS, HOSTILE, NEEDS, PLANTED, Persona, browses, looks_at
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

if TYPE_CHECKING:
    from playwright.async_api import Route

    from harness.tab import Tab

ERRORS = {"failing": 500, "signed out": 401, "forbidden": 403, "limited": 429, "nonsense": 200, "unreachable": 0}
_LOADING = 5.0
_PAUSE = 0.1


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    also={Effect.FORGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "events"),
    operations=(*OPERATIONS, "wrapGenerateSession"),
)
async def pages_enable_ticketing(cast: Cast) -> None:
    """An organiser enables ticketing for an event: first with a session that has expired on the way, then slowly and
    to the end, and makes the event live at hi.events while a second tab has the event's page open."""
    async with given_event_without_ticketing(cast) as event:
        if event is None:
            return
        async with browses(cast, "organiser", cast.organiser) as organiser:
            waiting, tab = await organiser.tab(), await organiser.tab()
            await waiting.opens(organiser.event_page(event))
            await organiser.opens(tab, organiser.event_page(event), lambda: tab.sees("enable"))
            await organiser.notes("before", tab)
            if cast.can(Effect.FORGE):
                await _expired(cast, organiser, tab)
            await organiser.opens(tab, organiser.event_page(event), lambda: tab.sees("enable"))
            await _slowly(cast, organiser, tab)
            after = await _noted(cast, event)
            made = after.must_have("hi_events_event_id", "the event has no ticketing after the callback page")
            cast.owns(Linked(made, event))
            await _made_live(cast, organiser, waiting, Linked(made, event))


async def _noted(cast: Cast, event: str) -> Reply:
    """Read the event until it has ticketing, for some seconds: the callback page may show its success earlier."""
    deadline = time.monotonic() + _LOADING
    while True:
        reply = await cast.reads_event("event after", event)
        if reply.json_object().get("hi_events_event_id") or time.monotonic() > deadline:
            return reply
        await asyncio.sleep(_PAUSE)


async def _expired(cast: Cast, organiser: Persona, tab: "Tab") -> None:
    """The browser arrives at hi.events with a session that nobody minted: tuvens-api treats it like an expired one."""
    dead = cast.unknown_token("page")
    body = {"session_token": dead, "expires_at": iso_millis(cast.now() + cast.stage.sessions.lifetime)}

    async def answer(route: "Route") -> None:
        await route.fulfill(status=200, json=body)

    await cast.turn_to_open_page()
    before = len(organiser.browsing.loads)
    async with tab.answering(organiser.generates, answer) as asked:
        clicked = await tab.clicks("enable", until=asked.__len__)
        arrived = clicked and await tab.comes_to(CALLBACK)
    await tab.sees("callback_error", _LOADING)
    await organiser.notes("expired", tab, clicked=clicked, arrived=arrived, way=tab.way(before), asked=len(asked))


async def _slowly(cast: Cast, organiser: Persona, tab: "Tab") -> None:
    """tuvens-client's server is slow, and the organiser clicks again meanwhile."""
    go_on = asyncio.Event()

    async def answer(route: "Route") -> None:
        await go_on.wait()
        await route.fallback()

    await organiser.takes_turn(cast.organiser)
    before = len(organiser.browsing.loads)
    async with tab.answering(organiser.generates, answer) as asked:
        clicked = await tab.clicks("enable", until=asked.__len__)
        await tab.sees("loading", _LOADING)
        again = await tab.clicks("enable", anyhow=True)
        await organiser.notes("loading", tab, clicked=clicked, clicked_again=again, asked=len(asked))
        go_on.set()
        begun = time.monotonic()
        arrived = clicked and await tab.comes_to(CALLBACK)
        took = time.monotonic() - begun
    await tab.sees("callback_success", _LOADING)
    await organiser.notes("callback", tab, arrived=arrived, way=tab.way(before), asked=len(asked), took=round(took, 3))


async def _made_live(cast: Cast, organiser: Persona, waiting: "Tab", event: Linked) -> None:
    """Open hi.events' page with a session, and make the event live: with the page's button if there is one, else with
    the request that it would send."""
    bearer = await cast.bearer()
    await cast.asks_hi_events("event made", wire.read_event(bearer, event.hi))
    tab = await organiser.tab(HI_EVENTS)
    await cast.turn_to_open_page()
    session = await cast.fresh_session("generate session")
    params = page_params(cast, session.token, event.tuvens, title="", creates=False)
    params["return_url"] = organiser.origin + CALLBACK
    await tab.opens(organiser.hi_events_page(params))
    await tab.sees("signed_in")
    await cast.stage.states.note_at_hi_events(event.hi)
    clicked = await tab.clicks("make_live")
    if clicked:
        cast.stage.events.changed(event.hi, "LIVE")
    else:
        reply = await cast.sets_status("change/LIVE", bearer, event.hi, "LIVE")
        reply.must("the event cannot be set to LIVE")
    followed = await read_until_status(cast, "event/LIVE", event.tuvens, "LIVE")
    await organiser.notes("made live", tab, clicked=clicked, followed=followed)
    await looks_at(waiting, SHOWS["active"])
    await organiser.notes("waiting", waiting, hi_events=await hi_events_page(cast, event, "LIVE"))
    await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "events"),
    operations=("getEvent",),
)
async def pages_show_errors(cast: Cast) -> None:
    """An organiser wants to enable ticketing while tuvens-client's server answers with errors, with nonsense and not at
    all, and tries again."""
    async with given_event_without_ticketing(cast) as event:
        if event is None:
            return
        async with browses(cast, "organiser", cast.organiser) as organiser:
            tab = await organiser.tab()
            for name, status in ERRORS.items():
                await tab.opens(organiser.event_page(event))
                async with tab.answering(organiser.generates, _answer(status)) as asked:
                    clicked = await tab.clicks("enable", until=asked.__len__)
                    await tab.sees("problem", _LOADING)
                    planted = await tab.counts(PLANTED)
                    await organiser.notes(f"error/{name}", tab, clicked=clicked, asked=len(asked), planted=planted)
                    if name == "failing":
                        retried = await tab.clicks("retry")
                        for _ in range(20):
                            if len(asked) > 1 or not retried:
                                break
                            await tab.page.wait_for_timeout(50)
                        await organiser.notes("retry", tab, clicked=retried, asked=len(asked))


def _answer(status: int) -> Any:
    error = {"statusCode": status, "timestamp": "2025-07-25T14:30:00.000Z", "path": "/", "message": HOSTILE}

    async def answer(route: "Route") -> None:
        if status == 0:
            await route.abort("connectionrefused")
        elif status == 200:
            await route.fulfill(status=200, content_type="text/html", body="<title>proxy</title>")
        else:
            await route.fulfill(status=status, content_type="application/json", body=json.dumps(error))

    return answer
