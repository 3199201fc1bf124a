"""validate-session, user-accounts, validate-permission: unknown tokens and malformed requests."""

from contracts.catalogue import RuleFamily
from contracts.session_token.rules_questions import ACCOUNTS, PERMISSION, VALIDATE
from harness.expectations import statuses
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

UNKNOWN = "unknown_sessions_are_refused"
ILL_FORMED = "ill_formed_questions_are_refused"

rule = RuleFamily(level=MUST, obliged="tuvens-api", story=UNKNOWN, depends_on="session_token.mints_a_session")


@rule(section=VALIDATE, quote="404 token unknown or expired", operations="validateSession")
def validate_session_answers_404_to_an_unknown_token(history: History) -> Verdict:
    """validate-session returns 404 for a token that tuvens-api never issued, even if it resembles a real one."""
    return statuses(history.every(f"{UNKNOWN}/validateSession"), 404)


@rule(section=ACCOUNTS, quote="404 session unknown or expired", operations="listUserAccounts")
def user_accounts_answers_404_to_an_unknown_token(history: History) -> Verdict:
    """user-accounts returns 404 for a token that tuvens-api never issued, even if it resembles a real one."""
    return statuses(history.every(f"{UNKNOWN}/listUserAccounts"), 404)


@rule(section=PERMISSION, quote="400 missing or ill-typed field · 401 · 404 as above.", operations="validatePermission")
def validate_permission_answers_404_to_an_unknown_token(history: History) -> Verdict:
    """tuvens-api's validate-permission returns 404 for a token that tuvens-api never issued, even if it resembles a
    real one."""
    return statuses(history.every(f"{UNKNOWN}/validatePermission"), 404)


@rule(
    section=VALIDATE,
    quote="400 session_token missing, empty or not a string",
    story=ILL_FORMED,
    operations="validateSession",
)
def validate_session_answers_400_to_an_ill_formed_question(history: History) -> Verdict:
    """validate-session returns 400 if session_token is missing, empty or not a string."""
    return statuses(history.every(f"{ILL_FORMED}/validateSession"), 400)


@rule(section=ACCOUNTS, quote="400 session_token missing", story=ILL_FORMED, operations="listUserAccounts")
def user_accounts_answers_400_without_a_token(history: History) -> Verdict:
    """user-accounts returns 400 without a session_token."""
    return statuses(history.every(f"{ILL_FORMED}/listUserAccounts"), 400)


@rule(section=PERMISSION, quote="400 missing or ill-typed field", story=ILL_FORMED, operations="validatePermission")
def validate_permission_answers_400_to_an_ill_formed_question(history: History) -> Verdict:
    """tuvens-api's validate-permission returns 400 if a field is missing or has the wrong type."""
    return statuses(history.every(f"{ILL_FORMED}/validatePermission"), 400)
