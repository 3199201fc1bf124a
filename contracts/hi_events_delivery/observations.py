"""The changes of an event at hi.events, the webhooks that it delivered and their effects, as a history has them."""

from collections.abc import Iterable

from contracts.status_changes import TICKETING, WEBHOOK, event_reading, shows_status
from harness.expectations import LackingError
from harness.history import Exchange, History
from harness.http import object_or_empty

SECTION = "Events and outgoing webhooks"
STORY = "statuses_are_changed"
CLOSE = "changes_follow_closely"
STATUSES = ("LIVE", "CANCELLED", "DRAFT", "ENDED", "ARCHIVED")
"""The statuses that an event is set to, in this order: each results in another ticketing status than the one before.
A deployment may not know all of them; `steps` are the changes that it made."""

RECEIVER = "receiver"
"""Who observed the deliveries, if it was crossapp's own receiver; else it is the application whose journal was read."""

UNSEEN = "crossapp cannot observe deliveries here: configure [receiver] and let hi.events send them there"
"""What a deployment lacks if nobody can observe its deliveries."""

RIGHTLY_SENT = (
    "hi_events_delivery.a_change_is_sent",
    "hi_events_delivery.deliveries_are_signed",
    "hi_events_delivery.deliveries_tell_the_change",
)
"""The rules on which those about the number and the order of deliveries depend."""

NAMES_NONE = "an event names no Tuvens event"
"""The check that fails where hi.events shows an event without its Tuvens event."""

BY_EFFECT = "as tuvens-api's event shows"
"""How a rule holds whose deliveries nobody could observe."""


def observed_by(history: History, step: str) -> str | None:
    """Who observed the deliveries of a step; None if neither our receiver nor a journal could. Raises
    NothingObservedError if the story never came there."""
    observer = history.observation(step).values.get("told by")
    return None if observer is None else str(observer)


def watched(history: History, step: str) -> tuple[float, float]:
    """From when to when the deliveries of a step were watched, in Unix seconds by our clock; zeros if unknown."""
    values = history.observation(step).values
    return float(values.get("from", 0.0)), float(values.get("until", 0.0))


def deliveries(history: History, step: str) -> list[Exchange] | None:
    """The deliveries of a step in the order of arrival; None if nobody could observe them."""
    if observed_by(history, step) is None:
        return None
    webhooks = history.exchanges(WEBHOOK, story=step.partition("/")[0])
    return [each for each in webhooks if each.step == step and each.facts.get("delivery")]


def seen_deliveries(history: History, step: str) -> list[Exchange]:
    """The deliveries of a step. Raises LackingError if nobody could observe them."""
    found = deliveries(history, step)
    if found is None:
        raise LackingError(UNSEEN)
    return found


def distinct(found: Iterable[Exchange]) -> list[Exchange]:
    """Deliveries without those that repeat an earlier one byte for byte: at least once is allowed."""
    bodies: dict[bytes, Exchange] = {}
    for each in found:
        bodies.setdefault(each.request_body, each)
    return list(bodies.values())


def event_ids(history: History, story: str = STORY) -> tuple[str, str]:
    """The ids of the story's event at hi.events and at tuvens-api."""
    values = history.observation(f"{story}/event").values
    return str(values["hi"]), str(values["tuvens"])


def effect_of(history: History, step: str, status: str) -> Exchange | None:
    """The last reading of the event at tuvens-api after a change; None if it does not show the status."""
    reading = event_reading(history, f"{STORY}/effect/{step}")
    return reading if shows_status(object_or_empty(reading.response_body), status) else None


def visible_effects(history: History) -> list[Exchange]:
    """The readings that show a change, without DRAFT and ARCHIVED, which leave an event as it was at the beginning."""
    found = (effect_of(history, step, status) for step, status in steps(history) if TICKETING[status] != "setup")
    return [each for each in found if each is not None]


def steps(history: History) -> list[tuple[str, str]]:
    """(step, status) of each change that hi.events made, in order; those that it refused are left out, for a deployment
    may not know every status."""
    asked = [each for each in history.every(f"{STORY}/change") if each.is_success]
    statuses = [object_or_empty(each.request_body).get("status") for each in asked]
    return [
        (each.step.removeprefix(f"{STORY}/change/"), str(status))
        for each, status in zip(asked, statuses, strict=True)
        if status in TICKETING
    ]
