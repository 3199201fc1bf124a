"""Arriving at hi.events, coming back from there, and secrets in the browser."""

from contextlib import suppress
from urllib.parse import urlsplit

import openapi
from contracts.browser.observations import expect_awake, expect_undisturbed, expect_visible, page_at, pages_of, visible
from contracts.browser.rules_widget import CHANGES, NEEDS, OPERATIONS
from contracts.catalogue import RuleFamily
from harness.expectations import UndecidedError, expect, held
from harness.history import History, NothingObservedError, Observation
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

RETURN = "pages_come_back"
ARRIVES = "pages_arrive_at_hi_events"
EMBEDS = "pages_are_embedded"
STORIES = {
    "pages_show_no_ticketing": "visitor",
    "pages_show_the_states": "visitor",
    "pages_fit_the_window": "visitor",
    "pages_enable_ticketing": "organiser",
    "pages_show_errors": "organiser",
    RETURN: "organiser",
    ARRIVES: "organiser",
    EMBEDS: "visitor",
}

_SECRETS = frozenset({"shared-secret", "jwt-secret", "database-password", "control-token"})
_TOKEN = "session-token:"


def _callback_page(history: History, name: str, wanted: str, hidden: str) -> Verdict:
    """The callback page shows one part and not another."""
    page = page_at(history, f"{RETURN}/return/{name}")
    expect_visible(page, wanted, wanted.replace("_", " "), hidden=hidden, others=pages_of(history, RETURN))
    return held(page)


callback_rule = RuleFamily(
    level=MUST,
    obliged="tuvens-client",
    section="tuvens-client",
    quote="handles success, error, cancelled; on success PATCHes the event.",
    story=RETURN,
    settles="C-TC-10",
    operations=OPERATIONS,
    needs=NEEDS,
    depends_on=["routes.tuvens-client_answers", *CHANGES],
)


@callback_rule()
def a_cancelled_return_is_told(history: History) -> Verdict:
    """After a cancelled setup the callback page says so and does not claim success."""
    return _callback_page(history, "cancelled", "callback_cancelled", "callback_success")


@callback_rule()
def an_error_return_is_told(history: History) -> Verdict:
    """After a failed setup the callback page shows an error and does not claim success."""
    return _callback_page(history, "error", "callback_error", "callback_success")


@callback_rule(section="Where the sources disagree, and the ruling", quote="both are sent; a reader takes either")
def the_older_spelling_is_read(history: History) -> Verdict:
    """tuvens-client's callback page accepts a success that has only the older spelling: success=true and
    tuvens_event_id."""
    return _callback_page(history, "older spelling", "callback_success", "callback_error")


@callback_rule(
    level=SHOULD,
    depends_on="browser.an_error_return_is_told",
    next_step="Set textContent, never innerHTML ({@html …} in Svelte): anyone can create such a link.",
    security=True,
)
def return_texts_stay_text(history: History) -> Verdict:
    """tuvens-client's callback page shows the message in its URL as text: it never runs a script or creates an element
    from it."""
    page = page_at(history, f"{RETURN}/return/error")
    expect(
        not page.values["planted"] and not page.values["dialogs"],
        expected="the message as text",
        observed=f"{page.values['planted']} elements of it in the page, {page.values['dialogs']} scripts run",
        at=page,
    )
    return held(page)


arrival_rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section="Page GET /auth/cross-app",
    story=ARRIVES,
    operations=[*OPERATIONS, "openCrossAppPage"],
    needs=NEEDS,
    depends_on=CHANGES,
)


@arrival_rule(
    quote="Query: session_token, return_url (or callback_url), app_id (or source) = tuvens",
    settles=["C-HE-12", "C-FL-01"],
)
def arrives_signed_in(history: History) -> Verdict:
    """A browser that arrives with a valid session token is signed in as that user."""
    page = page_at(history, f"{ARRIVES}/arrived")
    status = page.values["status"]
    if page.values.get("session_left", 0.0) < 0 and (status != 200 or "signed_in" not in visible(page)):
        raise UndecidedError("the session token may have expired before the browser arrived with it")
    if status != 200:
        expect_undisturbed(page)
    expect(status == 200, expected="a page, status 200", observed=f"status {status}", at=page)
    expect_visible(page, "signed_in", "the signed-in user")
    return held(page)


@arrival_rule(
    level=SHOULD,
    section="Errors",
    quote="No secret, session token or stack trace in it",
    settles="C-SE-02",
    depends_on="browser.arrives_signed_in",
    next_step="Redirect to a URL without the token (or use history.replaceState), and send "
    "Referrer-Policy: no-referrer.",
    security=True,
)
def session_token_is_left_behind(history: History) -> Verdict:
    """hi.events removes the session token from the URL after a browser has arrived: neither the address bar nor a
    Referer contains it."""
    page = page_at(history, f"{ARRIVES}/arrived")
    referers = history.observation(f"{ARRIVES}/referers")
    expect(
        _TOKEN not in page.values["address"].replace("%3A", ":"),
        expected="an address without the session token",
        observed=page.values["address"][:200],
        at=page,
    )
    carried = referers.values["with a token"]
    expect(
        not carried,
        expected="no Referer with the session token",
        observed=f"{len(carried)}, such as {carried[0][:160] if carried else ''}",
        at=(referers, page),
    )
    return held((page, referers))


@arrival_rule(quote="INVALID_SESSION or EXPIRED_SESSION (tuvens-api does not tell them apart)", settles="C-HE-12")
def a_dead_session_leads_back_with_an_error(history: History) -> Verdict:
    """hi.events redirects a browser that arrives with an invalid session token to the return URL, with status=error and
    an error_code."""
    page = page_at(history, f"{ARRIVES}/unknown session")
    query = page.values["told"]
    if not query:
        expect_awake(page)
    expect(
        query.get("status") == "error" and bool(query.get("error_code")),
        expected="the return URL with status=error and an error_code",
        observed=page.values["address"][:200],
        at=page,
    )
    return held(page)


@arrival_rule(
    quote="The return URL MUST be of an allowed origin (else it is an open redirect).", settles="C-HE-12", security=True
)
def a_foreign_return_url_is_not_followed(history: History) -> Verdict:
    """hi.events never redirects or links to a return URL outside the allowed origins."""
    seen = history.observation(f"{ARRIVES}/foreign return")
    reached = seen.values["reached"]
    expect(
        not reached, expected="no redirect or link to it", observed=f"the browser went to {_first(reached)}", at=seen
    )
    return held(page_at(history, f"{ARRIVES}/foreign return"))


@arrival_rule(
    section="Events and outgoing webhooks",
    quote="`{hi_events_event_url}/embed` and `/widget/{id}` are embeddable.",
    story=EMBEDS,
    settles="C-HE-16",
    operations=OPERATIONS,
    depends_on=[*CHANGES, "tuvens_event.a_linked_event_has_the_url_of_its_page"],
    next_step="Check X-Frame-Options and frame-ancestors in the response: they must allow tuvens-client's origin.",
)
def an_event_can_be_embedded(history: History) -> Verdict:
    """hi.events' embeddable event page and its widget load in an iframe on a page of tuvens-client's origin."""
    pages = []
    for name in ("embed", "widget"):
        page = page_at(history, f"{EMBEDS}/{name}")
        if not str(page.values["text"]).strip():
            expect_awake(page)
        expect(
            bool(str(page.values["text"]).strip()),
            expected=f"text in the iframe of {page.values['frame']}",
            observed="nothing: the browser shows no page in the iframe",
            at=page,
        )
        pages.append(page)
    return held(pages)


def _loaded(history: History) -> list[Observation]:
    """What browsers loaded, story by story."""
    seen: list[Observation] = []
    for story, who in STORIES.items():
        with suppress(NothingObservedError):
            seen.append(history.observation(f"{story}/loaded/{who}"))
    if not any(each.values["scripts"] for each in seen):
        raise UndecidedError("no script was loaded in any story")
    return seen


@callback_rule(
    section="Where the sources disagree, and the ruling",
    quote="a defect: the secret never reaches a browser",
    story=tuple(STORIES),
    settles="C-SE-02",
    operations=(),
    depends_on="browser.event_page_opens",
    next_step="Find the value in the environment of the front end's build: variables that begin with VITE_ or "
    "PUBLIC_ end up in the scripts.",
    security=True,
)
def nothing_in_the_browser_holds_a_secret(history: History) -> Verdict:
    """No page, script, response, header or storage in a browser contains a secret of the back ends, and no page or
    script contains a session token."""
    seen = _loaded(history)
    for each in seen:
        for found in (*each.values["found"], *each.values["storage"]):
            expect(
                not _is_leak(found),
                expected="no secret in a browser",
                observed=f"a {found['kind']} in the {found['place']} of {found['url']}",
                at=each,
            )
    loaded = sum(each.values["loaded"] for each in seen)
    unread = sum(len(each.values["unread"]) for each in seen)
    note = f"{loaded} requests in {len(seen)} stories"
    return held(
        seen,
        f"{note}; {unread} bodies could not be read" if unread else note,
    )


@callback_rule(
    level=SHOULD,
    quote="active: iframe of `{hi_events_event_url}/embed` plus a link to `hi_events_event_url` in a new tab",
    story=tuple(STORIES),
    settles=(),
    operations=(),
    depends_on="browser.event_page_opens",
    next_step="hi.events knows users by session tokens alone: leave the JWT out of its addresses, which logs keep.",
    security=True,
)
def no_jwt_goes_to_hi_events(history: History) -> Verdict:
    """tuvens-client puts a user's JWT into no address of hi.events."""
    seen, place = _loaded(history), urlsplit(str(history.context.targets.get("hi.events", {}).get("url", ""))).netloc
    for each in seen:
        for found in each.values["found"]:
            sent = (found["kind"], found["place"], urlsplit(found["url"]).netloc) == ("jwt", "address", place)
            expect(not sent, expected="no JWT in an address", observed=f"a JWT in that of {found['url']}", at=each)
    return held(seen)


def _is_leak(found: object) -> bool:
    """Whether it is a secret of the back ends, anywhere, or a session token in a page or a script."""
    assert isinstance(found, dict)
    if found["kind"] in _SECRETS:
        return True
    generated = str(found["url"]).endswith(openapi.find("wrapGenerateSession").path)
    return found["kind"] == "session-token" and found["place"] == "body" and not generated


def _first(texts: list[str]) -> str:
    return texts[0][:160] if texts else ""
