"""Enable ticketing: from the click to hi.events, back, and to the live event."""

import json
from urllib.parse import urlsplit

from contracts.browser.observations import (
    PAGE_PATH,
    SHOWS,
    event_of,
    expect_awake,
    expect_no_reload,
    expect_undisturbed,
    expect_visible,
    page_at,
    summary,
    text,
    visits,
)
from contracts.browser.rules_widget import CHANGES, NEEDS, OPERATIONS
from contracts.catalogue import RuleFamily
from harness.expectations import UndecidedError, expect, expect_success, held, json_object
from harness.history import History, Observation
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

ENABLES = "pages_enable_ticketing"
ERRORS = "pages_show_errors"
_LINKS = "browser.a_success_links_the_event"

_NEEDS = ("browser", "target:tuvens-client", "events")
_WRAPS = "client_session.wraps_a_session"
_OPERATIONS = (*OPERATIONS, "wrapGenerateSession", "openCrossAppPage")
_SESSION_IS_OVER = ("INVALID_SESSION", "EXPIRED_SESSION")
# Seconds: expires_at may have been rounded down to a whole one.
_ROUNDED = 1.0
_ON_SUCCESS = ("status", "event_id", "hi_events_event_id", "account_id")


def _clicked(history: History, story: str, step: str) -> Observation:
    """The page at a step that begins with the click. Raises UndecidedError if the button was not found."""
    event_of(history, story)
    page = page_at(history, f"{story}/{step}")
    if not page.values["clicked"]:
        raise UndecidedError(
            f"the button Enable ticketing was not found: {summary(page)}; set targets.tuvens-client.selectors.enable"
        )
    return page


enabling_rule = RuleFamily(
    level=MUST, obliged="tuvens-client", section="tuvens-client", story=ENABLES, operations=_OPERATIONS, needs=_NEEDS
)


@enabling_rule(
    section="Page GET /auth/cross-app",
    quote="Query: session_token, return_url (or callback_url), app_id (or source)",
    settles=["C-TC-06", "C-FL-01"],
    depends_on=[_WRAPS, *CHANGES],
)
def enable_ticketing_leads_to_hi_events(history: History) -> Verdict:
    """tuvens-client redirects a click on Enable ticketing to hi.events' page, with a session token, the event, its data
    and a return URL of tuvens-client."""
    event = event_of(history, ENABLES)
    offered = page_at(history, f"{ENABLES}/before")
    expect_visible(offered, "enable", "Enable ticketing")
    _clicked(history, ENABLES, "loading")
    page = page_at(history, f"{ENABLES}/callback")
    arrived = visits(page, PAGE_PATH)
    if not arrived:
        expect_awake(page)
        expect_undisturbed(page)
    expect(bool(arrived), expected=f"hi.events' {PAGE_PATH}", observed=summary(page), at=page)
    query = arrived[0]["query"]
    for name in ("session_token", "account_id"):
        expect(bool(query.get(name)), expected=f"{name} in the query", observed=_names(query), at=page)
    wanted = {"event_id": str(event["tuvens"]), "action": "create_event"}
    for name, value in wanted.items():
        expect(query.get(name) == value, expected=f"{name}={value}", observed=_names(query), at=page)
    back = query.get("return_url") or query.get("callback_url") or ""
    own = _origin(str(history.context.targets["tuvens-client"]["url"]))
    expect(_origin(back) == own, expected=f"a return URL of {own}", observed=back[:160] or "none", at=page)
    title = _title(query.get("event_data", ""))
    expect(
        title == event["title"],
        expected=f"event_data with the title {event['title']!r}",
        observed=f"the title {title!r}",
        at=page,
    )
    return held((offered, page))


@enabling_rule(
    quote="Enable ticketing: generate-session, loading state, redirect to the page above; errors shown "
    "with a way to retry.",
    settles="C-TC-06",
    depends_on=[_WRAPS, *CHANGES],
)
def enabling_shows_that_it_works(history: History) -> Verdict:
    """While a session is being created, tuvens-client shows a loading state and ignores further clicks."""
    page = _clicked(history, ENABLES, "loading")
    expect_visible(page, "loading", "a loading state")
    asked = page.values["asked"]
    if asked == 0:
        raise UndecidedError("the click did not request a session from tuvens-client's server")
    expect(asked == 1, expected="one request for a session", observed=f"{asked} after a second click", at=page)
    return held(page)


error_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-client",
    section="tuvens-client",
    quote="Enable ticketing: generate-session, loading state, redirect to the page above; errors shown "
    "with a way to retry.",
    story=ERRORS,
    settles="C-TC-06",
    operations="getEvent",
    needs=_NEEDS,
    depends_on="browser.errors_of_enabling_are_shown",
)


@error_rule(depends_on="routes.tuvens-client_answers")
def errors_of_enabling_are_shown(history: History) -> Verdict:
    """tuvens-client shows an error if it cannot get a session: the request was rejected, failed, or got an invalid
    response or none."""
    pages = []
    for name in ("failing", "signed out", "forbidden", "limited", "nonsense", "unreachable"):
        page = _clicked(history, ERRORS, f"error/{name}")
        if not page.values["asked"]:
            raise UndecidedError("the click did not request a session from tuvens-client's server")
        if not text(page, "problem"):
            expect_awake(page)
            expect_undisturbed(page)
        expect(bool(text(page, "problem")), expected=f"an error ({name})", observed=summary(page), at=page)
        pages.append(page)
    return held(pages)


@error_rule()
def errors_of_enabling_can_be_retried(history: History) -> Verdict:
    """tuvens-client offers a retry after an error of Enable ticketing, and the retry requests a session again."""
    failed = _clicked(history, ERRORS, "error/failing")
    expect_visible(failed, "retry", "a way to try again")
    again = page_at(history, f"{ERRORS}/retry")
    if again.values["asked"] <= 1:
        expect_awake(again)
    expect(
        again.values["asked"] > 1,
        expected="a second request for a session",
        observed=f"{again.values['asked']} in all",
        at=again,
    )
    return held((failed, again))


@error_rule(
    level=SHOULD,
    next_step="Set textContent, never innerHTML ({@html …} in Svelte); also send a content security policy.",
    security=True,
)
def error_texts_stay_text(history: History) -> Verdict:
    """tuvens-client shows the message of an error as text: it never runs a script or creates an element from it."""
    pages = []
    for name in ("failing", "signed out", "forbidden", "limited"):
        page = _clicked(history, ERRORS, f"error/{name}")
        expect(
            not page.values["planted"],
            expected="the message as text",
            observed="the page contains an element of the message",
            at=page,
        )
        pages.append(page)
    return held(pages)


@enabling_rule(
    obliged="hi.events",
    section="Page GET /auth/cross-app",
    quote="`status` = success | error | cancelled, `event_id`, `hi_events_event_id`, `account_id`",
    settles=["C-HE-12", "C-FL-01"],
    depends_on=["browser.enable_ticketing_leads_to_hi_events", "session_token.held_permission_is_true_on_an_own_event"],
)
def hi_events_comes_back_with_the_ids(history: History) -> Verdict:
    """hi.events redirects the browser to the return URL after it created the event, with status, event_id,
    hi_events_event_id and account_id."""
    event = event_of(history, ENABLES)
    _clicked(history, ENABLES, "loading")
    page = page_at(history, f"{ENABLES}/callback")
    visit = next(iter(visits(page, PAGE_PATH)), None)
    back = (visit or {"query": {}})["query"].get("return_url", "").partition("?")[0]
    came = [each for each in page.values["way"] if back and str(each["to"]) == back]
    if not came:
        expect_awake(page)
    expect(bool(came), expected=f"back to {back}", observed=_last(page), at=page)
    query = came[-1]["query"]
    lasts = float(history.context.settings.get("session_expiry", 900))
    if query.get("error_code") in _SESSION_IS_OVER and page.values.get("took", 0.0) > lasts - _ROUNDED:
        raise UndecidedError(
            f"the browser took {page.values['took']:.1f} s to hi.events and back, but a session lasts {lasts:.0f} s"
        )
    if query.get("status") == "error":
        expect_undisturbed(page)
    for name in _ON_SUCCESS:
        expect(bool(query.get(name)), expected=f"{name} in the query", observed=_names(query), at=page)
    expect(
        query["status"] == "success" and query["event_id"] == str(event["tuvens"]),
        expected=f"status=success and event_id={event['tuvens']}",
        observed=_names(query),
        at=page,
    )
    return held(page)


@enabling_rule(
    quote="handles success, error, cancelled; on success PATCHes the event.",
    settles=["C-TC-10", "C-FL-01"],
    depends_on=["browser.hi_events_comes_back_with_the_ids", "tuvens_event.the_callback_is_noted"],
)
def a_success_links_the_event(history: History) -> Verdict:
    """tuvens-client's callback page shows a success, and the event then has ticketing and the id of its event at
    hi.events."""
    page = page_at(history, f"{ENABLES}/callback")
    expect_visible(page, "callback_success", "a success")
    reading = expect_success(history.one(f"{ENABLES}/event after"))
    value = json_object(reading)
    ids = [each["query"].get("hi_events_event_id") for each in page.values["way"]]
    made = next((each for each in reversed(ids) if each), "")
    expect(
        bool(value.get("ticketing_enabled")) and str(value.get("hi_events_event_id")) == made,
        expected=f"ticketing_enabled true, hi_events_event_id {made}",
        observed=f"{value.get('ticketing_enabled')!r}, {value.get('hi_events_event_id')!r}",
        at=(reading, page),
    )
    return held((page, reading))


@enabling_rule(
    quote="handles success, error, cancelled; on success PATCHes the event.",
    settles=["C-TC-10", "C-FL-01"],
    depends_on=["browser.a_dead_session_leads_back_with_an_error", _LINKS],
)
def an_expired_session_can_be_replaced(history: History) -> Verdict:
    """tuvens-client shows an error to an organiser whose session expired on the way to hi.events; the same browser can
    then enable ticketing."""
    page = _clicked(history, ENABLES, "expired")
    if not page.values["arrived"]:
        expect_awake(page)
    expect(bool(page.values["arrived"]), expected="back on the callback page", observed=_last(page), at=page)
    expect_visible(page, "callback_error", "an error", hidden="callback_success")
    after = page_at(history, f"{ENABLES}/callback")
    return held((page, after))


@enabling_rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    settles=["C-FL-01", "C-FL-02"],
    operations=[*_OPERATIONS, "streamEventUpdates"],
    needs=NEEDS,
    depends_on=[
        _LINKS,
        "hi_events_page.makes_a_draft_that_carries_the_tuvens_event",
        "browser.event_page_opens",
        "browser.open_page_follows_the_changes",
        "browser.active_state_shows_the_tickets",
        "webhook.live_gives_active",
    ],
)
def a_waiting_page_shows_the_tickets_of_a_new_event(history: History) -> Verdict:
    """tuvens-client shows the tickets, without a reload, in a page opened before ticketing was enabled, when the event
    goes live at hi.events."""
    live = history.observation(f"{ENABLES}/made live")
    if not live.values["followed"]:
        raise UndecidedError("tuvens-api's event did not become LIVE")
    page = page_at(history, f"{ENABLES}/waiting")
    expect_visible(page, SHOWS["active"], "the tickets")
    expect_no_reload(page)
    by = "with the page's button" if live.values["clicked"] else "by hi.events' API"
    return held((live, page), f"made live {by}")


def _names(query: object) -> str:
    text = "&".join(f"{name}={value}" for name, value in query.items()) if isinstance(query, dict) else ""
    return text[:240] or "nothing in the query"


def _last(page: Observation) -> str:
    way = page.values["way"]
    return f"{way[-1]['to']}, status {way[-1]['status']}" if way else f"it stayed at {page.values['address'][:160]}"


def _title(text: str) -> object:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value.get("title") if isinstance(value, dict) else None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
