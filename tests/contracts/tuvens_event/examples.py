"""Example histories of the rules about the event at tuvens-api."""

from typing import Any

from contracts.tuvens_event import rules
from harness.history import Entry, Exchange
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, leaves_open, one_change_breaks
from tests.contracts.histories import answer, history, instead, observed

READ, CHANGED = rules.READ, rules.CHANGED
_FIRST = f"{CHANGED}/first/event"


def event(step: str, hi: object = "2", *, enabled: bool = True, status: object = "setup", **fields: Any) -> Exchange:
    """A reading of the event, some of its fields otherwise; a field that is `...` is left out."""
    value = {
        "id": "11",
        "account_id": 123,
        "ticketing_enabled": enabled,
        "ticketing_status": status,
        "hi_events_event_id": hi,
        "hi_events_event_url": f"https://tickets.tuvens.com/event/{hi}/event-title",
        "ticketStatus": status,
        "hasTicketing": enabled,
        "hiEventsEventId": hi,
        **fields,
    }
    shown = {name: each for name, each in value.items() if each is not ...}
    return answer(step, 200, shown, operation="getEvent", method="GET")


def change(step: str, status: int) -> Exchange:
    """An attempt to change the event."""
    return answer(step, status, {}, operation="updateEvent", method="PATCH")


def read(*others: Entry) -> Seen:
    """The honest story of readings, some of it otherwise."""
    found: list[Entry] = [
        observed(f"{READ}/known event", event="11"),
        event(f"{READ}/known event"),
        answer(f"{READ}/unknown event", 404, {}, operation="getEvent", method="GET"),
    ]
    return history(*instead(found, *others))


def changed(*others: Entry) -> Seen:
    """The honest story of changes, some of it otherwise."""
    found: list[Entry] = [
        observed(f"{CHANGED}/first", hi="4711"),
        change(f"{CHANGED}/first", 200),
        event(f"{CHANGED}/first/event", 4711),
        observed(f"{CHANGED}/second", hi="2"),
        change(f"{CHANGED}/second", 204),
        event(f"{CHANGED}/second/event", "2"),
        change(f"{CHANGED}/no jwt/none", 401),
        change(f"{CHANGED}/no jwt/a word", 401),
        change(f"{CHANGED}/no jwt and/ill-formed", 401),
        change(f"{CHANGED}/no jwt and/unknown event", 401),
        change(f"{CHANGED}/no jwt and no JSON", 401),
        *(
            change(f"{CHANGED}/by the {role}/{what}", 403)
            for role in ("member", "outsider")
            for what in ("both", "link")
        ),
        change(f"{CHANGED}/unknown event", 404),
        event(f"{CHANGED}/refusals/event", "2"),
    ]
    return history(*instead(found, *others))


def elsewhere(*others: Entry) -> Seen:
    """The honest story of changes, and entries of other stories."""
    return history(*changed().entries, *others)


_LATE = event(
    f"{CHANGED}/refusals/event",
    status="active",
    contactData={"hiEventsStatus": "LIVE", "hiEventsLastUpdated": "2025-07-25T14:30:00.000Z"},
)

EXAMPLES: Examples = {
    **one_change_breaks(
        read,
        {
            "an_event_is_read": ("the id is a number", event(f"{READ}/known event", id=11)),
            "an_unknown_event_is_not_found": ("it is answered 200", event(f"{READ}/unknown event")),
        },
    ),
    **one_change_breaks(
        changed,
        {
            "the_callback_is_noted": ("the id of the first change stays", event(f"{CHANGED}/second/event", "4711")),
            "an_event_with_ticketing_has_a_status": (
                "the status is null",
                event(f"{CHANGED}/first/event", 4711, status=None),
            ),
            "legacy_aliases_agree": ("an alias is missing", event(f"{CHANGED}/second/event", "2", hasTicketing=...)),
            "a_change_without_jwt_is_refused": ("it is changed", change(f"{CHANGED}/no jwt/a word", 200)),
            "a_change_without_permission_is_refused": ("it is changed", change(f"{CHANGED}/by the member/link", 200)),
            "a_change_by_an_outsider_is_refused": ("it is changed", change(f"{CHANGED}/by the outsider/both", 200)),
            "a_change_of_an_unknown_event_is_not_found": (
                "it is answered 403",
                change(f"{CHANGED}/unknown event", 403),
            ),
        },
    ),
    "refused_changes_change_nothing": (
        holds("the event is as before", changed()),
        breaks("the id has changed", changed(event(f"{CHANGED}/refusals/event", "4711"))),
        breaks("the status has, without a webhook", changed(event(f"{CHANGED}/refusals/event", status="active"))),
        leaves_open("a webhook was applied meanwhile", changed(_LATE)),
    ),
    "a_change_is_authenticated_before_it_is_read": (
        holds("all are answered 401", changed()),
        holds(
            "a parser returns 400 for a body that is not JSON", changed(change(f"{CHANGED}/no jwt and no JSON", 400))
        ),
        breaks("a body that is not JSON gets 404", changed(change(f"{CHANGED}/no jwt and no JSON", 404))),
        breaks("what is ill-formed is answered 400", changed(change(f"{CHANGED}/no jwt and/ill-formed", 400))),
        breaks("an unknown event is answered 404", changed(change(f"{CHANGED}/no jwt and/unknown event", 404))),
        leaves_open("one is rate limited", changed(change(f"{CHANGED}/no jwt and/ill-formed", 429))),
    ),
    "a_linked_event_has_the_url_of_its_page": (
        holds("an event of hi.events has one", changed()),
        holds("an event without ticketing needs none", changed(event(_FIRST, enabled=False, hi_events_event_url=None))),
        holds("an event of none needs none", changed(event(_FIRST, None, hi_events_event_url=None))),
        breaks("it is left out", changed(event(_FIRST, hi_events_event_url=...))),
        breaks("it is null", changed(event(_FIRST, hi_events_event_url=None))),
        breaks("it is a path", changed(event(_FIRST, hi_events_event_url="/event/2/event-title"))),
        breaks("it is no URL", changed(event(_FIRST, hi_events_event_url="https://[tickets"))),
        breaks("it is missing in another story", elsewhere(event("pages_are_embedded/event", hi_events_event_url=...))),
        holds(
            "another response is no object: the rule of the document says so",
            elsewhere(answer("pages_are_embedded/event", 200, b"null", operation="getEvent", method="GET")),
        ),
        leaves_open("no linked event was read", read(event(f"{READ}/known event", enabled=False))),
    ),
}
