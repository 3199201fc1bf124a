"""A browser comes from Tuvens to the page of hi.events, rightly and wrongly."""

import json
import secrets
from collections.abc import Mapping

from contracts.client_session.wire import CALLBACK
from contracts.hi_events_page.rules import made_event
from contracts.hi_events_session import wire
from contracts.status_changes import state_of
from scenarios.cast.cast import BROWSER, Cast
from scenarios.cast.stage import Reply
from scenarios.cast.updates import event_in
from scenarios.catalogue import story

OPERATIONS = ("openCrossAppPage", "generateSession")


def page_params(cast: Cast, token: str, tuvens_event: str, *, title: str, creates: bool = True) -> dict[str, str]:
    """The query with which tuvens-client opens the page, to make an event unless told otherwise."""
    params = {
        "session_token": token,
        "return_url": cast.deployment.return_origin + CALLBACK,
        "app_id": "tuvens",
        "account_id": str(cast.organiser.account_id),
        "event_id": tuvens_event,
        "timestamp": str(round(cast.now() * 1000)),
    }
    if creates:
        params |= {"action": "create_event", "event_data": json.dumps(_event_data(title), ensure_ascii=False)}
    return params


def _event_data(title: str) -> Mapping[str, object]:
    return {
        "title": title,
        "description": "Songs, stories & <b>more</b>",
        "start_date": "2031-05-01T19:00:00.000Z",
        "end_date": "2031-05-01T23:00:00.000Z",
        "timezone": "Europe/Berlin",
        "location_details": {
            "venue_name": "Café Größenwahn",
            "address_line_1": "1 Long Lane",
            "city": "Köln",
            "state_region": "NRW",
            "zip_postal_code": "50667",
            "country": "DE",
        },
        "settings": {
            "pre_registration_message": "Come early.",
            "post_registration_message": "See you there!",
            "allow_search_engine_indexing": False,
        },
    }


@story(needs=("events", "return-origin"), operations=OPERATIONS)
async def a_draft_is_made_by_the_page(cast: Cast) -> None:
    """An organiser comes from a Tuvens event to hi.events' page, which makes a draft of it and leads back; then the
    draft is looked at."""
    session = await cast.session()
    async with cast.event() as event:
        before = await cast.reads_event("event before", event)
        cast.observe("event", {"tuvens": event, "linked before": _linked(before)})
        params = page_params(cast, session.token, event, title="Zoë’s “Night” — №1 🎶")
        reply = await cast.opens_page("page", params)
        made = made_event(reply.exchange)
        if made is not None:
            await cast.asks_hi_events("event made", wire.read_event(await cast.bearer(), made))


@story(needs=("return-origin",), operations=("openCrossAppPage",))
async def the_page_refuses(cast: Cast) -> None:
    """Someone opens the page with a session token that nobody minted; an organiser opens it for an event of others."""
    unknown = secrets.token_urlsafe(32)
    cast.stage.recorder.redactor.register("unknown-token-page", unknown)
    event = cast.deployment.events[0] if cast.deployment.events else "1"
    await cast.opens_page("unknown token", page_params(cast, unknown, event, title="Nobody's"))
    if cast.can("foreign-event"):
        token = (await cast.session()).token
        foreign = cast.deployment.foreign_event
        await cast.opens_page("foreign event", page_params(cast, token, foreign, title="Somebody else's"))


@story(operations=("openCrossAppPage",))
async def the_page_is_given_foreign_return_urls(cast: Cast) -> None:
    """A fisher sends people to the page with return URLs that lead to a place of the fisher's, some nearly right."""
    ours = cast.deployment.return_origin or "http://localhost:5173"
    scheme, _, host = ours.partition("://")
    foreign = {
        "plain": "https://evil.example/callback",
        "without scheme": "//evil.example/callback",
        "suffix": f"{ours}.evil.example{CALLBACK}",
        "user": f"{ours}@evil.example{CALLBACK}",
        "backslash": f"{scheme}://evil.example\\@{host}{CALLBACK}",
        "slashes and backslash": f"/\\evil.example/{host}",
        "script": "javascript:alert(document.domain)//" + host,
        "prefix": f"{scheme}://evil-{host.partition(':')[0]}{CALLBACK}",
    }
    unknown = secrets.token_urlsafe(32)
    cast.stage.recorder.redactor.register("unknown-token-page", unknown)
    event = cast.deployment.events[0] if cast.deployment.events else "1"
    for name, url in foreign.items():
        params = page_params(cast, unknown, event, title="Bait", creates=False) | {"return_url": url}
        await _opens(cast, name, params, url)
    other = page_params(cast, unknown, event, title="Bait", creates=False) | {"callback_url": foreign["plain"]}
    del other["return_url"]
    await _opens(cast, "callback_url", other, foreign["plain"])
    if cast.can("events"):
        async with cast.event() as own:
            token = (await cast.session()).token
            params = page_params(cast, token, own, title="Bait") | {"return_url": foreign["plain"]}
            await _opens(cast, "after making an event", params, foreign["plain"])


async def _opens(cast: Cast, name: str, params: Mapping[str, str], foreign: str) -> None:
    call = wire.open_page(params)
    await cast.stage.send(cast.step(name), BROWSER, call, key="address", facts={"foreign": foreign})


def _linked(reply: Reply) -> bool | None:
    """Whether tuvens-api's event names an event of hi.events; None where the event could not be read."""
    event = event_in(reply)
    return bool(event.get("hi_events_event_id") or state_of(event).reported) if event else None
