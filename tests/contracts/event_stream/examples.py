"""Example histories of the rules about the stream of ticketing changes."""

from collections.abc import Sequence
from typing import Any

from contracts.event_stream import rules
from contracts.event_stream.wire import status_message
from contracts.every_operation.rules_routes import STORY as PROBE
from harness.history import Entry, Observation, StreamEvent
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, honest, leaves_open
from tests.contracts.histories import NOW, answer, asleep, comment, history, instead, message, observed, opened

STORY = rules.STORY
STAYING, LEAVING = (f"{STORY}/{each}" for each in rules.LISTENERS)
BACK = f"{STORY}/back"
PAGE = f"{rules.BY_CLOCK}/page"
WAITED = f"{rules.BY_WAITING}/page"
STRANGER = "1900000001"


def said(status: str, number: int, /, *, about: str = "11", **fields: Any) -> dict[str, Any]:
    """The data of a message, some of its fields otherwise."""
    return {**status_message(about, status, f"2025-07-25T14:30:0{number}.000Z"), **fields}


def told(page: str, status: str, number: int, /, **changes: Any) -> StreamEvent:
    """The nth message that a page hears."""
    return message(page, said(status, number, **changes), id=str(number))


def event(step: str, status: str) -> Entry:
    """A reading of the event."""
    value = {"id": "11", "ticketing_status": status, "contactData": None}
    return answer(step, 200, value, operation="getEvent", method="GET", url="http://127.0.0.1/api/events/11")


def step(name: str, status: str, *heard: Entry) -> list[Entry]:
    """An update, what is heard of it, and the event that is read then. Messages may come before the answer."""
    sent = answer(f"{STORY}/{name}/update", 200, {"success": True}, operation="receiveEventStatusChanged")
    return [*heard, sent, event(f"{STORY}/{name}/event", status)]


def probe(status: int = 200, content_type: str = "text/event-stream") -> Seen:
    """Somebody asks for the stream."""
    return history(opened(f"{PROBE}/streamEventUpdates", status, content_type))


def entries(
    *,
    first: Sequence[Entry] | None = None,
    refusals: Sequence[Entry] = (),
    refused: int = 401,
    back: Sequence[Entry] | None = None,
) -> list[Entry]:
    """The honest story; `first` is what is heard of the first update, `refusals` what is heard of refused ones, `back`
    what a page hears that comes back."""
    if first is None:
        first = [told(STAYING, "active", 1), told(LEAVING, "active", 1)]
    if back is None:
        back = [told(BACK, "active", 5)]
    return [
        event(f"{STORY}/base/event", "setup"),
        opened(STAYING),
        opened(LEAVING),
        *step("first", "active", *first),
        *step("second", "inactive", told(STAYING, "inactive", 2), told(LEAVING, "inactive", 2)),
        *step("third", "active", told(STAYING, "active", 3), told(LEAVING, "active", 3)),
        answer(f"{STORY}/refused/forged", refused, {}, operation="receiveEventStatusChanged"),
        observed(f"{STORY}/unknown event", event=STRANGER),
        answer(f"{STORY}/refused/unknown event", 404, {}, operation="receiveEventStatusChanged"),
        *refusals,
        *step("after refusals", "inactive", told(STAYING, "inactive", 4), told(LEAVING, "inactive", 4)),
        *step("missed", "active", told(STAYING, "active", 5)),
        opened(BACK),
        *back,
    ]


def heard(*others: StreamEvent, **said: Any) -> Seen:
    """The story, with some of the entries otherwise."""
    return history(*instead(entries(**said), *others))


def first_is(*messages: StreamEvent) -> Seen:
    """The story, in which this is all that is heard of the first update."""
    return history(*entries(first=messages))


def without_ids() -> Seen:
    """The story, in which no message has an id."""
    found = [
        message(each.step, each.data) if isinstance(each, StreamEvent) and each.kind == "event" else each
        for each in entries()
    ]
    return history(*(each for each in found if each.step != BACK))


def read_too_early() -> Seen:
    """The story, in which the event is as before when the first message has come, and changes later."""
    found = entries()
    first = next(index for index, each in enumerate(found) if each.step == f"{STORY}/first/event")
    return history(*found[:first], event(f"{STORY}/first/event", "setup"), *found[first:])


def by_clock(*after: Entry) -> Seen:
    """A page that is open while the clock is moved."""
    first = [opened(PAGE), comment(PAGE, "open")]
    waited = Observation(0, f"{rules.BY_CLOCK}/waited", {"from": 3})
    return history(*first, *after, waited)


def by_waiting(*after: StreamEvent) -> Seen:
    """A page that is open for half a minute, without a control plane."""
    return history(
        opened(WAITED), *after, observed(f"{rules.BY_WAITING}/waited", seconds=32.0), ended={rules.BY_CLOCK: "skipped"}
    )


_NAMED = message(STAYING, said("active", 1), event="ticketing_status_changed", id="1")
_FIRST = told(LEAVING, "active", 1)

EXAMPLES: Examples = {
    "it_is_an_event_stream": (
        holds("the media type has a parameter", probe(content_type="text/event-stream; charset=utf-8")),
        breaks("it is JSON", probe(200, "application/json")),
    ),
    "an_applied_update_is_told": (
        honest(heard()),
        breaks("one page hears nothing", first_is(told(STAYING, "active", 1))),
        leaves_open("one does while we are late", asleep(first_is(told(STAYING, "active", 1)))),
    ),
    "messages_are_unnamed": (honest(heard()), breaks("a message is named", first_is(_NAMED, _FIRST))),
    "messages_have_the_form": (
        honest(heard()),
        breaks("the timestamp is a number", first_is(told(STAYING, "active", 1, timestamp=NOW), _FIRST)),
    ),
    "a_message_tells_the_ticketing_status": (
        honest(heard()),
        breaks("it tells another status", first_is(told(STAYING, "setup", 1), _FIRST)),
    ),
    "one_message_for_each_update": (
        honest(heard()),
        breaks("a message comes twice", first_is(told(STAYING, "active", 1), told(STAYING, "active", 1), _FIRST)),
    ),
    "an_update_can_be_read_when_it_is_told": (
        honest(heard()),
        breaks("the event changes later", read_too_early()),
        leaves_open("nothing is heard before the event is read", first_is()),
    ),
    "a_refused_update_is_not_told": (
        honest(heard()),
        breaks("it is told", heard(refusals=[told(STAYING, "setup", 9)])),
    ),
    "messages_have_an_id": (honest(heard()), breaks("no message has one", without_ids())),
    "a_reconnect_misses_nothing": (
        honest(heard()),
        breaks("the message does not come again", heard(back=[])),
        leaves_open("we are late", asleep(heard(back=[]))),
    ),
    "a_silent_stream_has_a_heartbeat": (
        holds("a comment comes", by_clock(comment(PAGE))),
        breaks("it stays silent", by_clock()),
        leaves_open("it does while we are late", asleep(by_clock())),
    ),
}
