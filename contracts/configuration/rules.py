"""Settings by environment variables take effect. Needs a command that starts a second instance."""

from contracts.catalogue import RuleFamily
from contracts.times import parse_http_date, parse_iso
from harness.history import History
from harness.judging import UndecidedError, expect, expect_status, expect_success, held, json_object, let_through
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "settings_take_effect"
EXPIRY_SECONDS = 120
_OPERATIONS = ("generateSession", "validateSession")
_SECTION = "Systems"

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=_SECTION,
    story=STORY,
    settles="C-TA-31",
    operations=_OPERATIONS,
    needs="launch:tuvens-api",
    depends_on="session_token.mints_a_session",
)


@rule(quote="`HI_EVENTS_SHARED_SECRET` (backend-to-backend header and webhook key)")
def shared_secret_is_a_setting(history: History) -> Verdict:
    """tuvens-api takes the shared secret from HI_EVENTS_SHARED_SECRET, and no other then."""
    right = expect_success(history.one(f"{STORY}/new secret"))
    return held((right, expect_status(history.one(f"{STORY}/former secret"), 401)))


@rule(quote="`CROSS_APP_SESSION_EXPIRY` (seconds, 900)")
def session_expiry_is_a_setting(history: History) -> Verdict:
    """tuvens-api takes the life of a session from CROSS_APP_SESSION_EXPIRY, in seconds."""
    minted = expect_success(history.one(f"{STORY}/generate session"))
    try:
        ends = parse_iso(str(json_object(minted).get("expires_at")))
    except ValueError:
        raise UndecidedError("the answer has no readable expires_at") from None
    generated = parse_http_date(minted.header("date"))
    if generated is None:
        raise UndecidedError("the answer has no Date header, so its clock is not known")
    expect(
        abs(ends - generated - EXPIRY_SECONDS) <= 2 + minted.seconds,
        expected=f"expires_at {EXPIRY_SECONDS} s after the answer's Date",
        observed=f"{ends - generated:.0f} s after it",
        at=minted,
    )
    return held(minted)


@rule(quote="`HI_EVENTS_DOMAIN` (tickets.tuvens.com)", depends_on="cors.right_origins_are_admitted")
def hi_events_domain_is_a_setting(history: History) -> Verdict:
    """tuvens-api admits the origin of the domain that HI_EVENTS_DOMAIN names."""
    answer = let_through(history.one(f"{STORY}/new origin"))
    origin = "https://tickets.settings.example"
    allowed = answer.header("Access-Control-Allow-Origin")
    expect(allowed == origin, expected=f"{origin} admitted", observed=f"{allowed or 'no origin'} admitted", at=answer)
    return held(answer)
