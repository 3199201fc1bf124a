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
    with lacking_without(history, JWTS, "the users' JWTs are opaque, so none can be forged from them"):
        return statuses(history.every(f"{JWTS}/{step}"), 401)


@rule(settles="C-TA-04")
def missing_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to generate-session without a JWT, with an empty one, and with another scheme."""
    steps = ("no JWT", "no JWT, empty bearer", "no JWT, basic")
    return statuses([history.one(f"{JWTS}/{step}") for step in steps], 401)


@rule(settles="C-TA-04")
def malformed_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to generate-session with what is no JWT."""
    return statuses(history.every(f"{JWTS}/malformed JWT"), 401)


@rule(settles="C-TA-04", needs="expired-jwt")
def expired_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to generate-session with an expired JWT."""
    with lacking_without(history, JWTS, "no expired JWT could be made: give the organiser's expired_jwt"):
        return held(expect_status(history.one(f"{JWTS}/expired JWT"), 401))


@rule(settles="C-TA-04")
def wrongly_signed_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to generate-session with a JWT whose signature is another key's, damaged, or of other
    claims."""
    return _forged(history, "wrongly signed JWT")


@rule(settles="C-TA-04")
def unsigned_jwt_is_refused(history: History) -> Verdict:
    """tuvens-api answers 401 to generate-session with a JWT that claims to need no signature (alg none)."""
    return _forged(history, "unsigned JWT")


@rule(section="Errors", quote="Order on every route: authentication (401), then the request's form (400)")
def generate_session_authenticates_before_it_reads(history: History) -> Verdict:
    """tuvens-api answers 401, not 400, to a generate-session that lacks a JWT and is ill-formed."""
    return held(expect_status(history.one(f"{JWTS}/no JWT and ill-formed"), 401))


@rule(quote="403 user is not a member of the account", story=ACCOUNTS, settles="C-TA-05", needs="role:outsider")
def foreign_account_is_refused(history: History) -> Verdict:
    """tuvens-api answers 403 to generate-session for an account that the user does not belong to."""
    return held(expect_status(history.one(f"{ACCOUNTS}/foreign account"), 403))


@rule(quote="400 account_id missing or not a positive integer", story=ACCOUNTS, security=False)
def ill_formed_account_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to generate-session whose account_id is no positive integer or whose body is no object."""
    sent = [*history.every(f"{ACCOUNTS}/ill-formed account"), *history.every(f"{ACCOUNTS}/ill-formed body")]
    return statuses([each for each in sent if each.step.rpartition("/")[2] not in _MISSING], 400)


@rule(
    section="Where the sources disagree, and the ruling",
    quote='required; "optional" is a declared deviation',
    story=ACCOUNTS,
    security=False,
)
def missing_account_is_refused(history: History) -> Verdict:
    """tuvens-api answers 400 to generate-session without an account_id, and with null for one."""
    steps = ("ill-formed account/null", "ill-formed body/empty object")
    return statuses([history.one(f"{ACCOUNTS}/{step}") for step in steps], 400)
