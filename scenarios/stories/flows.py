"""The whole flow, from a click in Tuvens to a live event and the open page that shows it; and the flow after errors."""

from dataclasses import dataclass
from functools import partial

from contracts.hi_events_page.rules import made_event
from contracts.hi_events_session import wire
from contracts.status_changes import is_about
from contracts.times import iso_millis
from contracts.webhook.wire import sign, status_changed_body
from harness.deployment import Linked
from harness.effects import Effect
from harness.http import WireError, field_of
from harness.listener import Listener
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.deliveries import delivery_seconds, watch_deliveries
from scenarios.cast.event_fixtures import OPERATIONS, given_draft, restore_draft, set_status
from scenarios.cast.page_params import page_params
from scenarios.cast.sending import Reply
from scenarios.catalogue import story

_NEEDS = ("events", "linked-event")
_WRONG = "a-key-that-nobody-has-configured"


@dataclass(frozen=True, slots=True)
class _Event:
    """The event of a flow; `made_by` says how it came to exist at hi.events."""

    linked: Linked
    made_by: str


@story(does={Effect.READ, Effect.MINT, Effect.CHANGE}, needs=_NEEDS, operations=OPERATIONS)
async def event_goes_live(cast: Cast) -> None:
    """An organiser adds ticketing to an event of Tuvens and sets it live at hi.events; an open page hears of it."""
    await cast.turn_to_mint_and_sign_in()
    async with cast.event() as event, cast.listens("stream") as listener:
        bearer = await _signs_in(cast, "generate session", "sign in")
        made = await _made_by_page(cast, bearer, event)
        if made is not None:
            await _go_live(cast, bearer, made, listener)
            return
    async with cast.linked_event() as linked, cast.listens("stream") as listener:
        await _go_live(cast, bearer, _Event(linked, "that was linked before"), listener)


async def _go_live(cast: Cast, bearer: str, event: _Event, listener: Listener) -> None:
    ids = event.linked
    if event.made_by != "that the page made":
        await given_draft(cast, bearer, ids)
    cast.observe("event", {"hi": ids.hi, "tuvens": ids.tuvens, "made by": event.made_by})
    deliveries = await watch_deliveries(cast)
    try:
        await _set(cast, bearer, ids, "LIVE")
        await listener.wait_for(lambda each: is_about(each, ids.tuvens, "active"), seconds=delivery_seconds(cast))
    finally:
        # Also where the event does not follow: then they show why.
        if deliveries is not None:
            await deliveries.record("deliveries", ids.tuvens)
    await restore_draft(cast, bearer, ids)


async def _made_by_page(cast: Cast, bearer: str, event: str) -> _Event | None:
    """The draft that hi.events' page makes and the client's callback page notes at tuvens-api; None if the page needs a
    browser or makes none."""
    if not cast.can("return-origin"):
        return None

    async def attempt() -> list[Reply]:
        # A token of its own: that of the sign-in may be good for one session only.
        token = (await cast.fresh_session("session for the page")).token
        params = page_params(cast, token, event, title="Live — “at last” 24/7")
        return [await cast.opens_page("page", params, turn_taken=True)]

    await cast.turn_to_open_page()
    [reply] = await cast.while_alive(attempt, turn=cast.turn_to_open_page)
    made = made_event(reply.exchange)
    if made is None:
        return None
    cast.owns(Linked(made, event))
    cast.observe("event", {"hi": made, "tuvens": event, "made by": "that the page made"})
    changes = {"hasTicketing": True, "hiEventsEventId": made}
    await cast.changes_event("callback", cast.organiser.jwt, event, changes)
    await cast.asks_hi_events("event made", wire.read_event(bearer, made))
    return _Event(Linked(made, event), "that the page made")


@story(does={Effect.READ, Effect.MINT, Effect.CHANGE, Effect.FORGE}, needs=_NEEDS, operations=OPERATIONS)
async def a_wrong_secret_is_put_right(cast: Cast) -> None:
    """A back end asks and tells tuvens-api with a wrong secret; with the right one the same session goes on to a live
    event."""
    await cast.turn_to_mint_and_sign_in()
    async with cast.linked_event() as event:
        body = status_changed_body(
            event_id=int(event.hi) if event.hi.isdigit() else event.hi,
            title="Wrongly signed",
            status="ENDED",
            tuvens_event_id=event.tuvens,
            sent_at=iso_millis(cast.now_at("hi.events")),
        )

        async def attempt() -> list[Reply]:
            session = await cast.fresh_session("generate session", turn_taken=True)
            await cast.validates("wrong secret/validate session", session.token, secret=_WRONG)
            await cast.delivers("wrong secret/webhook", body, signature=sign(_WRONG, body))
            return [await cast.signs_in("right secret/sign in", session.token, turn_taken=True)]

        [reply] = await cast.while_alive(attempt, turn=cast.turn_to_mint_and_sign_in)
        bearer = _bearer_in(reply)
        await given_draft(cast, bearer, event)
        await _set(cast, bearer, event, "LIVE")
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    needs=(*_NEEDS, "foreign-event"),
    operations=(*OPERATIONS, "validateCrossAppPermission"),
)
async def a_missing_permission_is_noticed(cast: Cast) -> None:
    """An organiser asks hi.events for the event of others, is denied it, and sets an own event live instead."""
    await cast.turn_to_mint_and_sign_in()
    async with cast.linked_event() as event:
        asked = {"foreign event": cast.deployment.foreign_event, "own event": event.tuvens}
        for number in asked.values():
            if not number.isdigit():
                raise StoryStoppedError(f"the event {number} has no number, as resource_id must be")

        async def attempt() -> list[Reply]:
            # A session of its own: what it was denied must not depend on what other stories ask.
            session = await cast.fresh_session("generate session", turn_taken=True)
            replies = [await cast.signs_in("sign in", session.token, turn_taken=True)]
            for name, number in asked.items() if replies[0].ok else ():
                call = wire.session_permission(_bearer_in(replies[0]), "manage_ticketing", int(number))
                replies.append(await cast.asks_hi_events(f"permission/{name}", call))
            return replies

        bearer = _bearer_in((await cast.while_alive(attempt, turn=cast.turn_to_mint_and_sign_in))[0])
        await given_draft(cast, bearer, event)
        await _set(cast, bearer, event, "LIVE")
        await restore_draft(cast, bearer, event)


@story(does={Effect.READ, Effect.MINT, Effect.CHANGE}, needs=_NEEDS, operations=(*OPERATIONS, "streamEventUpdates"))
async def a_listener_loses_the_network(cast: Cast) -> None:
    """A page listens, loses the network while a live event is drafted, comes back, and hears of what is next."""
    async with cast.linked_event() as event:
        bearer = await cast.bearer()
        is_active = partial(is_about, event_id=event.tuvens, status="active")
        cast.observe("event", {"hi": event.hi, "tuvens": event.tuvens})
        await given_draft(cast, bearer, event)
        async with cast.listens("stream before") as listener:
            await _set(cast, bearer, event, "LIVE")
            heard = await listener.wait_for(is_active, seconds=delivery_seconds(cast))
        last = heard.id if heard is not None else ""
        await _set(cast, bearer, event, "DRAFT")
        async with cast.listens("stream after", last or None) as listener:
            await set_status(cast, bearer, event, "LIVE", read_as="event at tuvens-api", name="LIVE again")
            await listener.wait_for(is_active, seconds=delivery_seconds(cast))
        await restore_draft(cast, bearer, event)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.ALONE,
    needs=(*_NEEDS, "control:tuvens-api"),
    operations=OPERATIONS,
)
async def an_expired_session_is_replaced_by_the_clock(cast: Cast) -> None:
    """An organiser waits too long with a session token, gets a new one, and goes on to a live event; the simulators'
    clocks are moved."""
    session = await cast.fresh_session("generate session")
    await cast.stage.clock.advance_to(session.end() + 65.0)
    await _replace(cast, session.token)


@story(
    does={Effect.READ, Effect.MINT, Effect.CHANGE},
    phase=Phase.WAITING,
    needs=(*_NEEDS, "expiry:tuvens-api"),
    operations=OPERATIONS,
    unless="control:tuvens-api",
    waits_for=("expiry",),
)
async def an_expired_session_is_replaced_after_waiting(cast: Cast) -> None:
    """An organiser waits too long with a session token, gets a new one, and goes on to a live event."""
    session = await cast.fresh_session("generate session")
    await cast.waits_for_expiry(session, more=3.0)
    await _replace(cast, session.token)


async def _replace(cast: Cast, expired: str) -> None:
    await cast.signs_in("expired/sign in", expired, worthless=True)
    await cast.turn_to_mint_and_sign_in()
    async with cast.stage.prompt_deliveries, cast.linked_event() as event:
        bearer = await _signs_in(cast, "new/generate session", "new/sign in")
        await given_draft(cast, bearer, event)
        await _set(cast, bearer, event, "LIVE")
        await restore_draft(cast, bearer, event)
    cast.stage.sessions.forget()


async def _signs_in(cast: Cast, mint: str, step: str) -> str:
    """Get a session token and sign in with it, in these steps, after `turn_to_mint_and_sign_in`; returns the bearer
    token."""

    async def attempt() -> list[Reply]:
        session = await cast.fresh_session(mint, turn_taken=True)
        return [await cast.signs_in(step, session.token, turn_taken=True)]

    [reply] = await cast.while_alive(attempt, turn=cast.turn_to_mint_and_sign_in)
    return _bearer_in(reply)


def _bearer_in(reply: Reply) -> str:
    answer = reply.must("the organiser cannot sign in at hi.events")
    try:
        # Only the token: the flow goes on without the other fields of the answer.
        return str(field_of(answer.json(), "token", str))
    except WireError as error:
        raise StoryStoppedError(f"hi.events' sign-in (exchange {reply.exchange.number}): {error}") from None


async def _set(cast: Cast, bearer: str, event: Linked, status: str) -> None:
    await set_status(cast, bearer, event, status, read_as="event at tuvens-api")
