"""What stories in a browser recorded, as judges read it: observations of what a page shows."""

from collections.abc import Mapping
from typing import Any

from harness.history import History, Observation
from harness.judging import LackingError, UndecidedError

SHOWS = {"active": "tickets", "setup": "progress", "inactive": "paused", "none": "register"}
"""By state of the widget, the part of the page that is visible in this state and in no other."""

PAGE_PATH = "/auth/cross-app"


def looked_at(history: History, step: str) -> Observation:
    """What a page showed. Raises UndecidedError where the network gave none: that breaks no rule."""
    found = history.observation(step)
    if found.values["status"] is None:
        raise UndecidedError(f"{step}: the page was not loaded: {found.values['error'] or 'no answer'}")
    if found.values["status"] == 429:
        raise UndecidedError(f"{step}: the page was rate limited (429)")
    return found


def has_event(history: History, story: str) -> Mapping[str, Any]:
    """The event of a story that needs one without ticketing. Raises LackingError where there was none."""
    values = history.observation(f"{story}/event").values
    if not values["tuvens"]:
        raise LackingError(
            "every event that was tried has ticketing already: name one without in events.tuvens, or let PATCH "
            '{"hasTicketing": false} take it away'
        )
    return values


def visible(page: Observation) -> set[str]:
    """The names of the parts that are visible."""
    return set(page.values["shown"])


def part(page: Observation, name: str) -> Mapping[str, Any]:
    """A part of a page: its text, addresses and place; empty where it is not visible."""
    found: Mapping[str, Any] = page.values["shown"].get(name, {})
    return found


def text(page: Observation, name: str) -> str:
    """The text of a part in one line, empty where it is not visible."""
    return " ".join(str(part(page, name).get("text", "")).split())


def told(page: Observation) -> str:
    """What is visible, in a line."""
    words = [f"{name} {text(page, name)[:60]!r}" if text(page, name) else name for name in page.values["shown"]]
    problem = page.values["error"]
    return f"visible: {', '.join(words) or 'nothing of the known parts'}" + (f" ({problem})" if problem else "")


def visits(page: Observation, path: str) -> list[Mapping[str, Any]]:
    """The addresses of that path on the way that a tab went."""
    return [each for each in page.values["way"] if str(each["to"]).endswith(path)]
