"""Example histories of the rules about the whole way."""

from urllib.parse import urlencode

from harness.history import Entry
from harness.history import History as Seen
from tests.contracts.examples import Examples, breaks, holds, honest, leaves_open
from tests.contracts.hi_events_page.examples import CALLBACK, ORIGIN, SUCCESS, redirect
from tests.contracts.hi_events_session.examples import refused, signed_in
from tests.contracts.histories import NOW, answer, asleep, closed, history, message, observed, opened

LIVE, SECRET, PERMISSION = "event_goes_live", "a_wrong_secret_is_put_right", "a_missing_permission_is_noticed"
NETWORK, EXPIRED = "a_listener_loses_the_network", "an_expired_session_is_replaced_by_the_clock"
ACTIVE = {"ticketing_status": "active", "contactData": {"hiEventsStatus": "LIVE"}}
SETUP = {"ticketing_status": "setup", "contactData": {"hiEventsStatus": "DRAFT"}}


def change(story: str, status: str = "LIVE", event: object = None, at: float = NOW) -> list[Entry]:
    """A change at hi.events, and what tuvens-api's event shows afterwards."""
    changed = answer(f"{story}/change/{status}", 200, {}, callee="hi.events", method="PUT", at=at)
    return [changed, answer(f"{story}/event at tuvens-api/{status}", 200, ACTIVE if event is None else event)]


def live(event: object = None, *, heard: str = "active", **made: object) -> Seen:
    """The whole way to a live event, and the page that listens."""
    draft = {"id": 40, "title": "Live", "status": "DRAFT", "tuvens_event_id": "31", **made}
    return history(
        answer(f"{LIVE}/generate session", 200, {"session_token": "<session-token:1>"}),
        signed_in(f"{LIVE}/sign in"),
        opened(f"{LIVE}/stream"),
        redirect(f"{LIVE}/page", f"{CALLBACK}?{urlencode(SUCCESS)}"),
        answer(f"{LIVE}/event made", 200, draft, callee="hi.events"),
        observed(f"{LIVE}/event", hi="40", tuvens="31", **{"made by": "that the page made"}),
        *change(LIVE, event=event),
        message(f"{LIVE}/stream", {"eventId": "31", "status": heard}),
        settings={"return_origin": ORIGIN},
    )


def _expired(first: Entry, event: object = None) -> Seen:
    return history(first, signed_in(f"{EXPIRED}/new/sign in"), *change(EXPIRED, event=event))


def _secret(validated: int, delivered: int = 401) -> Seen:
    return history(
        answer(f"{SECRET}/wrong secret/validate session", validated, {}),
        answer(f"{SECRET}/wrong secret/webhook", delivered, {}),
        signed_in(f"{SECRET}/right secret/sign in"),
        *change(SECRET),
    )


def _permission(foreign: bool) -> Seen:
    answers = {"foreign event": foreign, "own event": True}
    return history(
        *(
            answer(f"{PERMISSION}/permission/{name}", 200, {"has_permission": each}, callee="hi.events")
            for name, each in answers.items()
        ),
        *change(PERMISSION),
    )


def network(*heard: tuple[str, float], broken: bool = False) -> Seen:
    """A listener who comes back hears these (status, seconds after the first change), until its stream breaks."""
    return history(
        observed(f"{NETWORK}/event", hi="11", tuvens="11"),
        *change(NETWORK),
        *change(NETWORK, "DRAFT", SETUP),
        opened(f"{NETWORK}/stream after"),
        *change(NETWORK, "LIVE again", at=NOW + 10),
        *(message(f"{NETWORK}/stream after", {"eventId": "11", "status": each}, at=NOW + at) for each, at in heard),
        *((closed(f"{NETWORK}/stream after", "ReadError"),) if broken else ()),
    )


def _raced(*told: str) -> Seen:
    step = "many_are_asked_about_at_once/question"
    minted_for = ("1", "3")
    return history(
        *(
            answer(step, 200, {"user_id": each}, facts={"user_id": whom})
            for each, whom in zip(told, minted_for, strict=True)
        )
    )


EXAMPLES: Examples = {
    "an_event_goes_live": (
        honest(live()),
        breaks("the event stays in setup", live(SETUP)),
        leaves_open("we are late", asleep(live(SETUP))),
    ),
    "a_listener_hears_that_an_event_is_live": (
        honest(live()),
        breaks("the message tells another status", live(heard="setup")),
        leaves_open("it does while we are late", asleep(live(heard="setup"))),
    ),
    "an_expired_session_is_recovered_from": (
        holds("a new session leads to the live event", _expired(refused(f"{EXPIRED}/expired/sign in"))),
        breaks("the event stays in setup", _expired(refused(f"{EXPIRED}/expired/sign in"), SETUP)),
    ),
    "a_wrong_secret_is_recovered_from": (
        holds("it is refused, and the right one works", _secret(401)),
        breaks("the wrong secret is accepted", _secret(200)),
    ),
    "a_missing_permission_is_recovered_from": (
        holds("it is denied, and the own event is granted", _permission(False)),
        breaks("the foreign event is granted", _permission(True)),
    ),
    "a_lost_network_is_recovered_from": (
        holds("the message after the reconnect comes", network(("setup", 1.0), ("active", 10.1))),
        breaks("the message after the reconnect is missing", network(("setup", 1.0))),
        leaves_open("the stream broke", network(("setup", 1.0), broken=True)),
    ),
    "concurrent_questions_are_told_apart": (
        holds("each answer names its user", _raced("1", "3")),
        breaks("one answer names another user", _raced("1", "1")),
    ),
}
