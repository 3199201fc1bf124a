"""Example histories of the rules about what a person sees in a browser."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts.browser.rules_arrival import ARRIVES, EMBEDS, RETURN
from contracts.browser.rules_journey import ENABLES, ERRORS
from contracts.browser.rules_widget import LATE, NETWORK, NONE, STATES, WINDOWS
from harness.history import Context, Entry, History, Observation
from tests.contracts.examples import Examples, breaks, holds, honest, leaves_open, one_change_breaks
from tests.contracts.histories import answer, history, observed

CLIENT, HI = "https://tuvens.example", "https://tickets.example"
PAGE = f"{HI}/event/2/evening-11"
TOKEN = "<session-token:1f0c33a2>"
TITLES = {"active": "Tickets on sale", "inactive": "Paused", "setup": "Being set up"}


def part(text: str = "", **others: Any) -> dict[str, Any]:
    """A part of a page that is visible."""
    return {
        "text": text,
        "src": "",
        "href": "",
        "target": "",
        "off": False,
        "left": 20,
        "right": 340,
        "width": 320,
        **others,
    }


def looks(step: str, shown: Mapping[str, Any], **others: Any) -> Observation:
    """What a tab shows."""
    values: dict[str, Any] = {
        "status": 200,
        "error": "",
        "address": f"{CLIENT}/event/11",
        "documents": 1,
        "shown": dict(shown),
        "content_width": 360,
        "window_width": 360,
    }
    return observed(step, **{**values, **others})


def state(name: str, **others: Any) -> dict[str, Any]:
    """The parts of the widget in a state."""
    parts = {
        "active": {
            "tickets": part(src=f"{PAGE}/embed"),
            "tickets_link": part("Get tickets at Hi.Events", href=PAGE, target="_blank"),
        },
        "inactive": {"paused": part("No tickets are sold at the moment.")},
        "setup": {"progress": part()},
        "none": {"register": part("Register by email")},
    }
    return {"title": part(TITLES.get(name, "Register")), **parts[name], **others}


def states(*others: Entry) -> History:
    """The story of the states, some of it otherwise."""
    found: list[Entry] = []
    for name in ("active", "inactive", "setup"):
        found.append(looks(f"{STATES}/fresh/{name}", state(name), hi_events=PAGE, embeds=[200]))
        found.append(looks(f"{STATES}/open/{name}", state(name)))
    found.append(observed(f"{STATES}/other", tuvens="31"))
    found.append(other(state("active")))
    return _instead(found, *others)


def fresh(name: str, shown: Mapping[str, Any], **others: Any) -> Observation:
    """A page that was opened anew."""
    return looks(f"{STATES}/fresh/{name}", shown, **{"hi_events": PAGE, "embeds": [200], **others})


def other(shown: Mapping[str, Any], **others: Any) -> Observation:
    """The open page after another event changed."""
    return looks(f"{STATES}/other/page", shown, **{"told": True, "own": "active", **others})


def none(shown: Mapping[str, Any]) -> History:
    """The page of an event without ticketing."""
    return history(observed(f"{NONE}/event", tuvens="31", title="Evening"), looks(f"{NONE}/none", shown))


def windows(**others: Any) -> History:
    """Wide, narrow and far, one of them otherwise."""
    far = {"early": [], "late": [200], "before": {"shown": state("active")}}
    found: list[Entry] = [
        looks(f"{WINDOWS}/wide", state("active"), content_width=1280, window_width=1280),
        looks(f"{WINDOWS}/narrow", state("active")),
        looks(f"{WINDOWS}/far", state("active"), **far),
    ]
    for number, name in enumerate(("wide", "narrow", "far")):
        entry = found[number]
        assert isinstance(entry, Observation)
        found[number] = replace(entry, values={**entry.values, **others.get(name, {})})
    return history(*found)


def network(after: Mapping[str, Any], *, later: str = "setup", **others: Any) -> History:
    """A page that lost the network, and after that."""
    paused = state("inactive")
    return history(
        looks(f"{NETWORK}/before", paused),
        looks(f"{NETWORK}/cut", paused),
        looks(f"{NETWORK}/after", after, **others),
        looks(f"{NETWORK}/later", state(later), **others),
    )


def late(after: Mapping[str, Any], *, before: str = "setup", **others: Any) -> History:
    """A page whose stream was held back while the event went live."""
    return history(looks(f"{LATE}/before", state(before)), looks(f"{LATE}/after", after, **{"held": 1, **others}))


QUERY = {
    "session_token": TOKEN,
    "return_url": f"{CLIENT}/hi-events/callback",
    "account_id": "123",
    "event_id": "31",
    "action": "create_event",
    "event_data": '{"title": "Evening"}',
}
TOLD = {"status": "success", "event_id": "31", "hi_events_event_id": "7", "account_id": "123"}
_OVER = {"status": "error", "error_code": "EXPIRED_SESSION", "event_id": "31"}
SUCCESS = {"callback_success": part("Ticketing is set up")}
ERROR = {"callback_error": part("The session was not valid any more.")}


def journey(
    *others: Entry,
    query: Mapping[str, str] | None = None,
    told: Mapping[str, str] | None = None,
    linked: Mapping[str, Any] | None = None,
    took: float = 1.0,
) -> History:
    """An organiser enables ticketing, some of it otherwise."""
    way = [
        {"to": f"{HI}/auth/cross-app", "query": dict(QUERY if query is None else query), "status": 302},
        {"to": f"{CLIENT}/hi-events/callback", "query": dict(TOLD if told is None else told), "status": 200},
    ]
    event = {"ticketing_enabled": True, "hi_events_event_id": "7", **(linked or {})}
    found: list[Entry] = [
        observed(f"{ENABLES}/event", tuvens="31", title="Evening"),
        looks(f"{ENABLES}/before", {**state("none"), "enable": part("Enable ticketing")}),
        looks(f"{ENABLES}/expired", ERROR, clicked=True, arrived=True, way=way, asked=1),
        looks(f"{ENABLES}/loading", {"loading": part("Opening Hi.Events…")}, clicked=True, clicked_again=True, asked=1),
        looks(f"{ENABLES}/callback", SUCCESS, arrived=True, way=way, asked=1, took=took),
        answer(f"{ENABLES}/event after", 200, event),
        looks(f"{ENABLES}/made live", {"signed_in": part("Signed in")}, clicked=True, followed=True),
        looks(f"{ENABLES}/waiting", state("active"), hi_events=PAGE),
    ]
    return _at_client(_instead(found, *others))


def errors(*others: Entry) -> History:
    """An organiser sees errors, some of it otherwise."""
    shown = {"problem": part("Tuvens could not start a session."), "retry": part("Try again")}
    found: list[Entry] = [observed(f"{ERRORS}/event", tuvens="31", title="Evening")]
    names = ("failing", "signed out", "forbidden", "limited", "nonsense", "unreachable")
    found += [looks(f"{ERRORS}/error/{name}", shown, clicked=True, asked=1, planted=0) for name in names]
    found.append(looks(f"{ERRORS}/retry", shown, clicked=True, asked=2))
    return _instead(found, *others)


def error(name: str, shown: Mapping[str, Any], **others: Any) -> Observation:
    """One of the errors."""
    return looks(f"{ERRORS}/error/{name}", shown, **{"clicked": True, "asked": 1, "planted": 0, **others})


def returns(name: str, shown: Mapping[str, Any], **others: Any) -> History:
    """A return from hi.events."""
    return history(looks(f"{RETURN}/return/{name}", shown, **{"planted": 0, "dialogs": 0, **others}))


def arrival(*others: Entry) -> History:
    """An organiser arrives at hi.events, some of it otherwise."""
    manage = f"{HI}/manage?event=11"
    told = {"status": "error", "error_code": "INVALID_SESSION"}
    found: list[Entry] = [
        looks(f"{ARRIVES}/arrived", {"signed_in": part("Signed in as Zoë")}, address=manage, way=[]),
        observed(f"{ARRIVES}/referers", seen=3, after=4, **{"with a token": []}),
        looks(f"{ARRIVES}/unknown session", ERROR, told=told),
        looks(f"{ARRIVES}/foreign return", {}, status=400, reached=[]),
    ]
    return _instead(found, *others)


def embedded(widget: str) -> History:
    """Both embeddable pages, the second with that text."""
    return history(
        looks(f"{EMBEDS}/embed", {}, frame=f"{PAGE}/embed", text="Evening"),
        looks(f"{EMBEDS}/widget", {}, frame=f"{HI}/widget/2", text=widget),
    )


def loaded(**others: Any) -> History:
    """What was loaded in one story."""
    values = {"loaded": 9, "documents": 2, "scripts": 5, "found": [], "storage": [], "unread": [], "dialogs": 0}
    return history(observed(f"{STATES}/loaded/visitor", **{**values, **others}))


def found_in(kind: str, place: str, url: str = f"{CLIENT}/_app/page.js") -> dict[str, str]:
    """A secret that was found."""
    return {"kind": kind, "mark": "1f0c33a2", "place": place, "url": url, "method": "GET"}


def _instead(entries: list[Entry], *others: Entry) -> History:
    by_step = {each.step: each for each in others}
    assert set(by_step) <= {each.step for each in entries}
    return history(*(by_step.get(each.step, each) for each in entries))


def _at_client(seen: History) -> History:
    targets = {app: {"url": url, "kind": "local"} for app, url in (("tuvens-client", CLIENT), ("hi.events", HI))}
    context = Context("by hand", "2025-07", targets, frozenset())
    return History(context, seen.entries, seen.stories.values())


EXAMPLES: Examples = {
    **one_change_breaks(
        states,
        {
            "event_page_opens": ("the title is missing", fresh("setup", {})),
            "active_state_shows_the_tickets": (
                "the iframe shows the page, not its /embed",
                fresh("active", state("active", tickets=part(src=PAGE))),
            ),
            "setup_state_shows_progress": ("progress is missing", fresh("setup", {"title": part("…")})),
            "inactive_state_says_that_sales_are_paused": ("it shows the tickets", fresh("inactive", state("active"))),
            "open_page_follows_the_changes": (
                "it still shows the tickets",
                looks(f"{STATES}/open/inactive", state("active")),
            ),
            "page_ignores_changes_of_other_events": (
                "it shows the other event's state",
                other(state("setup")),
            ),
            "title_follows_the_state": (
                "the title stays",
                looks(f"{STATES}/open/inactive", state("inactive", title=part(TITLES["active"]))),
            ),
        },
    ),
    "no_ticketing_shows_another_registration": (
        holds("it offers to register", none(state("none"))),
        breaks("it shows progress", none(state("setup"))),
    ),
    "page_fits_the_window": (
        honest(windows()),
        breaks(
            "the tickets are wider than the window",
            windows(narrow={"shown": state("active", tickets=part(right=980, width=960))}),
        ),
    ),
    "tickets_load_when_they_are_near": (honest(windows()), breaks("they load at once", windows(far={"early": [200]}))),
    "page_catches_up_after_a_lost_network": (
        holds("it shows the tickets", network(state("active"))),
        breaks("it does not change", network(state("inactive"))),
        breaks("it does not listen again", network(state("active"), later="active")),
        leaves_open("it does not while the browser is late", network(state("inactive"), lag=3.0)),
        leaves_open(
            "it does not, and a connection of its broke",
            network(state("inactive"), lost=["GET http://c/api/events/11: net::ERR_CONNECTION_RESET"]),
        ),
    ),
    "page_shows_what_changed_before_it_listened": (
        holds("it shows the tickets", late(state("active"))),
        breaks("it does not change", late(state("setup"))),
        leaves_open("it does not while the browser is late", late(state("setup"), lag=3.0)),
    ),
    "enable_ticketing_leads_to_hi_events": (
        honest(journey()),
        breaks(
            "the return URL is of another origin",
            journey(query={**QUERY, "return_url": "https://staging.example/hi-events/callback"}),
        ),
    ),
    **one_change_breaks(
        journey,
        {
            "enabling_shows_that_it_works": (
                "a second click asks again",
                looks(f"{ENABLES}/loading", {}, clicked=True, clicked_again=True, asked=2),
            ),
            "an_expired_session_can_be_replaced": (
                "a success is shown",
                looks(f"{ENABLES}/expired", SUCCESS, clicked=True, arrived=True, way=[], asked=1),
            ),
            "a_waiting_page_shows_the_tickets_of_a_new_event": (
                "it does not change",
                looks(f"{ENABLES}/waiting", state("none"), hi_events=PAGE),
            ),
        },
    ),
    **one_change_breaks(
        errors,
        {
            "errors_of_enabling_are_shown": (
                "nonsense shows no error",
                error("nonsense", {"enable": part("Enable ticketing")}),
            ),
            "errors_of_enabling_can_be_retried": (
                "there is no button",
                error("failing", {"problem": part("It failed.")}),
            ),
            "error_texts_stay_text": (
                "the message becomes an element",
                error("failing", {"problem": part("x")}, planted=1),
            ),
        },
    ),
    "hi_events_comes_back_with_the_ids": (
        honest(journey()),
        leaves_open("the browser is late", journey(looks(f"{ENABLES}/callback", {}, arrived=False, way=[], lag=3.0))),
        breaks("only the older spelling comes", journey(told={"success": "true", "tuvens_event_id": "31"})),
        breaks("it says at once that the session is over", journey(told=_OVER, took=3.0)),
        leaves_open("the way took longer than a session lasts", journey(told=_OVER, took=900.0)),
    ),
    "a_success_links_the_event": (
        honest(journey()),
        breaks("the event has no ticketing", journey(linked={"ticketing_enabled": False, "hi_events_event_id": None})),
    ),
    "a_cancelled_return_is_told": (
        holds("it is shown", returns("cancelled", {"callback_cancelled": part("Cancelled")})),
        breaks("a success is shown", returns("cancelled", SUCCESS)),
    ),
    "an_error_return_is_told": (
        holds("it is shown", returns("error", ERROR)),
        breaks("a success is shown", returns("error", SUCCESS)),
    ),
    "the_older_spelling_is_read": (
        holds("a success is shown", returns("older spelling", SUCCESS)),
        breaks("an error is shown", returns("older spelling", ERROR)),
    ),
    "return_texts_stay_text": (
        holds("the text is shown", returns("error", ERROR)),
        breaks("the script is run", returns("error", ERROR, planted=1, dialogs=1)),
    ),
    "arrives_signed_in": (
        honest(arrival()),
        breaks("nobody is signed in", arrival(looks(f"{ARRIVES}/arrived", {}, way=[]))),
        breaks("nobody is, in time", arrival(looks(f"{ARRIVES}/arrived", {}, way=[], session_left=1.0))),
        leaves_open("the session expired on the way", arrival(looks(f"{ARRIVES}/arrived", {}, session_left=-1.0))),
    ),
    **one_change_breaks(
        arrival,
        {
            "session_token_is_left_behind": (
                "the address has the token",
                looks(
                    f"{ARRIVES}/arrived",
                    {"signed_in": part("Signed in")},
                    address=f"{HI}/auth/cross-app?session_token={TOKEN}",
                    way=[],
                ),
            ),
            "a_dead_session_leads_back_with_an_error": (
                "the address tells no error",
                looks(f"{ARRIVES}/unknown session", {}, told={}),
            ),
            "a_foreign_return_url_is_not_followed": (
                "the browser goes there",
                looks(f"{ARRIVES}/foreign return", {}, reached=["https://elsewhere.example/callback"]),
            ),
        },
    ),
    "an_event_can_be_embedded": (
        holds("both show text", embedded("Evening")),
        breaks("the widget is empty", embedded("")),
    ),
    "nothing_in_the_browser_holds_a_secret": (
        holds("no secret was found", loaded()),
        breaks("a script holds the shared secret", loaded(found=[found_in("shared-secret", "body")])),
    ),
    "no_jwt_goes_to_hi_events": (
        holds("tuvens-client gets it", _at_client(loaded(found=[found_in("jwt", "address", f"{CLIENT}/updates")]))),
        breaks("an iframe's address has it", _at_client(loaded(found=[found_in("jwt", "address", f"{HI}/embed")]))),
        leaves_open("no script was loaded", loaded(scripts=0)),
    ),
}
