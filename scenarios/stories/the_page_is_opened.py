"""A browser comes from Tuvens to hi.events' page, with right and wrong parameters."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from contracts.client_session.wire import CALLBACK
from contracts.hi_events_page.rules import made_event
from contracts.hi_events_session import wire
from contracts.status_changes import state_of
from harness.deployment import Linked
from harness.effects import Effect
from scenarios.cast.cast import BROWSER, Cast
from scenarios.cast.page_params import page_params
from scenarios.cast.sending import Reply
from scenarios.cast.updates import event_in
from scenarios.catalogue import story

OPERATIONS = ("openCrossAppPage", "generateSession")
_NOBODYS_PORT = 61_616


@story(does={Effect.READ, Effect.MINT, Effect.CHANGE}, needs=("events", "return-origin"), operations=OPERATIONS)
async def a_draft_is_made_by_the_page(cast: Cast) -> None:
    """An organiser comes from a Tuvens event to hi.events' page, which makes a draft of it and leads back; then the
    draft is looked at."""
    await cast.turn_to_open_page()
    async with cast.event() as event:
        before = event_in(await cast.reads_event("event before", event))
        # None if the event could not be read.
        linked = bool(before.get("hi_events_event_id") or state_of(before).reported) if before else None
        cast.observe("event", {"tuvens": event, "linked before": linked})

        async def attempt() -> list[Reply]:
            token = (await cast.fresh_session("generate session")).token
            params = page_params(cast, token, event, title="Zoë’s “Night” — №1 🎶")
            return [await cast.opens_page("page", params, turn_taken=True)]

        [reply] = await cast.while_alive(attempt, turn=cast.turn_to_open_page)
        made = made_event(reply.exchange)
        if made is not None:
            cast.owns(Linked(made, event))
            await cast.asks_hi_events("event made", wire.read_event(await cast.bearer(), made))


@story(does={Effect.MINT, Effect.FORGE}, needs=("return-origin",), operations=("openCrossAppPage",))
async def the_page_refuses(cast: Cast) -> None:
    """Someone opens the page with a session token that nobody minted; an organiser opens it for an event of others."""
    unknown = cast.unknown_token("page")
    await cast.opens_page("unknown token", page_params(cast, unknown, cast.some_event, title="Nobody's"))
    if cast.can("foreign-event"):
        foreign = cast.deployment.foreign_event

        async def attempt() -> list[Reply]:
            token = (await cast.fresh_session("generate session")).token
            params = page_params(cast, token, foreign, title="Somebody else's")
            return [await cast.opens_page("foreign event", params, turn_taken=True)]

        await cast.turn_to_open_page()
        await cast.while_alive(attempt, turn=cast.turn_to_open_page)


@story(does={Effect.MINT, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE}, operations=("openCrossAppPage",))
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
        "another port": f"{scheme}://{host.removesuffix(f':{urlsplit(ours).port}')}:{_NOBODYS_PORT}{CALLBACK}",
    }
    if scheme == "https":
        foreign["without TLS"] = f"http://{host}{CALLBACK}"
    unknown = cast.unknown_token("page")
    event = cast.some_event
    for name, url in foreign.items():
        params = page_params(cast, unknown, event, title="Bait", creates=False) | {"return_url": url}
        await _opens(cast, name, params, url)
    other = page_params(cast, unknown, event, title="Bait", creates=False) | {"callback_url": foreign["plain"]}
    del other["return_url"]
    await _opens(cast, "callback_url", other, foreign["plain"])
    if cast.can("events"):
        async with cast.event() as own:
            await cast.turn_to_open_page()
            token = (await cast.fresh_session("generate session")).token
            params = page_params(cast, token, own, title="Bait") | {"return_url": foreign["plain"]}
            await _opens(cast, "after making an event", params, foreign["plain"], turn_taken=True)


async def _opens(cast: Cast, name: str, params: Mapping[str, str], foreign: str, *, turn_taken: bool = False) -> None:
    call, key = wire.open_page(params), None if turn_taken else "address"
    await cast.stage.sender.send(cast.step(name), BROWSER, call, key=key, facts={"foreign": foreign})
