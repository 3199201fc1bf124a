"""Input is validated: hostile input is rejected and changes nothing."""

from contracts.catalogue import RuleFamily
from harness.expectations import alive, expect, expect_success, held, let_through, shown
from harness.history import History, Outcome
from harness.http import object_or_empty
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

QUESTIONS = "hostile_input_is_sent"
WEBHOOKS = "hostile_webhooks_are_sent"
OVERSIZED = "oversized_bodies_are_sent"

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section="Errors",
    quote="then the request's form (400), then existence and permission (404, 403)",
    story=QUESTIONS,
    settles="C-TA-27",
    depends_on="session_token.mints_a_session",
)


@rule(operations=["validateSession", "listUserAccounts", "validatePermission", "getEvent"])
def hostile_questions_break_nothing(history: History) -> Verdict:
    """tuvens-api returns no server error (5xx) for a request about a session or an event, whatever its fields
    contain."""
    seen = [each for each in history.every(QUESTIONS) if each.callee == "tuvens-api"]
    for each in seen:
        let_through(each)
        expect((each.status or 0) < 500, expected="a status below 500", observed=shown(each), at=each)
    return held(seen[:6], f"{len(seen)} requests")


@rule(operations=["validateSession", "listUserAccounts", "validatePermission"])
def hostile_tokens_open_nothing(history: History) -> Verdict:
    """tuvens-api never accepts injected text as a session token or as a permission."""
    seen = history.every(f"{QUESTIONS}/token")
    for each in seen:
        let_through(each)
        expect(each.is_error, expected="an error (4xx or 5xx)", observed=shown(each), at=each)
    for each in history.every(f"{QUESTIONS}/permission"):
        let_through(each)
        granted = each.is_success and object_or_empty(each.response_body).get("has_permission") is True
        expect(not granted, expected="has_permission false, or an error", observed=shown(each), at=each)
        alive(each)
        seen.append(each)
    return held(seen[:6], f"{len(seen)} requests")


@rule(operations="validateSession")
def hostile_questions_change_nothing(history: History) -> Verdict:
    """tuvens-api still validates a live session after hostile input."""
    return held(expect_success(history.one(f"{QUESTIONS}/afterwards")))


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote="400 signed, but malformed",
    story=WEBHOOKS,
    operations="receiveEventStatusChanged",
    depends_on=(),
)
def hostile_webhooks_are_refused(history: History) -> Verdict:
    """tuvens-api returns 4xx for a signed webhook that names a hostile event or is not JSON."""
    seen = history.every(WEBHOOKS)
    for each in seen:
        let_through(each)
        expect(each.is_client_error, expected="an error (4xx)", observed=shown(each), at=each)
    return held(seen[:6], f"{len(seen)} webhooks")


@rule(
    level=SHOULD,
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote="SHOULD: 413 (or 400) for a body above 1 MiB",
    story=OVERSIZED,
    settles="C-SE-04",
    operations=["generateSession", "validateSession", "validatePermission", "receiveEventStatusChanged"],
)
def oversized_bodies_are_refused(history: History) -> Verdict:
    """tuvens-api rejects bodies above 1 MiB (413 or 400) and continues to work."""
    after = expect_success(history.one(f"{OVERSIZED}/afterwards"))
    seen = history.every(f"{OVERSIZED}/oversized")
    for each in seen:
        # A server that closes the connection instead of reading the body refuses it, too.
        closed = each.outcome is Outcome.NO_ANSWER and each.seconds < 10
        if not closed:
            let_through(each)
            expect(each.status in (400, 413), expected="413 or 400", observed=shown(each), at=each)
    return held([*seen, after])
