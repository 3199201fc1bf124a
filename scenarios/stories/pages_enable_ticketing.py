"""An organiser enables ticketing in the browser: the whole way, slowly, with an expired session, and with errors."""

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any

from contracts.browser.seen import SHOWS
from contracts.client_session.wire import CALLBACK
from contracts.hi_events_session import wire
from contracts.times import iso_millis
from harness.deployment import Linked
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import hears
from scenarios.cast.event_fixtures import event_without_ticketing, left
from scenarios.cast.persona import HI_EVENTS, NEEDS, Persona, browses
from scenarios.catalogue import story
from scenarios.stories.pages_show_the_states import OPERATIONS
from scenarios.stories.the_page_is_opened import page_params

if TYPE_CHECKING:
    from playwright.async_api import Route

    from harness.browsing import Tab

HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"
PLANTED = 'img[src="x"]'
ERRORS = {"failing": 500, "signed out": 401, "forbidden": 403, "limited": 429, "nonsense": 200, "unreachable": 0}
_LOADING = 5.0


@story(phase=Phase.IN_BROWSER, needs=(*NEEDS, "events"), operations=(*OPERATIONS, "wrapGenerateSession"))
async def pages_enable_ticketing(cast: Cast) -> None:
    """An organiser enables ticketing for an event: first with a session that has expired on the way, then slowly and
    to the end, and makes the event live at hi.events while a second tab has the event's page open."""
    async with event_without_ticketing(cast) as event:
        if event is None:
            return
        async with browses(cast, "organiser", cast.organiser) as organiser:
            waiting, tab = await organiser.tab(), await organiser.tab()
            await waiting.opens(organiser.event_page(event))
            await tab.opens(organiser.event_page(event))
            await tab.sees("enable")
            await organiser.notes("before", tab)
            await _expired(cast, organiser, tab)
            await tab.opens(organiser.event_page(event))
            await _slowly(cast, organiser, tab)
            after = await cast.reads_event("event after", event)
            made = after.must_have("hi_events_event_id", "the event has no ticketing after the callback page")
            await _made_live(cast, organiser, waiting, Linked(made, event))


async def _expired(cast: Cast, organiser: Persona, tab: "Tab") -> None:
    """The session is dead before the browser arrives with it: as one that nobody minted, which tuvens-api does not
    tell from an expired one."""
    dead = secrets.token_urlsafe(32)
    cast.stage.recorder.redactor.register("unknown-token-page", dead)
    body = {"session_token": dead, "expires_at": iso_millis(cast.now() + cast.stage.expiry())}

    async def answer(route: "Route") -> None:
        await route.fulfill(status=200, json=body)

    await cast.stage.turns("openCrossAppPage", "address")
    before = len(organiser.browsing.loads)
    async with tab.answering(organiser.generates, answer) as asked:
        clicked = await tab.clicks("enable")
        arrived = clicked and await tab.comes_to(CALLBACK)
    await tab.sees("callback_error", _LOADING)
    await organiser.notes("expired", tab, clicked=clicked, arrived=arrived, way=tab.way(before), asked=len(asked))


async def _slowly(cast: Cast, organiser: Persona, tab: "Tab") -> None:
    """tuvens-client's server takes its time, and whoever waits clicks again."""
    go_on = asyncio.Event()

    async def answer(route: "Route") -> None:
        await go_on.wait()
        await route.continue_()

    await organiser.takes_turn(cast.organiser)
    before = len(organiser.browsing.loads)
    async with tab.answering(organiser.generates, answer) as asked:
        clicked = await tab.clicks("enable")
        await tab.sees("loading", _LOADING)
        again = await tab.clicks("enable", anyhow=True)
        await organiser.notes("loading", tab, clicked=clicked, clicked_again=again, asked=len(asked))
        go_on.set()
        arrived = clicked and await tab.comes_to(CALLBACK)
    await tab.sees("callback_success", _LOADING)
    await organiser.notes("callback", tab, arrived=arrived, way=tab.way(before), asked=len(asked))


async def _made_live(cast: Cast, organiser: Persona, waiting: "Tab", event: Linked) -> None:
    """Arrive at hi.events as somebody who is known there, and make the event live: with the page's button where there
    is one, else as the page would do it."""
    bearer = await cast.bearer()
    await cast.asks_hi_events("event made", wire.read_event(bearer, event.hi))
    session = await cast.session()
    params = page_params(cast, session.token, event.tuvens, title="", creates=False)
    params["return_url"] = organiser.origin + CALLBACK
    await cast.stage.turns("openCrossAppPage", "address")
    tab = await organiser.tab(HI_EVENTS)
    await tab.opens(organiser.hi_events_page(params))
    await tab.sees("signed_in")
    clicked = await tab.clicks("make_live")
    if not clicked:
        reply = await cast.sets_status("change/LIVE", bearer, event.hi, "LIVE")
        reply.must("the event cannot be set to LIVE")
    followed = await hears(cast, "event/LIVE", event.tuvens, "LIVE")
    await organiser.notes("made live", tab, clicked=clicked, followed=followed)
    await waiting.sees(SHOWS["active"])
    page = (await cast.reads_event("event/LIVE", event.tuvens)).must_have("hi_events_event_url", "the live event")
    await organiser.notes("waiting", waiting, hi_events=page)
    await left(cast, bearer, event)


@story(phase=Phase.IN_BROWSER, needs=(*NEEDS, "events"), operations=("getEvent",))
async def pages_show_errors(cast: Cast) -> None:
    """An organiser wants to enable ticketing while tuvens-client's server answers with errors, with nonsense and not at
    all, and tries again."""
    async with event_without_ticketing(cast) as event:
        if event is None:
            return
        async with browses(cast, "organiser", cast.organiser) as organiser:
            tab = await organiser.tab()
            for name, status in ERRORS.items():
                await tab.opens(organiser.event_page(event))
                async with tab.answering(organiser.generates, _answer(status)) as asked:
                    clicked = await tab.clicks("enable")
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
