"""The ticketing widget of an event's page, in each of its states and as they change."""

from contracts.browser.observations import (
    SHOWS,
    event_of,
    expect_awake,
    expect_known,
    expect_no_reload,
    expect_undisturbed,
    expect_visible,
    page_at,
    pages_of,
    part,
    stream_of,
    summary,
    text,
    visible,
)
from contracts.catalogue import RuleFamily
from harness.expectations import LackingError, UndecidedError, expect, held
from harness.history import History, NothingObservedError, Observation
from harness.requirement import MUST, SHOULD
from harness.verdict import Blocked, Verdict

STATES = "pages_show_the_states"
NONE = "pages_show_no_ticketing"
WINDOWS = "pages_fit_the_window"
NETWORK = "pages_lose_the_network"
LATE = "pages_listen_late"
_OPENS = "browser.event_page_opens"
_FOLLOWS = "browser.open_page_follows_the_changes"

NEEDS = ("browser", "target:tuvens-client", "linked-event")
OPERATIONS = ("generateSession", "validateCrossAppSession", "setEventStatus", "getEvent", "updateEvent")
CHANGES = (
    "session_token.mints_a_session",
    "hi_events_session.accepts_a_live_session",
    "hi_events_delivery.every_status_is_delivered",
    "webhook.an_update_changes_the_event",
)
_TOLD = (
    "event_stream.an_applied_update_is_told",
    "event_stream.messages_are_unnamed",
    "event_stream.messages_have_the_form",
    # A page may read the event again when it hears a message.
    "event_stream.an_update_can_be_read_when_it_is_told",
)

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-client",
    section="tuvens-client",
    story=STATES,
    operations=OPERATIONS,
    needs=NEEDS,
    depends_on=_OPENS,
)


@rule(
    quote="Event page /event/{id}: accordion with the ticketing widget.",
    depends_on=[
        "routes.tuvens-client_answers",
        *CHANGES,
        "webhook.live_gives_active",
        "webhook.ended_gives_inactive",
        "webhook.cancelled_gives_inactive",
        "webhook.draft_gives_setup",
        "tuvens_event.a_linked_event_has_the_url_of_its_page",
    ],
)
def event_page_opens(history: History) -> Verdict:
    """tuvens-client's event page opens in a browser and shows the accordion with the ticketing widget."""
    pages = [page_at(history, f"{STATES}/fresh/{state}") for state in _states(history)]
    for each in pages:
        status = each.values["status"]
        if status != 200:
            expect_undisturbed(each)
        expect(status == 200, expected="status 200", observed=f"status {status}", at=each)
        expect_visible(each, "title", "the accordion's title")
    return held(pages)


def _states(history: History) -> list[str]:
    """The states that the event was brought to; hi.events may not know a status that results in `inactive`."""
    return [each for each in ("active", "inactive", "setup") if not _is_unknown(history, each)]


def _is_unknown(history: History, state: str) -> bool:
    try:
        history.observation(f"{STATES}/unknown/{state}")
    except NothingObservedError:
        return False
    return True


def _shows_state(history: History, step: str, state: str) -> Observation:
    """The page at a step, which shows the part of this state, and of no other state."""
    page = page_at(history, step)
    own = SHOWS[state]
    others = {part for part in SHOWS.values() if part != own} & visible(page)
    if not others:
        if own not in visible(page):
            expect_undisturbed(page)
        expect_known(page, own)
    expect(
        own in visible(page) and not others,
        expected=f"{own}, and no part of another state",
        observed=summary(page),
        at=page,
    )
    return page


@rule(
    quote="active: iframe of `{hi_events_event_url}/embed` plus a link to `hi_events_event_url` in a new tab",
    settles="C-TC-01",
)
def active_state_shows_the_tickets(history: History) -> Verdict:
    """tuvens-client shows, for an event on sale, an iframe that loads hi.events' tickets, and a link to hi.events that
    opens a new tab."""
    page = _shows_state(history, f"{STATES}/fresh/active", "active")
    url = str(page.values["hi_events"])
    source = str(part(page, "tickets").get("src", ""))
    expect(
        source.partition("?")[0] == f"{url}/embed",
        expected=f"an iframe of {url}/embed",
        observed=f"an iframe of {source or 'nothing'}",
        at=page,
    )
    link = part(page, "tickets_link")
    expect(
        str(link.get("href", "")).partition("?")[0] == url and link.get("target") == "_blank",
        expected=f"a link to {url} in a new tab",
        observed=f"a link to {link['href']}, target {link['target'] or 'none'}" if link else "no link",
        at=page,
    )
    answers = page.values["embeds"]
    if not any(answers):
        raise UndecidedError("the tickets were not requested, or got no response, within some seconds")
    expect(200 in answers, expected="the tickets load with status 200", observed=f"status {answers[-1]}", at=page)
    return held(page)


@rule(quote="setup: progress", settles="C-TC-02")
def setup_state_shows_progress(history: History) -> Verdict:
    """tuvens-client shows progress, and no tickets, while ticketing is being set up."""
    return held(_shows_state(history, f"{STATES}/fresh/setup", "setup"))


@rule(quote="inactive: paused message", settles="C-TC-03")
def inactive_state_says_that_sales_are_paused(history: History) -> Verdict:
    """tuvens-client shows that sales are paused, and no tickets, for an event with inactive ticketing."""
    if _is_unknown(history, "inactive"):
        raise LackingError("hi.events has no status that makes ticketing inactive (ENDED, CANCELLED)")
    return held(_shows_state(history, f"{STATES}/fresh/inactive", "inactive"))


@rule(
    quote="none: alternative registration",
    story=NONE,
    settles="C-TC-04",
    operations="getEvent",
    needs=["browser", "target:tuvens-client", "events"],
    depends_on="routes.tuvens-client_answers",
)
def no_ticketing_shows_another_registration(history: History) -> Verdict:
    """tuvens-client shows an alternative registration, and no tickets, for an event without ticketing."""
    event_of(history, NONE)
    return held(_shows_state(history, f"{NONE}/none", "none"))


@rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    settles=["C-TC-05", "C-FL-02"],
    operations=[*OPERATIONS, "streamEventUpdates"],
    depends_on=[_OPENS, *_TOLD],
    next_step="Check the console, the stream's CORS headers, and that the page listens with onmessage. A proxy that "
    "holds the stream back needs X-Accel-Buffering: no (docs/real-frameworks.md).",
)
def open_page_follows_the_changes(history: History) -> Verdict:
    """tuvens-client updates the widget of an open page after each change at hi.events, without a reload, to what a
    fresh page shows."""
    pages, blank = [], []
    for state in _states(history):
        fresh, stayed = (page_at(history, f"{STATES}/{which}/{state}") for which in ("fresh", "open"))
        parts = set(SHOWS.values())
        if not visible(fresh) & parts:
            expect_known(fresh, SHOWS[state])
        stream = ""
        if visible(fresh) and not visible(stayed):
            expect_awake(stayed)
            expect_undisturbed(stayed)
            blank.append(stayed)
            continue
        if visible(stayed) & parts != visible(fresh) & parts:
            expect_awake(stayed)
            stream = stream_of(stayed)
        expect(
            visible(stayed) & parts == visible(fresh) & parts,
            expected=f"what a fresh page shows ({', '.join(sorted(visible(fresh) & parts)) or 'nothing'})",
            observed=f"{summary(stayed)} some seconds after the change" + (f"; {stream}" if stream else ""),
            at=stayed,
        )
        expect_no_reload(stayed)
        pages += [stayed, fresh]
    # The page's own server may have lost one request for the event, which no record shows.
    if len(blank) == 1:
        raise UndecidedError(
            f"{blank[0].step}: the page turned into an error page, after one change only", "Run again."
        )
    expect(
        not blank, expected="what a fresh page shows", observed="an error page after each of several changes", at=blank
    )
    return held(pages)


@rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    operations=[*OPERATIONS, "streamEventUpdates"],
    # Not on the rule about following: a page that follows other events, too, may break both.
    depends_on=[*_TOLD, "browser.active_state_shows_the_tickets"],
    next_step="Compare the message's eventId with the id of the event that the page shows.",
)
def page_ignores_changes_of_other_events(history: History) -> Verdict:
    """tuvens-client leaves the widget of an open page unchanged when another event changes."""
    if not history.observation(f"{STATES}/other").values["tuvens"]:
        raise LackingError("all events in the deployment file are linked: name one in events.tuvens that is not")
    before, page = (page_at(history, f"{STATES}/{step}") for step in ("open/active", "other/page"))
    if SHOWS["active"] not in visible(before):
        return Blocked(_FOLLOWS, "the open page did not show that its event is on sale")
    if page.values["own"] != "active":
        raise UndecidedError("the event of the page was not on sale while the other one changed")
    if not page.values["told"]:
        raise UndecidedError("no message about the other event came")
    if stream := stream_of(page):
        raise UndecidedError(f"the page heard of no change: {stream}")
    shown = set(SHOWS.values()) & visible(page)
    if not shown:
        # It read its event again, and its own server may have lost that request.
        raise UndecidedError(f"{page.step}: the page shows no state of its event: {summary(page)}", "Run again.")
    expect(
        shown == {SHOWS["active"]},
        expected=f"{SHOWS['active']}, as before another event changed",
        observed=summary(page),
        at=page,
    )
    return held((before, page))


@rule(
    quote="Title follows the state.",
    settles="C-TC-08",
    depends_on=[
        _FOLLOWS,
        "browser.active_state_shows_the_tickets",
        "browser.inactive_state_says_that_sales_are_paused",
        "browser.setup_state_shows_progress",
    ],
)
def title_follows_the_state(history: History) -> Verdict:
    """tuvens-client gives the accordion a different title in each ticketing state; an open page shows the same title as
    a fresh one."""
    titles: dict[str, str] = {}
    pages = []
    for state in _states(history):
        fresh, stayed = (page_at(history, f"{STATES}/{which}/{state}") for which in ("fresh", "open"))
        if text(stayed, "title") != text(fresh, "title"):
            expect_awake(stayed)
        expect(
            text(stayed, "title") == text(fresh, "title"),
            expected=f"the title {text(fresh, 'title')!r}, as a fresh page has it ({state})",
            observed=f"the title {text(stayed, 'title')!r}",
            at=stayed,
        )
        same = next((other for other, title in titles.items() if title == text(fresh, "title")), None)
        expect(
            same is None,
            expected="a different title in each state",
            observed=f"{text(fresh, 'title')!r} when {state} and when {same}",
            at=fresh,
        )
        titles[state] = text(fresh, "title")
        pages += [stayed, fresh]
    return held(pages, ", ".join(f"{state}: {title}" for state, title in titles.items()))


@rule(quote="iframe lazy (no request before it is near the viewport); responsive.", story=WINDOWS, settles="C-TC-09")
def page_fits_the_window(history: History) -> Verdict:
    """tuvens-client's event page and its tickets fit windows that are 1,280 and 360 pixels wide."""
    pages = []
    for name in ("wide", "narrow"):
        page = page_at(history, f"{WINDOWS}/{name}")
        room, content = page.values["window_width"], page.values["content_width"]
        tickets = part(page, "tickets")
        if not tickets or not room:
            raise UndecidedError(f"the {name} window shows no tickets: {summary(page)}")
        expect(
            content <= room + 1,
            expected=f"no more than {room} pixels, no scrolling sideways",
            observed=f"the page is {content} pixels wide",
            at=page,
        )
        expect(
            tickets["left"] >= -1 and tickets["right"] <= room + 1 and tickets["width"] >= room / 4,
            expected=f"the tickets between 0 and {room} pixels",
            observed=f"they are from {tickets['left']} to {tickets['right']}",
            at=page,
        )
        pages.append(page)
    return held(pages)


@rule(quote="iframe lazy (no request before it is near the viewport); responsive.", story=WINDOWS, settles="C-TC-09")
def tickets_load_when_they_are_near(history: History) -> Verdict:
    """tuvens-client requests the tickets from hi.events only when they come near the visible window."""
    page = page_at(history, f"{WINDOWS}/far")
    early, late = page.values["early"], page.values["late"]
    if SHOWS["active"] not in page.values["before"]["shown"]:
        raise UndecidedError("the page had no place for the tickets before it was scrolled")
    expect(
        not early,
        expected="no request for the tickets while they are 6,000 pixels below the window",
        observed=f"requests for the tickets: {len(early)}",
        at=page,
    )
    if not late:
        expect_awake(page)
    expect(bool(late), expected="a request once they are scrolled into view", observed="none", at=page)
    return held(page)


def _expect_part(history: History, page: Observation, state: str, expected: str) -> None:
    """A page shows the part of a state, as other pages do whose event is in it."""
    expect_visible(page, SHOWS[state], expected, others=pages_of(history, STATES))


@rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    story=[NETWORK, STATES],
    settles=["C-TC-05", "C-FL-02"],
    operations=[*OPERATIONS, "streamEventUpdates"],
    depends_on=_FOLLOWS,
    next_step="Reopen the stream after a broken connection, and read the event again: messages sent in between "
    "are lost.",
)
def page_catches_up_after_a_lost_network(history: History) -> Verdict:
    """tuvens-client shows missed changes in an open page once its network is back, and later ones, without a reload."""
    before, cut, after, later = (page_at(history, f"{NETWORK}/{each}") for each in ("before", "cut", "after", "later"))
    if not before.values.get("listened", True):
        raise UndecidedError("the page's stream of updates was not open when the network was cut", "Run again.")
    if SHOWS["active"] in visible(before) | visible(cut):
        raise UndecidedError("the page showed the change before the network was back: it was not cut off")
    _expect_part(history, after, "active", "the tickets, some seconds after the network is back")
    _expect_part(history, later, "setup", "the next change, too: the page listens again")
    expect_no_reload(later)
    return held((before, cut, after, later))


@rule(
    level=SHOULD,
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    story=[LATE, STATES],
    operations=[*OPERATIONS, "streamEventUpdates"],
    depends_on=_FOLLOWS,
    next_step="Read the event again once the stream is open: the page was rendered before it listened.",
)
def page_shows_what_changed_before_it_listened(history: History) -> Verdict:
    """tuvens-client shows, without a reload, changes made after a page was rendered and before its event stream was
    open."""
    before, after = (page_at(history, f"{LATE}/{step}") for step in ("before", "after"))
    if not after.values["held"]:
        raise UndecidedError("the page did not request /api/events/updates, so nothing could be delayed")
    if SHOWS["active"] in visible(before):
        raise UndecidedError("the page showed the change before its stream was open")
    _expect_part(history, after, "active", "the tickets, some seconds after the stream is open")
    expect_no_reload(after)
    return held((before, after))
