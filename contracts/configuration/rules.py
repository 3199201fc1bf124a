"""Settings by environment variables take effect. Needs a command that starts a second instance."""

from contracts.catalogue import RuleFamily
from contracts.expiry import seconds_to_expiry
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    expect,
    expect_status,
    expect_success,
    held,
    let_through,
)
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "settings_take_effect"
EXPIRY_SECONDS = 120

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section="Systems",
    story=STORY,
    settles="C-TA-31",
    operations=["generateSession", "validateSession"],
    needs="launch:tuvens-api",
    depends_on="session_token.mints_a_session",
)


@rule(quote="`HI_EVENTS_SHARED_SECRET` (backend-to-backend header and webhook key)")
def shared_secret_is_a_setting(history: History) -> Verdict:
    """tuvens-api takes the shared secret from HI_EVENTS_SHARED_SECRET, and then accepts no other."""
    right = expect_success(history.one(f"{STORY}/new secret"))
    return held((right, expect_status(history.one(f"{STORY}/former secret"), 401)))


@rule(quote="`CROSS_APP_SESSION_EXPIRY` (seconds, 900)")
def session_expiry_is_a_setting(history: History) -> Verdict:
    """tuvens-api takes the session lifetime in seconds from CROSS_APP_SESSION_EXPIRY."""
    minted = expect_success(history.one(f"{STORY}/generate session"))
    try:
        left = seconds_to_expiry(minted)
    except BrokenRuleError:
        raise UndecidedError("the response has no readable expires_at") from None
    expect(
        abs(left - EXPIRY_SECONDS) <= 2 + minted.seconds,
        expected=f"expires_at {EXPIRY_SECONDS} s after the response's Date",
        observed=f"{left:.0f} s after it",
        at=minted,
    )
    return held(minted)


@rule(quote="`HI_EVENTS_DOMAIN` (tickets.tuvens.com)", depends_on="cors.right_origins_are_admitted")
def hi_events_domain_is_a_setting(history: History) -> Verdict:
    """tuvens-api allows the origin of the domain in HI_EVENTS_DOMAIN."""
    answer = let_through(history.one(f"{STORY}/new origin"))
    origin = "https://tickets.settings.example"
    allowed = answer.header("Access-Control-Allow-Origin")
    expect(allowed == origin, expected=f"{origin} admitted", observed=f"{allowed or 'no origin'} admitted", at=answer)
    return held(answer)
