"""Sign-in while tuvens-api fails, and with expired tokens."""

from contracts.catalogue import RuleFamily
from contracts.expiry import driven
from contracts.hi_events_session.rules_sign_in import SIGN_IN, expect_no_session
from harness.expectations import (
    BrokenRuleError,
    UndecidedError,
    answered,
    expect,
    expect_status,
    expect_success,
    held,
    json_object,
    shown,
)
from harness.history import Exchange, History, Outcome
from harness.requirement import MUST, SHOULD
from harness.verdict import Verdict

_ACCEPTS = "hi_events_session.accepts_a_live_session"
TROUBLE = "tuvens_api_is_in_trouble"
BY_CLOCK = "expired_tokens_are_tried_by_the_clock"
BY_WAITING = "expired_tokens_are_tried_after_waiting"
CACHE_SECONDS = 60.0
"""How old, in seconds, a cached answer of validate-session may be."""

_NO_SESSION = "hi_events_session.trouble_at_tuvens_api_starts_no_session"
_KEPT = "hi_events_session.refused_sign_in_starts_no_session"
_ERROR = "hi_events_session.trouble_at_tuvens_api_is_an_error"

rule = RuleFamily(
    level=MUST,
    obliged="hi.events",
    section=SIGN_IN,
    story=TROUBLE,
    settles="C-HE-07",
    operations=["validateCrossAppSession", "generateSession"],
    needs="control:tuvens-api",
)


@rule(
    quote="and when tuvens-api cannot be",
    depends_on=[_ACCEPTS, _KEPT],
    next_step="Start a session only after tuvens-api returned 200 with a body that names a user.",
)
def trouble_at_tuvens_api_starts_no_session(history: History) -> Verdict:
    """hi.events starts no session while tuvens-api returns 500, returns nonsense or does not respond."""
    tries = history.every(f"{TROUBLE}/sign in")
    for each in tries:
        expect(not each.is_success, expected="an error, and no token", observed=shown(each), at=each)
        expect_no_session(each)
    if all(each.outcome is not Outcome.ANSWERED for each in tries):
        raise UndecidedError(f"no sign-in got a response: {tries[0].error}")
    return held(tries)


@rule(quote="and when tuvens-api cannot be", depends_on=_NO_SESSION)
def trouble_at_tuvens_api_is_an_error(history: History) -> Verdict:
    """hi.events returns 401, 502 or 503 for a sign-in while tuvens-api returns 500 or nonsense."""
    return held(
        [expect_status(history.one(f"{TROUBLE}/sign in/{name}"), 401, 502, 503) for name in ("500", "nonsense")]
    )


@rule(
    quote="and when tuvens-api cannot be",
    depends_on=[_NO_SESSION, _ERROR],
    next_step="Set a time-out of a few seconds for hi.events' call of validate-session.",
)
def silence_of_tuvens_api_is_given_up(history: History) -> Verdict:
    """hi.events returns 401, 502 or 503 for a sign-in within its time-out while tuvens-api does not respond."""
    asked = history.one(f"{TROUBLE}/sign in/silence")
    if asked.outcome is Outcome.NO_ANSWER:
        raise UndecidedError(
            f"no response within {asked.seconds:.0f} s; the contract sets no time-out: raise safety.seconds to wait"
        )
    expect_status(asked, 401, 502, 503)
    return held(asked, f"after {asked.seconds:.1f} s")


@rule(
    level=SHOULD,
    quote="(SHOULD then be 502 or 503 with error UPSTREAM_UNAVAILABLE",
    settles=(),
    depends_on=[_NO_SESSION, _ERROR],
)
def trouble_is_told_from_a_refusal(history: History) -> Verdict:
    """hi.events returns 502 or 503 with UPSTREAM_UNAVAILABLE, not 401, for a sign-in while tuvens-api is failing."""
    tries = [answered(each) for each in history.every(f"{TROUBLE}/sign in")]
    for each in tries:
        expect_status(each, 502, 503)
        try:
            found = json_object(each).get("error")
        except BrokenRuleError:
            continue  # the shape of errors is a rule of its own
        expect(
            found == "UPSTREAM_UNAVAILABLE",
            expected="error UPSTREAM_UNAVAILABLE",
            observed=f"error is {found!r}"[:120],
            at=each,
        )
    return held(tries)


@rule(quote="Hi.Events calls tuvens-api's validate-session with the shared secret.", depends_on=_ACCEPTS)
def sign_in_works_again_after_trouble(history: History) -> Verdict:
    """hi.events starts a session for the same session token once tuvens-api works again."""
    return held(expect_success(history.one(f"{TROUBLE}/after")))


def _after_expiry(history: History, which: str) -> Exchange:
    """A sign-in after a token's expiry. Raises UndecidedError if tuvens-api still accepts the token."""
    story = driven(history, BY_CLOCK, BY_WAITING, "after")
    asked = answered(history.one(f"{story}/after/tuvens-api asked directly"))
    if asked.is_success:
        raise UndecidedError(f"tuvens-api itself still accepts the expired token (exchange {asked.number})")
    return history.one(f"{story}/after/{which}")


@rule(
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=[BY_CLOCK, BY_WAITING],
    settles="C-HE-06",
    needs="expiry:tuvens-api",
    depends_on=[
        _ACCEPTS,
        "hi_events_session.unknown_token_is_refused",
        "session_token.mints_a_session",
        "session_token.validate_session_refuses_an_expired_token",
    ],
)
def expired_token_is_refused(history: History) -> Verdict:
    """hi.events returns 401 for a sign-in with an expired session token."""
    return held(expect_status(_after_expiry(history, "unused"), 401))


@rule(
    quote="validate-session's answer has no expiry in it, so a cached answer is at most 60 s old",
    story=[BY_CLOCK, BY_WAITING],
    settles="C-HE-15",
    needs="expiry:tuvens-api",
    depends_on=["hi_events_session.expired_token_is_refused", _KEPT, "session_token.session_lives_until_its_expiry"],
    next_step="Validate every token at tuvens-api, or cache its response for at most 60 s.",
)
def expired_token_is_not_served_from_a_cache(history: History) -> Verdict:
    """hi.events returns 401 for a sign-in with an expired session token that it accepted more than 60 s ago."""
    story = driven(history, BY_CLOCK, BY_WAITING, "after")
    expect_success(history.one(f"{story}/before expiry"))
    since = history.observation(f"{story}/times").values["since_accepted"]
    answer = _after_expiry(history, "used")
    # A refusal before that is no cached answer either.
    if since <= CACHE_SECONDS and answer.status != 401:
        raise UndecidedError(f"the token was accepted only {since:.0f} s before: a cache may still have it")
    expect_status(answer, 401)
    expect_no_session(answer)
    return held(answer, f"{since:.0f} s after it was accepted")
