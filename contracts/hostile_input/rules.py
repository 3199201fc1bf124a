"""Input is validated: what is meant to break a server is refused and changes nothing."""

from contracts.catalogue import RuleFamily
from harness.history import Exchange, History, Outcome
from harness.http import WireError
from harness.judging import expect, expect_success, held, let_through, shown
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

QUESTIONS = "hostile_input_is_sent"
WEBHOOKS = "hostile_webhooks_are_sent"
OVERSIZED = "oversized_bodies_are_sent"

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Errors",
    quote="then the request's form (400), then existence and permission (404, 403)",
    story=QUESTIONS,
    settles="C-TA-27",
    depends_on="session_token.mints_a_session",
)


def _is_no_crash(exchange: Exchange) -> None:
    let_through(exchange)
    expect(
        exchange.status is not None and exchange.status < 500,
        expected="an answer below 500",
        observed=shown(exchange),
        at=exchange,
    )


@rule(operations=["validateSession", "listUserAccounts", "validatePermission", "getEvent"])
def hostile_questions_break_nothing(history: History) -> Verdict:
    """tuvens-api answers no question with a server error (5xx), whatever stands in its fields."""
    seen = [each for each in history.every(QUESTIONS) if each.callee == "tuvens-api"]
    for each in seen:
        _is_no_crash(each)
    return held(seen[:6], f"{len(seen)} questions")


@rule(operations=["validateSession", "listUserAccounts", "validatePermission"])
def hostile_tokens_open_nothing(history: History) -> Verdict:
    """tuvens-api takes no injected text for a session token or for a permission."""
    seen = history.every(f"{QUESTIONS}/token")
    for each in seen:
        let_through(each)
        expect((each.status or 0) >= 400, expected="a refusal", observed=shown(each), at=each)
    for each in history.every(f"{QUESTIONS}/permission"):
        let_through(each)
        expect(not _grants(each), expected="has_permission false, or a refusal", observed=shown(each), at=each)
        seen.append(each)
    return held(seen[:6], f"{len(seen)} questions")


def _grants(exchange: Exchange) -> bool:
    try:
        value = exchange.answer.json()
    except WireError:
        return False
    return (exchange.status or 0) < 300 and isinstance(value, dict) and value.get("has_permission") is True


@rule(operations="validateSession")
def hostile_questions_change_nothing(history: History) -> Verdict:
    """tuvens-api validates a live session as before after hostile input."""
    return held(expect_success(history.one(f"{QUESTIONS}/afterwards")))


@rule(
    section="POST /api/webhooks/hi-events/event-status-changed (signature)",
    quote="400 signed, but malformed",
    story=WEBHOOKS,
    operations="receiveEventStatusChanged",
    depends_on=(),
)
def hostile_webhooks_are_refused(history: History) -> Verdict:
    """tuvens-api answers a signed webhook that names a hostile event, or is no JSON, with a 4xx."""
    seen = history.every(WEBHOOKS)
    for each in seen:
        let_through(each)
        refused = each.is_client_error
        expect(refused, expected="a refusal (4xx)", observed=shown(each), at=each)
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
    """tuvens-api refuses bodies above 1 MiB (413 or 400) and goes on serving."""
    after = expect_success(history.one(f"{OVERSIZED}/afterwards"))
    seen = history.every(f"{OVERSIZED}/oversized")
    for each in seen:
        # A server may hang up on a body that it does not want to read: that is a refusal, too.
        hung_up = each.outcome is Outcome.NO_ANSWER and each.seconds < 10
        if not hung_up:
            let_through(each)
            expect(each.status in (400, 413), expected="413 or 400", observed=shown(each), at=each)
    return held([*seen, after])
