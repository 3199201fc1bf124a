"""The ticketing widget of an event's page, in each of its states and from one to the next."""

from contracts.browser.seen import SHOWS, has_event, looked_at, part, text, told, visible
from contracts.catalogue import RuleFamily
from harness.history import History, Observation
from harness.judging import UndecidedError, expect, held
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

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
GIVES = ("webhook.live_gives_active", "webhook.ended_gives_inactive", "webhook.draft_gives_setup")
HAS_PAGE = "tuvens_event.a_linked_event_has_the_url_of_its_page"
_STREAM = ("streamEventUpdates",)
_TOLD = ("event_stream.an_applied_update_is_told", "event_stream.messages_are_unnamed")
_SECTION = "tuvens-client"
_STATES = tuple(
    f"browser.{name}"
    for name in (
        "active_state_shows_the_tickets",
        "inactive_state_says_that_sales_are_paused",
        "setup_state_shows_progress",
    )
)

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-client",
    section=_SECTION,
    story=STATES,
    operations=OPERATIONS,
    needs=NEEDS,
    depends_on=_OPENS,
)


@rule(
    quote="Event page /event/{id}: accordion with the ticketing widget.",
    depends_on=["routes.tuvens-client_answers", *CHANGES, *GIVES, HAS_PAGE],
)
def event_page_opens(history: History) -> Verdict:
    """tuvens-client opens an event's page in a browser, with the accordion of the ticketing widget."""
    found = [looked_at(history, f"{STATES}/fresh/{state}") for state in ("active", "inactive", "setup")]
    for each in found:
        status = each.values["status"]
        expect(status == 200, expected="status 200", observed=f"status {status}", at=each)
        expect("title" in visible(each), expected="the accordion's title", observed=told(each), at=each)
    return held(found)


def _in_state(found: Observation, state: str) -> None:
    """One part is visible, and none of the other states' parts."""
    own = SHOWS[state]
    others = {part for part in SHOWS.values() if part != own} & visible(found)
    expect(
        own in visible(found) and not others,
        expected=f"{own}, and nothing of another state",
        observed=told(found),
        at=found,
    )


@rule(
    quote="active: iframe of `{hi_events_event_url}/embed` plus a link to `hi_events_event_url` in a new tab",
    settles="C-TC-01",
)
def active_state_shows_the_tickets(history: History) -> Verdict:
    """tuvens-client shows for an event on sale an iframe with hi.events' tickets, which loads, and beside it a link to
    hi.events that opens a new tab."""
    found = looked_at(history, f"{STATES}/fresh/active")
    _in_state(found, "active")
    url = str(found.values["hi_events"])
    source = str(part(found, "tickets").get("src", ""))
    expect(
        source.partition("?")[0] == f"{url}/embed",
        expected=f"an iframe of {url}/embed",
        observed=f"an iframe of {source or 'nothing'}",
        at=found,
    )
    link = part(found, "tickets_link")
    expect(
        str(link.get("href", "")).partition("?")[0] == url and link.get("target") == "_blank",
        expected=f"a link to {url} in a new tab",
        observed=f"a link to {link['href']}, target {link['target'] or 'none'}" if link else "no link",
        at=found,
    )
    answers = found.values["embeds"]
    if not any(answers):
        raise UndecidedError("the tickets were not answered, or not asked for, within some seconds")
    expect(200 in answers, expected="the tickets load with status 200", observed=f"status {answers[-1]}", at=found)
    return held(found)


@rule(quote="setup: progress", settles="C-TC-02")
def setup_state_shows_progress(history: History) -> Verdict:
    """tuvens-client shows progress, and no tickets, while an event's ticketing is set up."""
    found = looked_at(history, f"{STATES}/fresh/setup")
    _in_state(found, "setup")
    return held(found)


@rule(quote="inactive: paused message", settles="C-TC-03")
def inactive_state_says_that_sales_are_paused(history: History) -> Verdict:
    """tuvens-client says that sales are paused, and shows no tickets, for an event whose ticketing is inactive."""
    found = looked_at(history, f"{STATES}/fresh/inactive")
    _in_state(found, "inactive")
    return held(found)


@rule(
    quote="none: alternative registration",
    story=NONE,
    settles="C-TC-04",
    operations="getEvent",
    needs=["browser", "target:tuvens-client", "events"],
    depends_on="routes.tuvens-client_answers",
)
def no_ticketing_shows_another_registration(history: History) -> Verdict:
    """tuvens-client offers another way to register, and shows no tickets, for an event without ticketing."""
    has_event(history, NONE)
    found = looked_at(history, f"{NONE}/none")
    _in_state(found, "none")
    return held(found)


@rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    settles=["C-TC-05", "C-FL-02"],
    operations=[*OPERATIONS, *_STREAM],
    depends_on=[_OPENS, *_TOLD],
    next_step="Look at the page's console, at the stream's CORS headers, and whether onmessage (not a "
    "named event) reads it.",
)
def open_page_follows_the_changes(history: History) -> Verdict:
    """tuvens-client changes the widget of a page that stays open, without a reload, to what a page that is opened anew
    shows, each time the event changes at hi.events."""
    looked = []
    for state in ("active", "inactive", "setup"):
        fresh, stayed = (looked_at(history, f"{STATES}/{which}/{state}") for which in ("fresh", "open"))
        parts = set(SHOWS.values())
        expect(
            visible(stayed) & parts == visible(fresh) & parts,
            expected=f"what a fresh page shows ({', '.join(sorted(visible(fresh) & parts)) or 'nothing'})",
            observed=f"{told(stayed)} some seconds after the change",
            at=stayed,
        )
        expect(
            stayed.values["documents"] == 1,
            expected="no reload",
            observed=f"{stayed.values['documents']} documents were loaded in the tab",
            at=stayed,
        )
        looked += [stayed.number, fresh.number]
    return held(looked)


@rule(quote="Title follows the state.", settles="C-TC-08", depends_on=[_FOLLOWS, *_STATES])
def title_follows_the_state(history: History) -> Verdict:
    """tuvens-client titles the accordion by the state of the ticketing: otherwise in each state, and in a page that
    stayed open as in one that is opened anew."""
    titles: dict[str, str] = {}
    looked = []
    for state in ("active", "inactive", "setup"):
        fresh, stayed = (looked_at(history, f"{STATES}/{which}/{state}") for which in ("fresh", "open"))
        expect(
            text(stayed, "title") == text(fresh, "title"),
            expected=f"the title {text(fresh, 'title')!r}, as a fresh page has it ({state})",
            observed=f"the title {text(stayed, 'title')!r}",
            at=stayed,
        )
        same = next((other for other, title in titles.items() if title == text(fresh, "title")), None)
        expect(
            same is None,
            expected="another title in each state",
            observed=f"{text(fresh, 'title')!r} when {state} and when {same}",
            at=fresh,
        )
        titles[state] = text(fresh, "title")
        looked += [stayed.number, fresh.number]
    return held(looked, ", ".join(f"{state}: {title}" for state, title in titles.items()))


@rule(quote="iframe lazy (no request before it is near the viewport); responsive.", story=WINDOWS, settles="C-TC-09")
def page_fits_the_window(history: History) -> Verdict:
    """tuvens-client fits an event's page, and the tickets on it, into a window of 1,280 and one of 360 pixels."""
    looked = []
    for name in ("wide", "narrow"):
        found = looked_at(history, f"{WINDOWS}/{name}")
        room, content = found.values["window_width"], found.values["content_width"]
        tickets = part(found, "tickets")
        if not tickets or not room:
            raise UndecidedError(f"no tickets were seen in the {name} window: {told(found)}")
        expect(
            content <= room + 1,
            expected=f"no more than {room} pixels, no scrolling sideways",
            observed=f"the page is {content} pixels wide",
            at=found,
        )
        expect(
            tickets["left"] >= -1 and tickets["right"] <= room + 1 and tickets["width"] >= room / 4,
            expected=f"the tickets between 0 and {room} pixels",
            observed=f"they are from {tickets['left']} to {tickets['right']}",
            at=found,
        )
        looked.append(found.number)
    return held(looked)


@rule(quote="iframe lazy (no request before it is near the viewport); responsive.", story=WINDOWS, settles="C-TC-09")
def tickets_load_when_they_are_near(history: History) -> Verdict:
    """tuvens-client asks hi.events for the tickets when they come near the window, and not before."""
    found = looked_at(history, f"{WINDOWS}/far")
    early, late = found.values["early"], found.values["late"]
    if SHOWS["active"] not in found.values["before"]["shown"]:
        raise UndecidedError("the page did not show the tickets' place before it was scrolled")
    expect(
        not early,
        expected="no request for the tickets while they are 6,000 pixels below the window",
        observed=f"{len(early)} requests",
        at=found,
    )
    expect(bool(late), expected="a request once they were scrolled to", observed="none", at=found)
    return held(found)


@rule(
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    story=NETWORK,
    settles=["C-TC-05", "C-FL-02"],
    operations=[*OPERATIONS, *_STREAM],
    depends_on=_FOLLOWS,
    next_step="Open the stream again after a broken connection, and read the event anew: what was told "
    "meanwhile is lost.",
)
def page_catches_up_after_a_lost_network(history: History) -> Verdict:
    """tuvens-client shows in a page that lost the network what changed meanwhile, once it is back, without a reload."""
    before, cut, after = (looked_at(history, f"{NETWORK}/{step}") for step in ("before", "cut", "after"))
    if SHOWS["active"] in visible(before) | visible(cut):
        raise UndecidedError("the page knew of the change before the network was back: it was not cut off")
    expect(
        SHOWS["active"] in visible(after),
        expected="the tickets, some seconds after the network is back",
        observed=told(after),
        at=after,
    )
    documents = after.values["documents"]
    expect(documents == 1, expected="no reload", observed=f"{documents} documents", at=after)
    return held((before, cut, after))


@rule(
    level=SHOULD,
    quote="Listens to /api/events/updates and changes the widget without a reload.",
    story=LATE,
    operations=[*OPERATIONS, *_STREAM],
    depends_on=_FOLLOWS,
    next_step="Read the event anew once the stream is open: the page was made before it listened.",
)
def page_shows_what_changed_before_it_listened(history: History) -> Verdict:
    """tuvens-client shows what changed after a page was made and before its stream of updates was open, without a
    reload."""
    before, after = (looked_at(history, f"{LATE}/{step}") for step in ("before", "after"))
    if not after.values["held"]:
        raise UndecidedError("the page did not ask for /api/events/updates, so that nothing could be delayed")
    if SHOWS["active"] in visible(before):
        raise UndecidedError("the page showed the change before its stream was open")
    expect(
        SHOWS["active"] in visible(after),
        expected="the tickets, some seconds after the stream is open",
        observed=told(after),
        at=after,
    )
    documents = after.values["documents"]
    expect(documents == 1, expected="no reload", observed=f"{documents} documents", at=after)
    return held((before, after))
