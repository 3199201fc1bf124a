"""The three systems together: a user's flow through all of them, and its recovery from errors."""

from collections.abc import Sequence

from contracts.catalogue import RuleFamily
from contracts.expiry import driven
from contracts.hi_events_page.rules import made_event, works_in_a_browser
from contracts.hi_events_session.rules_sign_in import expect_no_session
from contracts.hi_events_session.wire import event_of
from contracts.status_changes import TICKETING, WEBHOOK, event_reading, is_about, state_in
from harness.expectations import (
    LackingError,
    UndecidedError,
    expect,
    expect_arrival,
    expect_success,
    held,
    json_object,
    let_through,
    shown,
)
from harness.history import Exchange, History, NothingObservedError, StreamEvent
from harness.http import object_or_empty
from harness.requirement import MUST
from harness.verdict import Blocked, Verdict

# Seconds for which a message is waited for, at least.
_WATCHED = 5.0
_MINTS = "session_token.mints_a_session"
_DRAFTS = "hi_events_page.makes_a_draft_that_carries_the_tuvens_event"
LIVE = "event_goes_live"
SECRET = "a_wrong_secret_is_put_right"
PERMISSION = "a_missing_permission_is_noticed"
NETWORK = "a_listener_loses_the_network"
ASKED_AT_ONCE = "many_are_asked_about_at_once"
EXPIRED_BY_CLOCK = "an_expired_session_is_replaced_by_the_clock"
EXPIRED_BY_WAITING = "an_expired_session_is_replaced_after_waiting"

_OPERATIONS = (
    "generateSession",
    "validateSession",
    "validateCrossAppSession",
    "setEventStatus",
    WEBHOOK,
    "getEvent",
)
_NEEDS = ("events", "linked-event")
_PREMISES = (
    _MINTS,
    "hi_events_session.accepts_a_live_session",
    "hi_events_delivery.every_status_is_delivered",
    "webhook.an_update_changes_the_event",
    "webhook.live_gives_active",
)
_TOLD = ("event_stream.an_applied_update_is_told", "event_stream.a_message_tells_the_ticketing_status")

rule = RuleFamily(level=MUST, obliged="tuvens-api", settles="C-FL-03", operations=_OPERATIONS, needs=_NEEDS)


def _goes_live(history: History, story: str, status: str = "LIVE") -> list[Exchange]:
    """The change at hi.events, and the event at tuvens-api that shows its effect."""
    changed = expect_success(history.one(f"{story}/change/{status}"))
    after = event_reading(history, f"{story}/event at tuvens-api/{status}")
    ticketing = state_in(after).ticketing
    expect_arrival(
        history,
        ticketing == TICKETING[status],
        expected=f"ticketing_status {TICKETING[status]} at tuvens-api within some seconds",
        observed=f"ticketing_status is {ticketing!r}"[:120],
        at=(after, changed),
        since=changed.started,
        until=after.started + after.seconds,
    )
    return [changed, after]


def _stopped_by_the_page(history: History) -> Blocked | None:
    """Blocked, if the page made no draft, or a wrong one: that is a rule of its own."""
    try:
        opened = history.one(f"{LIVE}/page")
    except NothingObservedError:
        return None
    if opened.status is None or works_in_a_browser(opened):
        return None
    if made_event(opened) is None:
        return Blocked(_DRAFTS, f"the page did not redirect back with an event: {shown(opened)}")
    try:
        event = event_of(object_or_empty(history.one(f"{LIVE}/event made").response_body))
    except NothingObservedError:
        return None
    wanted = history.observation(f"{LIVE}/event").values["tuvens"]
    if "tuvens_event_id" in event and str(event["tuvens_event_id"]) != wanted:
        return Blocked(_DRAFTS, f"the draft carries tuvens_event_id {event['tuvens_event_id']!r}, not {wanted!r}")
    if event.get("status") == "LIVE":
        return Blocked(_DRAFTS, "the page created an event that is LIVE, not a draft")
    return None


def _first_message(
    events: Sequence[StreamEvent], event_id: str, ticketing: str, since: float = 0.0
) -> StreamEvent | None:
    """The first message, since a time in Unix seconds, that an event has this ticketing status."""
    return next((each for each in events if each.at >= since and is_about(each, event_id, ticketing)), None)


def _expect_message(
    history: History, message: StreamEvent | None, expected: str, events: Sequence[StreamEvent], at: Exchange
) -> int:
    """The number of the message. Raises BrokenRuleError for None, UndecidedError if it may only be late, or was sent
    after the stream had broken."""
    broken = next((each for each in events if each.kind == "closed"), None)
    if message is None and broken is not None:
        raise UndecidedError(f"the stream was closed: {broken.data}", "Run again.")
    observed = f"{sum(each.kind == 'event' for each in events)} messages, but not this one"
    since, until = at.started, at.started + _WATCHED
    expect_arrival(history, message is not None, expected=expected, observed=observed, at=at, since=since, until=until)
    assert message is not None
    return message.number


@rule(
    obliged="hi.events",
    section="Systems",
    quote="| tuvens-client | SvelteKit web app: event pages, ticketing widget |",
    story=LIVE,
    settles="C-FL-01",
    depends_on=_PREMISES,
    next_step="Check the parts first: session, sign-in, page, delivery. If all of them hold, check how they connect.",
)
def an_event_goes_live(history: History) -> Verdict:
    """tuvens-api and hi.events complete the whole flow, from session token and sign-in to a live event with active
    ticketing."""
    blocked = _stopped_by_the_page(history)
    if blocked is not None:
        return blocked
    expect_success(history.one(f"{LIVE}/generate session"))
    signed_in = expect_success(history.one(f"{LIVE}/sign in"))
    way = [history.one(f"{LIVE}/generate session"), signed_in, *_goes_live(history, LIVE)]
    source = history.observation(f"{LIVE}/event").values["made by"]
    return held(way, f"with an event {source}")


@rule(
    section="GET /api/events/updates (SSE)",
    quote="Sent after each applied webhook.",
    story=LIVE,
    settles="C-FL-02",
    operations=[*_OPERATIONS, "streamEventUpdates"],
    depends_on=["flow.an_event_goes_live", *_TOLD],
)
def a_listener_hears_that_an_event_is_live(history: History) -> Verdict:
    """tuvens-api sends a message on its event stream when an organiser sets an event live at hi.events."""
    event = str(history.observation(f"{LIVE}/event").values["tuvens"])
    events = history.stream(f"{LIVE}/stream")
    changed = expect_success(history.one(f"{LIVE}/change/LIVE"))
    message = _first_message(events, event, "active")
    return held(_expect_message(history, message, f"a message that event {event} is active", events, changed))


@rule(
    obliged="hi.events",
    section="POST /auth/cross-app/validate",
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=[EXPIRED_BY_CLOCK, EXPIRED_BY_WAITING],
    needs=[*_NEEDS, "expiry:tuvens-api"],
    depends_on=[
        *_PREMISES,
        "hi_events_session.expired_token_is_refused",
        "hi_events_session.refused_sign_in_starts_no_session",
    ],
)
def an_expired_session_is_recovered_from(history: History) -> Verdict:
    """hi.events and tuvens-api let an organiser with an expired session token continue with a new one, up to the live
    event."""
    story = driven(history, EXPIRED_BY_CLOCK, EXPIRED_BY_WAITING, "expired/sign in")
    refused = history.one(f"{story}/expired/sign in")
    _expect_refusal(refused)
    again = expect_success(history.one(f"{story}/new/sign in"))
    return held([refused, again, *_goes_live(history, story)])


@rule(
    section="Authentication",
    quote="Backend to backend: header `x-shared-secret`.",
    story=SECRET,
    depends_on=[
        *_PREMISES,
        "shared_secret.validate_session_refuses_a_wrong_secret",
        "webhook.wrong_signature_is_refused",
    ],
)
def a_wrong_secret_is_recovered_from(history: History) -> Verdict:
    """tuvens-api rejects requests with a wrong secret without side effects: the same session and event then work with
    the correct secret."""
    for step in ("wrong secret/validate session", "wrong secret/webhook"):
        _expect_refusal(history.one(f"{SECRET}/{step}"))
    again = expect_success(history.one(f"{SECRET}/right secret/sign in"))
    return held([history.one(f"{SECRET}/wrong secret/validate session"), again, *_goes_live(history, SECRET)])


@rule(
    section="POST /api/cross-app/validate-permission (shared secret)",
    quote="A resource of an account that the session's user does not belong to is `false`.",
    story=PERMISSION,
    operations=[*_OPERATIONS, "validateCrossAppPermission", "validatePermission"],
    needs=[*_NEEDS, "foreign-event"],
    depends_on=[
        *_PREMISES,
        "session_token.permission_is_false_on_a_foreign_event",
        "session_token.held_permission_is_true_on_an_own_event",
        "hi_events_session.permissions_follow_tuvens_api",
    ],
)
def a_missing_permission_is_recovered_from(history: History) -> Verdict:
    """tuvens-api and hi.events deny an organiser another account's event, and let the organiser continue with an event
    of their own account."""
    denied, granted = (
        expect_success(history.one(f"{PERMISSION}/permission/{name}")) for name in ("foreign event", "own event")
    )
    for answer, wanted in ((denied, False), (granted, True)):
        found = json_object(answer).get("has_permission")
        expect(
            found is wanted,
            expected=f"has_permission {str(wanted).lower()}",
            observed=f"it is {found!r}"[:120],
            at=answer,
        )
    return held([denied, granted, *_goes_live(history, PERMISSION)])


@rule(
    section="GET /api/events/updates (SSE)",
    quote="Sent after each applied webhook.",
    story=NETWORK,
    operations=[*_OPERATIONS, "streamEventUpdates"],
    depends_on=[*_PREMISES, "webhook.draft_gives_setup", *_TOLD],
)
def a_lost_network_is_recovered_from(history: History) -> Verdict:
    """tuvens-api lets a client that lost its network learn what it missed, and receive later messages."""
    event = str(history.observation(f"{NETWORK}/event").values["tuvens"])
    missed = [*_goes_live(history, NETWORK), *_goes_live(history, NETWORK, "DRAFT")]
    after = expect_success(history.one(f"{NETWORK}/change/LIVE again"))
    stream = history.stream(f"{NETWORK}/stream after")
    # A change whose answer is lost on the way is told all the same: its first try counts.
    begun = history.tries(f"{NETWORK}/change/LIVE again")[0].started
    message = _first_message(stream, event, "active", since=begun)
    expected = f"a message, after the reconnect, that event {event} is active"
    number = _expect_message(history, message, expected, stream, after)
    replayed = _first_message(stream, event, "setup") is not None
    return held(
        (*missed, number),
        "missed messages came with Last-Event-ID" if replayed else "the event shows what was missed",
    )


@rule(
    section="POST /api/cross-app/validate-session (shared secret)",
    quote='200 `{"user_id": "456", "email": "user@example.com", "name": "John Doe", "account_id": 123}`',
    story=ASKED_AT_ONCE,
    settles="C-FL-04",
    operations=["generateSession", "validateSession"],
    needs=(),
    depends_on=[_MINTS, "session_token.validation_names_the_user"],
    next_step="Look for state shared between requests, such as a variable written before an await and read after it.",
    security=True,
)
def concurrent_questions_are_told_apart(history: History) -> Verdict:
    """validate-session returns the user for whom the token was issued, also under many concurrent requests."""
    asked = history.every(f"{ASKED_AT_ONCE}/question")
    answered = [each for each in asked if each.is_success]
    known = [each for each in answered if each.facts.get("user_id")]
    if not answered:
        raise UndecidedError(f"no validation succeeded: {shown(asked[0])}")
    if not known:
        raise LackingError("the users of the tokens are not known: set user_id under [[users]]")
    for each in known:
        found, wanted = json_object(each).get("user_id"), each.facts["user_id"]
        expect(
            found == wanted,
            expected=f"user_id {wanted!r}, the user of the token",
            observed=f"user_id {found!r}",
            at=each,
        )
    return held(known[:6], f"{len(known)} concurrent requests")


def _expect_refusal(exchange: Exchange) -> None:
    let_through(exchange)
    expect(exchange.is_client_error, expected="an error (4xx)", observed=shown(exchange), at=exchange)
    expect_no_session(exchange)
