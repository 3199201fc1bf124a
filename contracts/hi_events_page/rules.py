"""The page GET /auth/cross-app, as far as its answers can be judged without a browser."""

from collections.abc import Mapping

from contracts.catalogue import RuleFamily
from contracts.every_operation.rules_routes import STORY as PROBE
from contracts.hi_events_delivery.observations import NAMES_NONE
from contracts.hi_events_page.redirects import absolute, host_of, query_of, redirect_of
from contracts.hi_events_session.wire import event_of
from harness.expectations import (
    LackingError,
    UndecidedError,
    alive,
    answered,
    expect,
    expect_success,
    held,
    json_object,
    let_through,
    shown,
)
from harness.history import Exchange, History
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

_MINTS = "session_token.mints_a_session"
_VALIDATES = "session_token.validation_names_the_user"
SECTION = "Page GET /auth/cross-app"
STORY = "a_draft_is_made_by_the_page"
REFUSED = "the_page_refuses"
FOREIGN = "the_page_is_given_foreign_return_urls"
_RETURNS = "hi_events_page.returns_after_making_an_event"
_ERROR_CODES = (
    "SESSION_GENERATION_FAILED",
    "INVALID_SESSION",
    "EXPIRED_SESSION",
    "INSUFFICIENT_PERMISSIONS",
    "NETWORK_ERROR",
    "UNKNOWN_ERROR",
)

_IN_BROWSER = "the page returns HTML and runs in a browser: only a browser test can follow it"
_OPERATIONS = ("openCrossAppPage", "generateSession", "validateSession")

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SECTION,
    story=STORY,
    operations=_OPERATIONS,
    needs=["events", "return-origin"],
    depends_on=_RETURNS,
)


def works_in_a_browser(exchange: Exchange) -> bool:
    """Whether the page is an application that runs in the browser: 200, HTML, and no redirect."""
    media_type = (exchange.header("Content-Type") or "").partition(";")[0].strip().lower()
    is_html = media_type in ("text/html", "application/xhtml+xml")
    return exchange.status == 200 and is_html and redirect_of(exchange) is None


def made_event(exchange: Exchange) -> str | None:
    """The hi_events_event_id in the page's redirect; None if there is none."""
    target = redirect_of(exchange)
    return query_of(target).get("hi_events_event_id") or None if target is not None else None


def _returned(history: History, exchange: Exchange) -> Mapping[str, str]:
    """The query of the return URL that the page redirects to. Raises BrokenRuleError if it redirects elsewhere or not
    at all, LackingError if it runs in a browser."""
    answered(exchange)
    if works_in_a_browser(exchange):
        raise LackingError(_IN_BROWSER)
    let_through(exchange)
    target = redirect_of(exchange)
    wanted = host_of(str(history.context.settings.get("return_origin", "")))
    if target is None or host_of(target) != wanted:
        alive(exchange)
    expect(
        target is not None and host_of(target) == wanted,
        expected=f"a redirect to the return URL at {wanted}",
        observed=f"to {target[:160]}" if target is not None else shown(exchange),
        at=exchange,
    )
    return query_of(target or "")


def _expect_query(query: Mapping[str, str], fits: bool, expected: str, at: Exchange) -> None:
    text = "&".join(f"{name}={value}" for name, value in query.items())[:240]
    expect(fits, expected=expected, observed=text or "nothing in the query", at=at)


def _expect_values(query: Mapping[str, str], at: Exchange, **wanted: str) -> None:
    for name, value in wanted.items():
        _expect_query(query, query.get(name) == value, f"{name}={value}", at)


@rule(
    quote="With action=create_event it makes a DRAFT event that carries tuvens_event_id, then goes back",
    depends_on=[_MINTS, _VALIDATES, "session_token.held_permission_is_true_on_an_own_event"],
)
def returns_after_making_an_event(history: History) -> Verdict:
    """hi.events redirects to the return URL after it created an event for a Tuvens event, with the new id."""
    answer = history.one(f"{STORY}/page")
    query = _returned(history, answer)
    if not query.get("hi_events_event_id"):
        alive(answer)
    _expect_query(query, bool(query.get("hi_events_event_id")), "hi_events_event_id in the return URL", answer)
    return held(answer)


@rule(quote="`status` = success | error | cancelled, `event_id`, `hi_events_event_id`, `account_id`")
def return_tells_status_and_ids(history: History) -> Verdict:
    """hi.events redirects back with status=success, event_id, hi_events_event_id and account_id."""
    answer = history.one(f"{STORY}/page")
    query = _returned(history, answer)
    event = str(history.observation(f"{STORY}/event").values["tuvens"])
    _expect_values(query, answer, status="success", event_id=event)
    _expect_query(query, bool(query.get("account_id")), "account_id", answer)
    return held(answer)


@rule(section="Where the sources disagree, and the ruling", quote="both are sent; a reader takes either")
def return_has_the_older_spelling_too(history: History) -> Verdict:
    """hi.events also redirects back with the older spelling: success=true and tuvens_event_id."""
    answer = history.one(f"{STORY}/page")
    event = str(history.observation(f"{STORY}/event").values["tuvens"])
    _expect_values(_returned(history, answer), answer, success="true", tuvens_event_id=event)
    return held(answer)


@rule(
    quote="With action=create_event it makes a DRAFT event that carries tuvens_event_id",
    settles="C-HE-10",
    story=[STORY, PROBE],
    operations=[*_OPERATIONS, "validateCrossAppSession"],
    depends_on=[_RETURNS, "hi_events_session.accepts_a_live_session"],
    next_step="Create the event as DRAFT, with the id of the Tuvens event; publishing is the organiser's decision.",
)
def makes_a_draft_that_carries_the_tuvens_event(history: History) -> Verdict:
    """hi.events creates a DRAFT event from event_data, and stores the id of the Tuvens event in it."""
    made = history.one(f"{STORY}/page")
    values = history.observation(f"{STORY}/event").values
    reading = answered(history.one(f"{STORY}/event made"))
    # A router refuses a request without a session, too; the application asks for the session first.
    if reading.status in (404, 405) and answered(history.one(f"{PROBE}/readEvent")).status in (404, 405):
        raise LackingError("hi.events does not serve GET /events/{id}: the created event cannot be read")
    event = event_of(json_object(expect_success(reading)))
    carried = event.get("tuvens_event_id")
    expect(
        carried is not None and str(carried) == values["tuvens"],
        expected=f"tuvens_event_id {values['tuvens']}",
        observed=f"tuvens_event_id is {carried!r}"[:120],
        at=(reading, made),
        check=NAMES_NONE if carried is None else "",
    )
    status = event.get("status")
    if status != "DRAFT" and values["linked before"] is not False:
        known = "was linked" if values["linked before"] else "could not be read and may have been linked"
        raise UndecidedError(f"the event {known} before this run, and has the status {status} now")
    expect(status == "DRAFT", expected="status DRAFT", observed=f"status is {status!r}"[:120], at=(reading, made))
    return held((made, reading))


@rule(
    quote="INVALID_SESSION or EXPIRED_SESSION (tuvens-api does not tell them apart)",
    story=REFUSED,
    operations="openCrossAppPage",
    needs="return-origin",
    depends_on=(),
    next_step="Redirect to return_url with status=error and the error_code, instead of an error page or a success.",
)
def invalid_session_is_told(history: History) -> Verdict:
    """hi.events redirects back with status=error and error_code INVALID_SESSION or EXPIRED_SESSION if tuvens-api does
    not know the session token."""
    answer = history.one(f"{REFUSED}/unknown token")
    query = _returned(history, answer)
    fits = query.get("status") == "error" and query.get("error_code") in ("INVALID_SESSION", "EXPIRED_SESSION")
    _expect_query(query, fits, "status=error and error_code=INVALID_SESSION or EXPIRED_SESSION", answer)
    return held(answer)


@rule(
    level=SHOULD,
    quote="INSUFFICIENT_PERMISSIONS, NETWORK_ERROR, UNKNOWN_ERROR",
    story=REFUSED,
    needs=["return-origin", "foreign-event"],
    depends_on=["session_token.permission_is_false_on_a_foreign_event", _MINTS, _VALIDATES],
    next_step="Call tuvens-api's validate-permission, with the event as resource_id, before you link an event.",
    security=True,
)
def foreign_event_is_not_linked(history: History) -> Verdict:
    """hi.events creates no event for a Tuvens event of an account that the user does not belong to."""
    answer = history.one(f"{REFUSED}/foreign event")
    query = _returned(history, answer)
    refused = query.get("status") != "success" and query.get("success") != "true"
    _expect_query(query, refused, "an error, such as INSUFFICIENT_PERMISSIONS", answer)
    # That an expired session makes no event shows nothing.
    return held(alive(answer))


@rule(
    quote="on errors `error_code` (SESSION_GENERATION_FAILED,",
    story=REFUSED,
    operations="openCrossAppPage",
    needs="return-origin",
    depends_on="hi_events_page.invalid_session_is_told",
)
def errors_have_a_documented_code(history: History) -> Verdict:
    """hi.events redirects back after an error with one of the documented error codes and an error_message."""
    errors = []
    for answer in history.every(REFUSED):
        query = _returned(history, answer) if answer.operation == "openCrossAppPage" else {}
        if query.get("status") != "error":
            continue
        documented = query.get("error_code") in _ERROR_CODES and bool(query.get("error_message"))
        _expect_query(query, documented, "a documented error_code, and an error_message", answer)
        errors.append(answer)
    if not errors:
        raise UndecidedError("the page reported no error")
    return held(errors)


@rule(
    quote="The return URL MUST be of an allowed origin (else it is an open redirect).",
    story=FOREIGN,
    operations="openCrossAppPage",
    needs=(),
    depends_on=(),
    next_step="Compare the whole origin (scheme, host, port) of the parsed URL with the allowed ones, not a prefix.",
    security=True,
)
def never_leads_to_a_foreign_origin(history: History) -> Verdict:
    """hi.events never redirects a browser to a return URL outside the allowed origins, however it is spelled."""
    tries = history.every(FOREIGN)
    in_browser = False
    for each in tries:
        if each.status is None:
            continue
        target = redirect_of(each)
        foreign = str(each.facts.get("foreign", ""))
        own = {host_of(each.url), host_of(str(history.context.settings.get("return_origin", "")))} - {""}
        expect(
            target is None or (host_of(target) in own and not target.startswith(absolute(foreign, each.url))),
            expected=f"no redirect to {foreign}",
            observed=f"{each.status}, redirected to {(target or '')[:160]}",
            at=each,
        )
        in_browser = in_browser or works_in_a_browser(each)
    if all(each.status is None for each in tries):
        raise UndecidedError(f"no response: {tries[0].error}")
    if in_browser:
        raise LackingError(_IN_BROWSER)
    return held(tries)
