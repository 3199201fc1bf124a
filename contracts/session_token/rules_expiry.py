"""The expiry of a session, by the server's own clock."""

from contracts.catalogue import RuleFamily
from contracts.expiry import driven
from contracts.session_token.rules_questions import ACCOUNTS, PERMISSION, VALIDATE
from harness.expectations import UndecidedError, answered, expect, expect_status, expect_success, held, json_object
from harness.history import Exchange, History
from harness.http import object_or_empty
from harness.requirement import MUST
from harness.verdict import Verdict

BY_CLOCK, BY_WAITING = "sessions_expire_by_the_clock", "sessions_expire_by_waiting"

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-api",
    section=VALIDATE,
    story=[BY_CLOCK, BY_WAITING],
    settles="C-TA-02",
    operations="validateSession",
    needs="expiry:tuvens-api",
    depends_on="session_token.mints_a_session",
)


def _story(history: History) -> str:
    return driven(history, BY_CLOCK, BY_WAITING, "times before")


@rule(
    section="Where the sources disagree, and the ruling",
    quote="reusable until a fixed expires_at",
    operations=["validateSession", "listUserAccounts", "validatePermission"],
)
def session_lives_until_its_expiry(history: History) -> Verdict:
    """tuvens-api accepts a session token until the expires_at that it announced."""
    story = _story(history)
    times = history.observation(f"{story}/times before").values
    if times["not_after"] >= times["expires_at"]:
        raise UndecidedError("the requests took so long that the session may have expired meanwhile")
    return held([expect_success(each) for each in history.every(f"{story}/before")])


def _refused_after(history: History, operation: str) -> Verdict:
    story = _story(history)
    times = history.observation(f"{story}/times after").values
    if times["not_before"] < times["expires_at"]:
        raise UndecidedError("the requests may have arrived before the expiry")
    exchange = history.one(f"{story}/after/{operation}")
    return held(expect_status(exchange, 404, because="after the announced expires_at"))


@rule(quote="404 token unknown or expired", security=True)
def validate_session_refuses_an_expired_token(history: History) -> Verdict:
    """validate-session returns 404 for an expired session token."""
    return _refused_after(history, "validateSession")


@rule(section=ACCOUNTS, quote="404 session unknown or expired", operations="listUserAccounts", security=True)
def user_accounts_refuses_an_expired_token(history: History) -> Verdict:
    """user-accounts returns 404 for an expired session token."""
    return _refused_after(history, "listUserAccounts")


@rule(section=PERMISSION, quote="404 as above.", operations="validatePermission", security=True)
def validate_permission_refuses_an_expired_token(history: History) -> Verdict:
    """tuvens-api's validate-permission returns 404 for an expired session token."""
    return _refused_after(history, "validatePermission")


@rule(
    quote="one answer for both: a caller cannot tell which",
    settles=(),
    depends_on=[
        "session_token.validate_session_refuses_an_expired_token",
        "session_token.validate_session_answers_404_to_an_unknown_token",
    ],
)
def expired_and_unknown_tokens_look_alike(history: History) -> Verdict:
    """validate-session returns the same error for an expired and for an unknown session token, so that a caller cannot
    distinguish them."""
    story = _story(history)
    answers = history.one(f"{story}/after/validateSession"), history.one(f"{story}/unknown")
    for each in answers:
        if answered(each).status != 404:
            raise UndecidedError(f"exchange {each.number} ({each.step}) returned {each.status}, not 404")
    expired, unknown = (_error_of(each) for each in answers)
    expect(
        expired == unknown,
        expected=f"the error for an unknown token: {', '.join(unknown)}"[:160],
        observed=", ".join(expired)[:160],
        at=answers,
    )
    return held(answers)


def _error_of(exchange: Exchange) -> list[str]:
    """The message of an error, and its code if it has one. That it repeats a token, which tells nothing, is another
    rule's matter."""
    value = json_object(exchange)
    origin = value.get("origin")
    code = origin.get("code") if isinstance(origin, dict) else None
    token = str(object_or_empty(exchange.request_body).get("session_token") or "<token>")
    return [f"message {value.get('message')!r}".replace(token, "<token>"), f"code {code!r}"]
