"""The observations of stories in a browser: what a page showed, and where its tab went."""

from collections.abc import Iterable, Mapping
from typing import Any

import openapi
from harness.expectations import LackingError, UndecidedError, expect
from harness.history import History, Observation

SHOWS = {"active": "tickets", "setup": "progress", "inactive": "paused", "none": "register"}
"""By state of the widget, the part of the page that is visible in this state only."""

PARTS_OF_HI_EVENTS = ("signed_in", "make_live")
"""The parts of hi.events' pages; all other parts are of tuvens-client's."""

_ERRORS = {"problem", "callback_error"}
# Seconds by which a browser may be late with its work.
_LATE = 0.5

PAGE_PATH = openapi.find("openCrossAppPage").path


def page_at(history: History, step: str) -> Observation:
    """A page as the browser showed it at a step. Raises UndecidedError if it was not loaded or was rate limited."""
    page = history.observation(step)
    if page.values["status"] is None:
        raise UndecidedError(f"{step}: the page was not loaded: {page.values['error'] or 'no response'}")
    if page.values["status"] == 429:
        raise UndecidedError(f"{step}: the page was rate limited (429)")
    return page


def pages_of(history: History, story: str) -> list[Observation]:
    """The pages that a story saw."""
    return [each for each in history.of_story(story) if isinstance(each, Observation) and "shown" in each.values]


def event_of(history: History, story: str) -> Mapping[str, Any]:
    """The event without ticketing that a story used. Raises LackingError if there was none."""
    values = history.observation(f"{story}/event").values
    if not values["tuvens"]:
        raise LackingError(
            "every event that was tried already has ticketing: name one without it in events.tuvens, or let PATCH "
            '{"hasTicketing": false} remove it'
        )
    return values


def visible(page: Observation) -> set[str]:
    """The names of the visible parts."""
    return set(page.values["shown"])


def part(page: Observation, name: str) -> Mapping[str, Any]:
    """A part of a page: its text, addresses and place; empty if it is not visible."""
    found: Mapping[str, Any] = page.values["shown"].get(name, {})
    return found


def text(page: Observation, name: str) -> str:
    """The text of a part in one line; empty if it is not visible."""
    return " ".join(str(part(page, name).get("text", "")).split())


def summary(page: Observation) -> str:
    """The visible parts, in one line."""
    words = [f"{name} {text(page, name)[:60]!r}" if text(page, name) else name for name in page.values["shown"]]
    problem = page.values["error"]
    return f"visible: {', '.join(words) or 'none of the known parts'}" + (f" ({problem})" if problem else "")


def expect_visible(
    page: Observation, name: str, expected: str, *, hidden: str = "", others: Iterable[Observation] = ()
) -> None:
    """Raises BrokenRuleError unless one part is visible, and another is not; UndecidedError where a part that is not
    found may only read otherwise, which it does not if one of the `others` shows it."""
    fits = name in visible(page) and hidden not in visible(page)
    if not fits:
        expect_undisturbed(page)
    if hidden not in visible(page):
        expect_known(page, name, others)
    expect(fits, expected=expected, observed=summary(page), at=page)


def expect_undisturbed(page: Observation) -> None:
    """An error that a page shows is the application's own. Raises UndecidedError where it shows one and connections of
    this run broke: the page's server may have lost a request of its own, which no record shows."""
    shows_error = (page.values["status"] or 0) >= 500 or not visible(page) or _ERRORS & visible(page)
    losses = page.values.get("losses", 0)
    if shows_error and losses:
        raise UndecidedError(
            f"{page.step}: the page shows an error ({summary(page)}), but {losses} requests of this run were lost, and "
            "the page's server may have lost one, too",
            "Run again over a network that loses no connections.",
        )


def expect_awake(page: Observation) -> None:
    """What a page does not show yet, it was not going to show. Raises UndecidedError where the browser, or crossapp
    itself, was so busy that it may only be late, and where a connection of the page broke on the way."""
    lost = page.values.get("lost", ())
    if lost:
        raise UndecidedError(f"{page.step}: a connection of the page broke: {lost[0]}", "Run again.")
    late = float(page.values.get("lag", 0.0))
    if late > _LATE:
        raise UndecidedError(
            f"{page.step}: the browser and crossapp were {late:.1f} s late while crossapp waited for the page",
            "Run again on a less busy machine.",
        )


def stream_of(page: Observation) -> str:
    """What is wrong with the page's stream of updates, in words; empty where it is open. Raises UndecidedError where it
    was not open yet when the event changed: that change does not reach the page."""
    streams = page.values.get("streams", ())
    if not streams or any(each["status"] == 200 for each in streams):
        if streams and not page.values.get("listened", True):
            raise UndecidedError(
                f"{page.step}: the page's stream of updates opened only after the change", "Run again."
            )
        return ""
    first = streams[0]
    said = f"status {first['status']}" if first["status"] else first["failed"] or "no response"
    return f"its stream GET {first['url']}: {said}"


def expect_known(page: Observation, name: str, others: Iterable[Observation] = ()) -> None:
    """Raises UndecidedError where a part is not visible, and nothing says that its usual selector fits these pages, or
    the browser may only be late.

    A deployment's pages may read otherwise. The selectors fit for sure where the deployment file names them, at the
    simulators, and where one of the `others` shows the part.
    """
    if name not in visible(page):
        expect_awake(page)
    sure = page.values.get("sure")
    if any(name in visible(each) for each in others):
        return
    if name not in visible(page) and sure is not None and name not in sure:
        target = '"hi.events"' if name in PARTS_OF_HI_EVENTS else "tuvens-client"
        raise UndecidedError(
            f"{page.step}: the part {name} was not found, but these pages may use other texts ({summary(page)})",
            f"Set its selector, [targets.{target}.selectors] {name} = … (docs/browser.md), then run again.",
        )


def expect_no_reload(page: Observation) -> None:
    """Raises BrokenRuleError if the tab loaded its page more than once."""
    documents = page.values["documents"]
    expect(documents == 1, expected="no reload", observed=f"{documents} documents were loaded in the tab", at=page)


def visits(page: Observation, path: str) -> list[Mapping[str, Any]]:
    """The addresses with this path that the tab went to, in order."""
    return [each for each in page.values["way"] if str(each["to"]).endswith(path)]
