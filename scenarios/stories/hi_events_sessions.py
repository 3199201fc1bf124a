"""Users ask hi.events questions with a session, without one, and after its end."""

from functools import partial

from contracts.hi_events_session import wire
from harness.deployment import Linked
from harness.effects import Effect
from harness.story import Phase, StoryStoppedError
from scenarios.cast.cast import Cast
from scenarios.cast.sending import Reply
from scenarios.cast.sessions import read_sign_in
from scenarios.catalogue import story

OPERATIONS = ("generateSession", "validateCrossAppSession")


@story(does={Effect.READ, Effect.MINT}, also={Effect.MALFORMED}, operations=OPERATIONS)
async def a_hi_events_session_is_used(cast: Cast) -> None:
    """Users who are signed in ask hi.events who they are, for their accounts, and what they may do; tuvens-api is asked
    the same directly."""
    await cast.while_alive(partial(_looks, cast))
    for role in ("organiser", "outsider"):
        if cast.can(f"role:{role}"):
            await cast.while_alive(partial(_lists, cast, role))
    await _asks(cast, "manage ticketing", "organiser", "manage_ticketing")
    await _asks(cast, "create events", "organiser", "create_events")
    await _asks(cast, "unknown permission", "organiser", "launch_rockets")
    if cast.deployment.events:
        await _asks(cast, "own event", "organiser", "manage_ticketing", cast.deployment.events[0])
    if cast.can("foreign-event"):
        await _asks(cast, "foreign event", "organiser", "manage_ticketing", cast.deployment.foreign_event)
    if cast.can("role:member"):
        await _asks(cast, "plain member", "member", "manage_ticketing")
    if not cast.can(Effect.MALFORMED):
        return
    bearer = await cast.bearer()
    ill_formed = {
        "no permission": wire.session_permission(bearer, "x").with_body(b"{}"),
        "number": wire.session_permission(bearer, 5),
        "resource as text": wire.session_permission(bearer, "manage_ticketing", "abc"),
    }
    for name, call in ill_formed.items():
        await cast.asks_hi_events(f"ill-formed permission/{name}", call)


async def _looks(cast: Cast) -> list[Reply]:
    return [await cast.asks_hi_events("status", wire.session_status(await cast.bearer()))]


async def _lists(cast: Cast, role: str) -> list[Reply]:
    own = await cast.signed_in(role)
    return [
        await cast.asks_hi_events(f"accounts/{role}", wire.session_accounts(own.bearer)),
        await cast.lists_accounts(f"accounts at tuvens-api/{role}", own.session.token),
    ]


async def _asks(cast: Cast, name: str, role: str, permission: str, resource: str = "") -> None:
    number: object = int(resource) if resource.isdigit() else None
    if resource and number is None:
        return

    async def attempt() -> list[Reply]:
        own = await cast.signed_in(role)
        call = wire.session_permission(own.bearer, permission, number)
        return [
            await cast.asks_hi_events(f"permission/{name}", call),
            await cast.asks_permission(f"permission at tuvens-api/{name}", own.session.token, permission, number),
        ]

    await cast.while_alive(attempt)


@story(does={Effect.READ}, also={Effect.FORGE})
async def hi_events_routes_are_tried_without_a_session(cast: Cast) -> None:
    """Someone without a session, and someone with a made-up one, asks hi.events for what is meant for users."""
    for name, bearer in (("none", None), ("made up", cast.unknown_token("bearer"))):
        if bearer is not None and not cast.can(Effect.FORGE):
            continue
        await cast.asks_hi_events(f"status/{name}", wire.session_status(bearer))
        await cast.asks_hi_events(f"accounts/{name}", wire.session_accounts(bearer))
        await cast.asks_hi_events(f"permission/{name}", wire.session_permission(bearer, "manage_ticketing"))


@story(
    does={Effect.READ, Effect.MINT, Effect.FORGE}, needs=("linked-event",), operations=("setEventStatus", "getEvent")
)
async def an_event_is_changed_without_a_session(cast: Cast) -> None:
    """Someone without a session, and someone with a made-up one, sets an event live, then drafts it."""
    async with cast.linked_event() as event:
        try:
            bearer = await cast.bearer()
        except StoryStoppedError:
            bearer = None  # tuvens-api's side can be read all the same
        await _reads_both(cast, "before", bearer, event)
        for name, other in (("none", None), ("made up", cast.unknown_token("bearer"))):
            for status in ("LIVE", "DRAFT"):
                await cast.sets_status(f"change/{name}/{status}", other, event.hi, status)
                await _reads_both(cast, f"after/{name}/{status}", bearer, event)


async def _reads_both(cast: Cast, moment: str, bearer: str | None, event: Linked) -> None:
    """Read an event at hi.events, which shows a change at once, and at tuvens-api, which learns of it by a webhook."""
    if bearer is not None:
        await cast.asks_hi_events(f"at hi.events/{moment}", wire.read_event(bearer, event.hi))
    await cast.reads_event(f"at tuvens-api/{moment}", event.tuvens)


@story(
    does={Effect.READ, Effect.MINT},
    phase=Phase.ALONE,
    needs=("control:hi.events",),
    operations=("getCrossAppStatus", *OPERATIONS),
)
async def a_hi_events_session_ends(cast: Cast) -> None:
    """The organiser comes back when the session at hi.events is over; the simulators' clocks are moved."""
    await cast.turn_to_sign_in()
    session = await cast.fresh_session("generate session")
    found = read_sign_in(await cast.signs_in("sign in", session.token, turn_taken=True))
    await cast.asks_hi_events("alive", wire.session_status(found.bearer))
    await cast.stage.clock.advance(found.seconds + 2)
    await cast.asks_hi_events("dead", wire.session_status(found.bearer))
    cast.stage.sessions.forget()
