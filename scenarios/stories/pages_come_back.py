"""A browser comes back from hi.events, arrives there, and shows its pages embedded in others."""

from collections.abc import Mapping
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from contracts.client_session.wire import CALLBACK
from contracts.hi_events_page.redirects import query_of
from harness.effects import Effect
from harness.story import Phase
from scenarios.cast.cast import Cast
from scenarios.cast.event_fixtures import OPERATIONS, given_draft_with_ticketing, given_live_event, restore_draft
from scenarios.cast.page_params import page_params
from scenarios.cast.persona import HI_EVENTS, HOSTILE, NEEDS, PLANTED, Persona, browses
from scenarios.catalogue import story

if TYPE_CHECKING:
    from playwright.async_api import Route

    from harness.tab import Tab

_FOREIGN = "https://elsewhere.invalid"
_TRIES = 3


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.MALFORMED},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=OPERATIONS,
)
async def pages_come_back(cast: Cast) -> None:
    """An organiser comes back from hi.events having cancelled, after an error, and with a success that is told in the
    newer spelling and in the older one."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft_with_ticketing(cast, bearer, event)
        about = {"event_id": event.tuvens, "tuvens_event_id": event.tuvens, "success": "false"}
        failed = {"status": "error", "error_code": "INSUFFICIENT_PERMISSIONS", "error_message": HOSTILE}
        newer = {"status": "success", "event_id": event.tuvens, "hi_events_event_id": event.hi}
        older = {"success": "true", "tuvens_event_id": event.tuvens, "hi_events_event_id": event.hi}
        returns: Mapping[str, tuple[str, Mapping[str, str]]] = {
            "cancelled": ("callback_cancelled", {**about, "status": "cancelled"}),
            "error": ("callback_error", {**about, **failed, "message": HOSTILE}),
            "newer spelling": ("callback_success", newer),
            "older spelling": ("callback_success", {**older, "message": "Done."}),
        }
        async with browses(cast, "organiser", cast.organiser) as organiser:
            tab = await organiser.tab()
            for name, (outcome, params) in returns.items():
                await organiser.opens(tab, organiser.callback(params), partial(tab.sees, outcome, 5.0))
                planted = await tab.counts(PLANTED)
                dialogs = len(organiser.browsing.dialogs)
                await organiser.notes(f"return/{name}", tab, planted=planted, dialogs=dialogs)
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=(*OPERATIONS, "openCrossAppPage"),
)
async def pages_arrive_at_hi_events(cast: Cast) -> None:
    """An organiser arrives at hi.events with a session, loads the page there again, and goes back to Tuvens; arrives
    with a session that nobody minted; and is sent to a place that is not Tuvens."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        await given_draft_with_ticketing(cast, bearer, event)
        async with browses(cast, "organiser", cast.organiser) as organiser:
            back = organiser.origin + CALLBACK
            params = {**page_params(cast, "", event.tuvens, title="", creates=False), "return_url": back}
            tab = await organiser.tab(HI_EVENTS)
            left = await _arrives(cast, organiser, tab, params)
            arrived = len(organiser.browsing.loads)
            await organiser.notes("arrived", tab, way=tab.way(), session_left=left)
            await tab.reloads()
            await tab.follows(organiser.event_page(event.tuvens))
            await organiser.browsing.settle()
            referers = [each["referer"] for each in organiser.browsing.loads if each["referer"]]
            cast.observe("referers", {"seen": len(referers), "with a token": _with_token(referers), "after": arrived})

            unknown = cast.unknown_token("page")
            client = await organiser.tab()
            await cast.turn_to_open_page()
            await client.opens(organiser.hi_events_page({**params, "session_token": unknown}))
            await client.comes_to(CALLBACK, 5.0)
            await client.sees("callback_error", 5.0)
            await organiser.notes("unknown session", client, told=query_of(client.page.url))

            foreign = await organiser.tab(HI_EVENTS)
            for minted in (False, True):
                await cast.turn_to_open_page()
                token = (await cast.fresh_session("generate session/another")).token if minted else unknown
                bait = {**params, "session_token": token, "return_url": f"{_FOREIGN}/callback"}
                await foreign.opens(organiser.hi_events_page(bait))
                await foreign.clicks_link_to(_FOREIGN)
            # Nobody serves that address: that the browser asked for it is enough.
            bare = [each["url"].partition("?")[0] for each in organiser.browsing.loads if each["navigates"]]
            reached = [each for each in bare if each.startswith(_FOREIGN)]
            await organiser.notes("foreign return", foreign, reached=reached)
        await restore_draft(cast, bearer, event)


async def _arrives(cast: Cast, organiser: Persona, tab: "Tab", params: Mapping[str, str]) -> float:
    """Open hi.events' page with a new session, again where the session may have expired on the way or connections of
    this run broke; returns for how many seconds it was still good when the page showed who is signed in, or was waited
    for in vain."""
    for _ in range(_TRIES):
        await cast.turn_to_open_page()
        session = await cast.fresh_session("generate session/first")
        await tab.opens(organiser.hi_events_page({**params, "session_token": session.token}))
        seen = await tab.sees("signed_in")
        left = session.minted_at + session.lasts - cast.now()
        if seen or (left >= 0 and not organiser.losses()):
            return left
    organiser.opened_in_vain()
    return left


def _with_token(referers: list[str]) -> list[str]:
    return [each for each in referers if "<session-token:" in each or "%3Csession-token%3A" in each][:5]


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.IN_BROWSER,
    needs=(*NEEDS, "linked-event"),
    operations=OPERATIONS,
)
async def pages_are_embedded(cast: Cast) -> None:
    """A page of tuvens-client's origin embeds the event's page of hi.events, and its widget."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        url = await given_live_event(cast, bearer, event)
        pages = cast.stage.target(HI_EVENTS).url
        frames = {"embed": f"{url}/embed", "widget": f"{pages}/widget/{quote(event.hi, safe='')}"}
        async with browses(cast, "visitor") as visitor:
            for name, frame in frames.items():
                host = f"{visitor.origin}/embeds-{name}"
                tab = await visitor.tab(HI_EVENTS)
                await tab.page.route(host, _embedding(frame))
                await tab.opens(host)
                await visitor.notes(name, tab, frame=frame, text=await tab.framed(frame))
        await restore_draft(cast, bearer, event)


def _embedding(frame: str) -> Any:
    body = f'<!doctype html><title>Embeds</title><iframe src="{escape(frame)}" width="600" height="400"></iframe>'

    async def answer(route: "Route") -> None:
        await route.fulfill(status=200, content_type="text/html", body=body)

    return answer
