"""The page GET /auth/cross-app, as far as its answers show without a browser."""

from collections.abc import Mapping

from contracts.catalogue import RuleFamily
from contracts.hi_events_page.returning import absolute, host_of, leads_to, said
from harness.history import Exchange, History
from harness.judging import (
    LackingError,
    UndecidedError,
    answered,
    expect,
    expect_success,
    held,
    json_object,
    let_through,
    shown,
)
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

_MINTS = "session_token.mints_a_session"
_VALIDATES = "session_token.validation_names_the_user"
SECTION = "Page GET /auth/cross-app"
STORY = "a_draft_is_made_by_the_page"
REFUSED = "the_page_refuses"
FOREIGN = "the_page_is_given_foreign_return_urls"
_RETURNS = "hi_events_page.returns_after_making_an_event"
ERROR_CODES = (
    "SESSION_GENERATION_FAILED",
    "INVALID_SESSION",
    "EXPIRED_SESSION",
    "INSUFFICIENT_PERMISSIONS",
    "NETWORK_ERROR",
    "UNKNOWN_ERROR",
)

_IN_BROWSER = "the page answers with HTML and works in a browser: only a browser suite can follow it"
_NEEDS = ("events", "return-origin")
_PREMISES = (_MINTS, _VALIDATES, "session_token.held_permission_is_true_on_an_own_event")
_OPERATIONS = ("openCrossAppPage", "generateSession", "validateSession")

rule = RuleFamily(level=MUST, obliged="hi.events", section=SECTION, story=STORY, operations=_OPERATIONS, needs=_NEEDS)


def works_in_a_browser(exchange: Exchange) -> bool:
    """Whether the page is an application that runs in the browser: 200, HTML, and nothing that leads on."""
    kind = (exchange.header("Content-Type") or "").partition(";")[0].strip().lower()
    return exchange.status == 200 and kind in ("text/html", "application/xhtml+xml") and leads_to(exchange) is None


def way_back(history: History, exchange: Exchange) -> Mapping[str, str]:
    """What the page says on the way back to the return URL. Raises LackingError for a page that runs in a browser, and
    BrokenRuleError for one that does not lead back."""
    answered(exchange)
    if works_in_a_browser(exchange):
        raise LackingError(_IN_BROWSER)
    let_through(exchange)
    target = leads_to(exchange)
    wanted = host_of(str(history.context.settings.get("return_origin", "")))
    expect(
        target is not None and host_of(target) == wanted,
        expected=f"a redirect to the return URL at {wanted}",
        observed=f"to {target[:160]}" if target is not None else shown(exchange),
        at=exchange,
    )
    return said(target or "")


def made_event(exchange: Exchange) -> str | None:
    """hi.events' id of the event that the page made, as its way back says; None where it does not say one."""
    target = leads_to(exchange)
    return said(target).get("hi_events_event_id") or None if target is not None else None


@rule(
    quote="With action=create_event it makes a DRAFT event that carries tuvens_event_id, then goes back",
    depends_on=_PREMISES,
)
def returns_after_making_an_event(history: History) -> Verdict:
    """hi.events goes back to the return URL after it made an event for a Tuvens event, and tells its id there."""
    answer = history.one(f"{STORY}/page")
    told = way_back(history, answer)
    expect(
        bool(told.get("hi_events_event_id")),
        expected="hi_events_event_id on the way back",
        observed=_shown(told),
        at=answer,
    )
    return held(answer)


@rule(
    quote="`status` = success | error | cancelled, `event_id`, `hi_events_event_id`, `account_id`", depends_on=_RETURNS
)
def return_tells_status_and_ids(history: History) -> Verdict:
    """hi.events tells on the way back status=success, event_id, hi_events_event_id and account_id."""
    answer = history.one(f"{STORY}/page")
    told = way_back(history, answer)
    event = str(history.observation(f"{STORY}/event").values["tuvens"])
    for name, wanted in (("status", "success"), ("event_id", event)):
        expect(told.get(name) == wanted, expected=f"{name}={wanted}", observed=_shown(told), at=answer)
    expect(bool(told.get("account_id")), expected="account_id", observed=_shown(told), at=answer)
    return held(answer)


@rule(
    section="Where the sources disagree, and the ruling",
    quote="both are sent; a reader takes either",
    depends_on=_RETURNS,
)
def return_has_the_older_spelling_too(history: History) -> Verdict:
    """hi.events tells on the way back success=true and tuvens_event_id, too, the older spelling."""
    answer = history.one(f"{STORY}/page")
    told = way_back(history, answer)
    event = str(history.observation(f"{STORY}/event").values["tuvens"])
    for name, wanted in (("success", "true"), ("tuvens_event_id", event)):
        expect(told.get(name) == wanted, expected=f"{name}={wanted}", observed=_shown(told), at=answer)
    return held(answer)


@rule(
    quote="With action=create_event it makes a DRAFT event that carries tuvens_event_id",
    settles="C-HE-10",
    operations=[*_OPERATIONS, "validateCrossAppSession"],
    depends_on=[_RETURNS, "hi_events_session.accepts_a_live_session"],
)
def makes_a_draft_that_carries_the_tuvens_event(history: History) -> Verdict:
    """hi.events makes of event_data an event that is a DRAFT and carries the id of its Tuvens event."""
    made = history.one(f"{STORY}/page")
    values = history.observation(f"{STORY}/event").values
    reading = answered(history.one(f"{STORY}/event made"))
    if reading.status in (404, 405) and not _known(reading):
        raise LackingError("hi.events does not serve GET /events/{id}: the event that was made cannot be read")
    event = json_object(expect_success(reading))
    carried = event.get("tuvens_event_id")
    expect(
        carried is not None and str(carried) == values["tuvens"],
        expected=f"tuvens_event_id {values['tuvens']}",
        observed=f"tuvens_event_id is {carried!r}"[:120],
        at=(reading, made),
    )
    status = event.get("status")
    if status != "DRAFT" and values["linked before"] is not False:
        known = "was linked" if values["linked before"] else "could not be read, and may have been linked,"
        raise UndecidedError(f"the event {known} before this run, and has the status {status} now")
    expect(status == "DRAFT", expected="status DRAFT", observed=f"status is {status!r}"[:120], at=(reading, made))
    return held((made, reading))


def _known(exchange: Exchange) -> bool:
    """Whether a 404 is the application's (Laravel's error shape), not a router's."""
    try:
        value = exchange.answer.json()
    except ValueError:
        return False
    return exchange.status == 404 and isinstance(value, dict) and bool(value.get("error"))


@rule(
    quote="INVALID_SESSION or EXPIRED_SESSION (tuvens-api does not tell them apart)",
    story=REFUSED,
    operations="openCrossAppPage",
    needs="return-origin",
)
def invalid_session_is_told(history: History) -> Verdict:
    """hi.events goes back with status=error and error_code INVALID_SESSION or EXPIRED_SESSION when it is opened with a
    session token that tuvens-api does not know."""
    answer = history.one(f"{REFUSED}/unknown token")
    told = way_back(history, answer)
    expect(
        told.get("status") == "error" and told.get("error_code") in ("INVALID_SESSION", "EXPIRED_SESSION"),
        expected="status=error and error_code=INVALID_SESSION or EXPIRED_SESSION",
        observed=_shown(told),
        at=answer,
    )
    return held(answer)


@rule(
    level=SHOULD,
    quote="INSUFFICIENT_PERMISSIONS, NETWORK_ERROR, UNKNOWN_ERROR",
    story=REFUSED,
    needs=["return-origin", "foreign-event"],
    depends_on=["session_token.permission_is_false_on_a_foreign_event", _MINTS, _VALIDATES],
    next_step="Ask tuvens-api's validate-permission, with the event as resource_id, before an event is linked.",
)
def foreign_event_is_not_linked(history: History) -> Verdict:
    """hi.events makes no event for a Tuvens event of an account that the user does not belong to."""
    answer = history.one(f"{REFUSED}/foreign event")
    told = way_back(history, answer)
    expect(
        told.get("status") != "success" and told.get("success") != "true",
        expected="an error, such as INSUFFICIENT_PERMISSIONS",
        observed=_shown(told),
        at=answer,
    )
    return held(answer)


@rule(
    quote="on errors `error_code` (SESSION_GENERATION_FAILED,",
    story=REFUSED,
    operations="openCrossAppPage",
    needs="return-origin",
    depends_on="hi_events_page.invalid_session_is_told",
)
def errors_have_a_documented_code(history: History) -> Verdict:
    """hi.events tells on the way back from an error one of the documented error codes, and an error_message."""
    looked_at = []
    for answer in history.every(REFUSED):
        told = way_back(history, answer) if answer.operation == "openCrossAppPage" else {}
        if told.get("status") != "error":
            continue
        expect(
            told.get("error_code") in ERROR_CODES and bool(told.get("error_message")),
            expected="a documented error_code, and an error_message",
            observed=_shown(told),
            at=answer,
        )
        looked_at.append(answer)
    if not looked_at:
        raise UndecidedError("the page told of no error")
    return held(looked_at)


@rule(
    quote="The return URL MUST be of an allowed origin (else it is an open redirect).",
    story=FOREIGN,
    operations="openCrossAppPage",
    needs=(),
    next_step="Compare the whole origin (scheme, host, port) of the parsed URL with the allowed ones, not a beginning.",
)
def never_leads_to_a_foreign_origin(history: History) -> Verdict:
    """hi.events never sends a browser to a return URL of an origin that is not allowed, however it is spelled."""
    tries = history.every(FOREIGN)
    in_browser = False
    for each in tries:
        if each.status is None:
            continue
        target = leads_to(each)
        foreign = str(each.facts.get("foreign", ""))
        own = {host_of(each.url), host_of(str(history.context.settings.get("return_origin", "")))} - {""}
        expect(
            target is None or (host_of(target) in own and not target.startswith(absolute(foreign, each.url))),
            expected=f"no way to {foreign}",
            observed=f"{each.status}, on to {(target or '')[:160]}",
            at=each,
        )
        in_browser = in_browser or works_in_a_browser(each)
    if all(each.status is None for each in tries):
        raise UndecidedError(f"no answer: {tries[0].error}")
    if in_browser:
        raise LackingError(_IN_BROWSER)
    return held(tries)


def _shown(told: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in told.items())[:240] or "nothing in the query"
