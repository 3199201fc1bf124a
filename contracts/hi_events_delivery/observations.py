"""The webhooks that hi.events delivered, as a history has them."""

from collections.abc import Iterable

from contracts.status_changes import WEBHOOK
from harness.expectations import LackingError
from harness.history import Exchange, History

RECEIVER = "receiver"
"""Who observed the deliveries, if it was crossapp's own receiver; else it is the application whose journal was read."""

UNSEEN = "crossapp cannot observe deliveries here: configure [receiver] and let hi.events send them there"
"""What a deployment lacks if nobody can observe its deliveries."""


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
