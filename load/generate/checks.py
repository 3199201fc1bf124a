"""Checks of answers under load: a fast wrong answer is a failure."""

from collections.abc import Callable

import openapi
from contracts.session_token import wire as session_wire
from harness.deployment import User
from harness.http import Answer, Call, WireError, field_of
from load.generate.samples import Result

Check = Callable[[Answer], str]
"""Returns what is wrong with a successful answer, empty if nothing is. May raise WireError."""


def judge_answer(call: Call, answer: Answer, check: Check) -> tuple[Result, str]:
    """The result of an answered call, and the reason if it is not OK: by status, then document, then `check`."""
    if answer.status == 429:
        return Result.LIMITED, "status 429"
    if answer.status in (401, 403):
        return Result.DENIED, f"status {answer.status} to valid credentials"
    if not 200 <= answer.status < 300:
        return Result.FAILED, f"status {answer.status}"
    operation = openapi.find(call.operation)
    problems = operation.response_problems(status=answer.status, headers=answer.headers, body=answer.body)
    if problems:
        first = problems[0]
        # The message may quote the value, which must not be a session token.
        is_secret = first.pointer.rpartition("/")[2] in (*operation.secret_fields, "x-auth-token")
        return Result.FAILED, f"{first.pointer}: {'is not as documented' if is_secret else first.message}"
    try:
        wrong = check(answer)
    except WireError as error:
        return Result.FAILED, str(error)
    return (Result.FAILED, wrong) if wrong else (Result.OK, "")


def anything(answer: Answer) -> str:
    """Accepts any answer that fits the document."""
    return ""


def session_of(user: User) -> Check:
    """The session is for the user's account."""

    def check(answer: Answer) -> str:
        session = session_wire.read_session(answer)
        return "" if session.account_id in (None, user.account_id) else "a session for another account"

    return check


def user_is(user: User) -> Check:
    """The answer is about this user."""

    def check(answer: Answer) -> str:
        told = session_wire.read_session_user(answer)
        same = (not user.user_id or told.user_id == user.user_id) and (not user.email or told.email == user.email)
        return "" if same and told.account_id == user.account_id else "the data of another session"

    return check


def lists_account_of(user: User) -> Check:
    """The user's account is listed."""

    def check(answer: Answer) -> str:
        accounts = session_wire.read_accounts(answer)
        return "" if any(each.id == user.account_id for each in accounts) else "the user's account is not listed"

    return check


def is_boolean(answer: Answer) -> str:
    """The answer tells whether a permission is held."""
    session_wire.read_permission(answer)
    return ""


def is_taken(answer: Answer) -> str:
    """The webhook was accepted."""
    return "" if field_of(answer.json(), "success", bool) else "success is false"


def is_signed_in(answer: Answer) -> str:
    """The answer has a bearer token."""
    return "" if field_of(answer.json(), "token", str) else "the token is empty"


def is_authenticated(answer: Answer) -> str:
    """The Hi.Events session is alive."""
    return "" if field_of(answer.json(), "authenticated", bool) else "not authenticated"
