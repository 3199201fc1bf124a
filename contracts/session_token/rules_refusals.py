"""generate-session: the requests that it refuses."""

from contracts.catalogue import RuleFamily
from contracts.session_token.rules_minting import SECTION
from harness.expectations import expect_status, held, lacking_without, statuses
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

JWTS = "sessions_are_refused_without_a_valid_jwt"
ACCOUNTS = "sessions_are_refused_for_wrong_accounts"
_MISSING = frozenset({"null", "empty object", "no body"})

rule = RuleFamily(
    security=True,
    level=MUST,
    obliged="tuvens-api",
    section=SECTION,
    quote="401 JWT missing, malformed, expired, wrongly signed",
    story=JWTS,
    operations="generateSession",
    depends_on="session_token.mints_a_session",
)


def _forged(history: History, step: str) -> Verdict:
    with lacking_without(history, JWTS, "the users' JWTs are opaque, so crossapp cannot forge one"):
        return statuses(history.every(f"{JWTS}/{step}"), 401)


@rule(settles="C-TA-04")
def missing_jwt_is_refused(history: History) -> Verdict:
    """generate-session rejects a missing JWT, an empty one and another authentication scheme with 401."""
    steps = ("no JWT", "no JWT, empty bearer", "no JWT, basic")
    return statuses([history.one(f"{JWTS}/{step}") for step in steps], 401)


@rule(settles="C-TA-04")
def malformed_jwt_is_refused(history: History) -> Verdict:
    """generate-session rejects a malformed JWT with 401."""
    return statuses(history.every(f"{JWTS}/malformed JWT"), 401)


@rule(settles="C-TA-04", needs="expired-jwt")
def expired_jwt_is_refused(history: History) -> Verdict:
    """generate-session rejects an expired JWT with 401."""
    with lacking_without(history, JWTS, "crossapp could not make an expired JWT: set the organiser's expired_jwt"):
        return held(expect_status(history.one(f"{JWTS}/expired JWT"), 401))


@rule(settles="C-TA-04")
def wrongly_signed_jwt_is_refused(history: History) -> Verdict:
    """generate-session rejects a JWT with 401 if its signature is by another key, damaged, or made for other claims."""
    return _forged(history, "wrongly signed JWT")


@rule(settles="C-TA-04", depends_on="session_token.wrongly_signed_jwt_is_refused")
def unsigned_jwt_is_refused(history: History) -> Verdict:
    """generate-session rejects an unsigned JWT (alg none) with 401."""
    return _forged(history, "unsigned JWT")


@rule(section="Errors", quote="Order on every route: authentication (401), then the request's form (400)")
def generate_session_authenticates_before_it_reads(history: History) -> Verdict:
    """generate-session returns 401, not 400, for a malformed request without a JWT."""
    return held(expect_status(history.one(f"{JWTS}/no JWT and ill-formed"), 401))


@rule(quote="403 user is not a member of the account", story=ACCOUNTS, settles="C-TA-05", needs="role:outsider")
def foreign_account_is_refused(history: History) -> Verdict:
    """generate-session returns 403 for an account that the user does not belong to."""
    return held(expect_status(history.one(f"{ACCOUNTS}/foreign account"), 403))


@rule(quote="400 account_id missing or not a positive integer", story=ACCOUNTS, security=False)
def ill_formed_account_is_refused(history: History) -> Verdict:
    """generate-session returns 400 if account_id is not a positive integer or the body is not an object."""
    sent = [*history.every(f"{ACCOUNTS}/ill-formed account"), *history.every(f"{ACCOUNTS}/ill-formed body")]
    return statuses([each for each in sent if each.step.rpartition("/")[2] not in _MISSING], 400)


@rule(
    section="Where the sources disagree, and the ruling",
    quote='required; "optional" is a declared deviation',
    story=ACCOUNTS,
    security=False,
)
def missing_account_is_refused(history: History) -> Verdict:
    """generate-session returns 400 if account_id is missing or null."""
    steps = ("ill-formed account/null", "ill-formed body/empty object")
    return statuses([history.one(f"{ACCOUNTS}/{step}") for step in steps], 400)
