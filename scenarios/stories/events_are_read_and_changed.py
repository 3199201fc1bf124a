"""tuvens-client reads an event, and notes its ticketing on it."""

from contracts.tuvens_event import wire
from harness.effects import Effect
from scenarios.cast.cast import CLIENT, Cast
from scenarios.cast.updates import Updates, unknown_id
from scenarios.catalogue import story

_OTHER = "4711"
_WITHOUT = {"hasTicketing": False}


@story(does={Effect.READ}, operations=("getEvent",))
async def events_are_read(cast: Cast) -> None:
    """Someone without credentials reads an event, and one that does not exist."""
    known = next(iter((*cast.deployment.events, *filter(None, [cast.deployment.foreign_event]))), None)
    if known is None:
        return
    cast.observe("known event", {"event": known})
    await cast.reads_event("known event", known)
    await cast.reads_event("unknown event", unknown_id(known, cast.stage.random))


@story(
    does={Effect.READ, Effect.CHANGE, Effect.MALFORMED, Effect.FORGE},
    needs=("events",),
    operations=("updateEvent", "getEvent"),
)
async def an_event_is_changed(cast: Cast) -> None:
    """The client's callback page notes an event of hi.events on an event, then another; people who may not, try the
    same."""
    jwt = cast.organiser.jwt
    async with cast.event() as event:
        # The second is the id that webhooks about this event carry, so that the event is left consistent.
        for step, number in (("first", _OTHER), ("second", str(Updates(cast, event).number))):
            cast.observe(step, {"hi": number})
            await cast.changes_event(step, jwt, event, _ticketing(number))
            await cast.reads_event(f"{step}/event", event)
        refused = _ticketing(_OTHER)
        not_json = wire.update_event(None, event, {}).with_body(b'{"hasTicketing": ')
        unknown = unknown_id(event, cast.stage.random)
        tries = [
            await cast.changes_event("no jwt/none", None, event, refused),
            await cast.changes_event("no jwt/a word", "nonsense", event, refused),
            await cast.changes_event("no jwt and/ill-formed", None, event, {"hasTicketing": "perhaps"}),
            await cast.send("no jwt and no JSON", CLIENT, not_json),
            await cast.changes_event("no jwt and/unknown event", None, unknown, refused),
        ]
        tries += [
            await cast.changes_event(f"by the {role}/{what}", cast.user(role).jwt, event, change)
            for role in ("member", "outsider")
            if cast.can(f"role:{role}")
            # A permission that is asked for one field only leaves the other open.
            for what, change in (("both", refused), ("ticketing", _WITHOUT), ("link", {"hiEventsEventId": _OTHER}))
        ]
        await cast.changes_event("unknown event", jwt, unknown, refused)
        if any(each.ok for each in tries):
            # A rule judges the accepted change; its effect on the event is not a second failure.
            await cast.changes_event("restored", jwt, event, _ticketing(str(Updates(cast, event).number)))
        await cast.reads_event("refusals/event", event)


def _ticketing(number: str) -> dict[str, object]:
    return {"hasTicketing": True, "hiEventsEventId": number}
