"""validate-session, user-accounts, validate-permission: unknown tokens and ill-formed requests."""

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
    """tuvens-api answers 404 to validate-session with a token that it never minted, however near to a real one."""
    return statuses(history.every(f"{UNKNOWN}/validateSession"), 404)


@rule(section=ACCOUNTS, quote="404 session unknown or expired", operations="listUserAccounts")
def user_accounts_answers_404_to_an_unknown_token(history: History) -> Verdict:
    """tuvens-api answers 404 to user-accounts with a token that it never minted, however near to a real one."""
    return statuses(history.every(f"{UNKNOWN}/listUserAccounts"), 404)


@rule(section=PERMISSION, quote="400 missing or ill-typed field · 401 · 404 as above.", operations="validatePermission")
def validate_permission_answers_404_to_an_unknown_token(history: History) -> Verdict:
    """tuvens-api answers 404 to validate-permission with a token that it never minted, however near to a real one."""
    return statuses(history.every(f"{UNKNOWN}/validatePermission"), 404)


@rule(
    section=VALIDATE,
    quote="400 session_token missing, empty or not a string",
    story=ILL_FORMED,
    operations="validateSession",
)
def validate_session_answers_400_to_an_ill_formed_question(history: History) -> Verdict:
    """tuvens-api answers 400 to a validate-session whose session_token is missing, empty or not a string."""
    return statuses(history.every(f"{ILL_FORMED}/validateSession"), 400)


@rule(section=ACCOUNTS, quote="400 session_token missing", story=ILL_FORMED, operations="listUserAccounts")
def user_accounts_answers_400_without_a_token(history: History) -> Verdict:
    """tuvens-api answers 400 to a user-accounts without a session_token."""
    return statuses(history.every(f"{ILL_FORMED}/listUserAccounts"), 400)


@rule(section=PERMISSION, quote="400 missing or ill-typed field", story=ILL_FORMED, operations="validatePermission")
def validate_permission_answers_400_to_an_ill_formed_question(history: History) -> Verdict:
    """tuvens-api answers 400 to a validate-permission that lacks a field or has it of another type."""
    return statuses(history.every(f"{ILL_FORMED}/validatePermission"), 400)
