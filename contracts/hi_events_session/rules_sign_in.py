"""POST /auth/cross-app/validate: it accepts the tokens of tuvens-api and no others."""

from typing import Any

import openapi
from contracts.catalogue import RuleFamily
from harness.expectations import (
    BrokenRuleError,
    LackingError,
    UndecidedError,
    answered,
    expect,
    expect_field,
    expect_status,
    expect_success,
    held,
    json_object,
    shown,
    statuses,
)
from harness.history import Exchange, History
from harness.http import object_or_empty
from harness.requirement import MUST
from harness.verdict import Verdict

SIGN_IN = "POST /auth/cross-app/validate"
SIGNED_IN = "a_user_signs_in"
REFUSED = "sign_ins_are_refused"
LIMITED = "sign_ins_come_too_often"
_ACCEPTS = "hi_events_session.accepts_a_live_session"
_UNKNOWN_REFUSED = "hi_events_session.unknown_token_is_refused"
_MINTS = "session_token.mints_a_session"

MOST_TRIES = 200
"""The largest limit of sign-ins a minute that is tested."""

_LONGEST_WINDOW = 55.0

rule = RuleFamily(
    level=MUST, obliged="hi.events", section=SIGN_IN, story=SIGNED_IN, operations="validateCrossAppSession"
)


def handed_out(exchange: Exchange) -> object:
    """The token in an answer's body; None if there is none."""
    return object_or_empty(exchange.response_body).get("token")


def expect_no_session(refused: Exchange) -> None:
    """Raises BrokenRuleError if an error hands out a bearer token, in its body or in a header."""
    in_header = bool((refused.header("X-Auth-Token") or "").strip())
    where = "in the header X-Auth-Token of" if in_header else "in"
    without = not (in_header or handed_out(refused))
    expect(without, expected="a rejection without a token", observed=f"a token {where} {shown(refused)}", at=refused)


def signed_in_user(exchange: Exchange) -> dict[str, Any]:
    """The user in a sign-in's answer. Raises BrokenRuleError if it is no object."""
    user: dict[str, Any] = expect_field(exchange, "user", dict)
    return user


@rule(
    quote="Hi.Events calls tuvens-api's validate-session with the shared secret.",
    settles="C-HE-05",
    operations=["validateCrossAppSession", "generateSession", "validateSession"],
    depends_on=[_MINTS, "session_token.validation_names_the_user"],
    next_step="Check that hi.events can reach tuvens-api's validate-session and that both have the same shared secret.",
)
def accepts_a_live_session(history: History) -> Verdict:
    """hi.events starts a session for a session token that tuvens-api issued."""
    answer = history.one(f"{SIGNED_IN}/first")
    asked = answered(history.one(f"{SIGNED_IN}/tuvens-api asked directly"))
    if asked.is_error:
        raise UndecidedError(f"tuvens-api itself does not accept the token (exchange {asked.number})")
    expect_success(answer)
    token = json_object(answer).get("token")
    expect(
        isinstance(token, str) and token != "",
        expected="token, the bearer token of a session",
        observed=f"token is {'empty' if token == '' else type(token).__name__}",
        at=answer,
    )
    return held(answer)


@rule(quote='200 `{"token": "...", "token_type": "bearer", "expires_in": 3600', depends_on=_ACCEPTS)
def sign_in_answers_200(history: History) -> Verdict:
    """hi.events returns 200 for a successful sign-in."""
    return held(expect_status(history.one(f"{SIGNED_IN}/first"), 200))


@rule(quote='200 `{"token": "...", "token_type": "bearer", "expires_in": 3600', settles="C-HE-05", depends_on=_ACCEPTS)
def sign_in_describes_the_session(history: History) -> Verdict:
    """hi.events returns with a new session the token type (bearer), the lifetime in seconds and the user's accounts."""
    answer = expect_success(history.one(f"{SIGNED_IN}/first"))
    kind, seconds = (json_object(answer).get(name) for name in ("token_type", "expires_in"))
    expect(
        isinstance(kind, str) and kind.lower() == "bearer",
        expected='token_type "bearer"',
        observed=f"token_type is {kind!r}"[:120],
        at=answer,
    )
    expect(
        type(seconds) is int and seconds > 0,
        expected="expires_in, a whole number of seconds",
        observed=f"expires_in is {seconds!r}"[:120],
        at=answer,
    )
    expect_field(answer, "accounts", list)
    return held(answer)


@rule(quote="and header `X-Auth-Token`.", depends_on=_ACCEPTS)
def sign_in_sends_the_token_as_a_header(history: History) -> Verdict:
    """hi.events sends the header X-Auth-Token with a successful sign-in."""
    answer = expect_success(history.one(f"{SIGNED_IN}/first"))
    expect(
        bool((answer.header("X-Auth-Token") or "").strip()),
        expected="header X-Auth-Token",
        observed="a response without it",
        at=answer,
    )
    return held(answer)


@rule(
    quote='"last_name": "...", "external_user_id": "456"}',
    settles="C-HE-08",
    operations=["validateCrossAppSession", "validateSession"],
    depends_on=[_ACCEPTS, "flow.concurrent_questions_are_told_apart"],
)
def sign_in_names_the_tuvens_user(history: History) -> Verdict:
    """hi.events signs in the user that tuvens-api names: external_user_id equals its user_id, and the email is the
    same."""
    answer = expect_success(history.one(f"{SIGNED_IN}/first"))
    asked = expect_success(history.one(f"{SIGNED_IN}/tuvens-api asked directly"))
    user, theirs = signed_in_user(answer), json_object(asked)
    for name, source in (("external_user_id", "user_id"), ("email", "email")):
        found, wanted = user.get(name), theirs.get(source)
        same = found == wanted if name != "email" else str(found).lower() == str(wanted).lower()
        expect(
            same,
            expected=f"{name} {wanted!r}, tuvens-api's {source}",
            observed=f"{name} is {found!r}"[:160],
            at=(answer, asked),
        )
    return held((answer, asked))


@rule(quote='"user": {"id": 1, "email": "...", "first_name": "..."', depends_on=_ACCEPTS)
def sign_in_describes_the_local_user(history: History) -> Verdict:
    """hi.events returns the signed-in user's local id, email, first_name, last_name and external_user_id."""
    answer = expect_success(history.one(f"{SIGNED_IN}/first"))
    user = signed_in_user(answer)
    for name in ("id", "email", "first_name", "last_name", "external_user_id"):
        expect(name in user, expected=f"user.{name}", observed=f"user has {', '.join(user) or 'no field'}", at=answer)
    number = user["id"]
    expect(type(number) is int, expected="user.id, an integer", observed=f"user.id is {number!r}"[:120], at=answer)
    return held(answer)


@rule(
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=REFUSED,
    settles="C-HE-06",
    security=True,
)
def sign_in_without_a_token_is_refused(history: History) -> Verdict:
    """hi.events returns 401 or 422 for a sign-in whose session_token is missing, empty or not text."""
    return statuses(history.every(f"{REFUSED}/ill-formed"), 401, 422)


@rule(
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=REFUSED,
    settles="C-HE-06",
    next_step="Check that hi.events asks tuvens-api to validate every token, and accepts only a 200.",
    security=True,
)
def unknown_token_is_refused(history: History) -> Verdict:
    """hi.events returns 401 for a sign-in with a token that tuvens-api never issued."""
    return held(expect_status(history.one(f"{REFUSED}/unknown"), 401))


@rule(
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=REFUSED,
    settles="C-HE-06",
    operations=["validateCrossAppSession", "generateSession"],
    depends_on=[_UNKNOWN_REFUSED, _MINTS, "session_token.validate_session_answers_404_to_an_unknown_token"],
    security=True,
)
def forged_token_is_refused(history: History) -> Verdict:
    """hi.events returns 401 for a sign-in with a live token that was cut, extended or written in other case."""
    return statuses(history.every(f"{REFUSED}/forged"), 401)


@rule(
    quote="for a missing, ill-typed (or 422), unknown, expired or refused token",
    story=REFUSED,
    settles="C-HE-06",
    depends_on=_UNKNOWN_REFUSED,
    security=True,
)
def refused_sign_in_starts_no_session(history: History) -> Verdict:
    """hi.events never returns a bearer token with a sign-in that it rejects."""
    sign_ins = [each for each in history.every(REFUSED) if each.operation == "validateCrossAppSession"]
    refused = [each for each in sign_ins if each.is_error]
    if not refused:
        raise UndecidedError("no sign-in was rejected")
    for each in refused:
        expect_no_session(each)
    return held(refused)


@rule(
    quote="10 tries a minute an address, then 429.",
    story=LIMITED,
    needs="exhaust",
    next_step="Limit the route to ten attempts a minute by address: otherwise tokens can be guessed without limit.",
)
def sign_in_is_limited(history: History) -> Verdict:
    """hi.events returns 429 for sign-ins from one address beyond its limit (10 a minute, unless the deployment file
    sets another)."""
    by_control = "control:hi.events" in history.context.capabilities
    configured = {} if by_control else history.context.settings.get("rate_limits", {})
    limit = openapi.find("validateCrossAppSession").limit_in_force(configured)
    if limit == 0:
        raise LackingError(
            "the deployment says that sign-ins are not limited (rate_limits.validateCrossAppSession = 0)"
        )
    if limit > MOST_TRIES:
        raise LackingError(f"{limit} sign-ins a minute are allowed: too many to test")
    tries = [each for each in history.every(f"{LIMITED}/tried") if each.status is not None]
    if not tries:
        raise UndecidedError("no sign-in got a response")
    limited = [each for each in tries if each.status == 429]
    if limited:
        return held(limited[0], f"429 after {len(tries) - len(limited)} sign-ins")
    seconds = max(each.started for each in tries) - min(each.started for each in tries)
    if seconds > _LONGEST_WINDOW or len(tries) <= 2 * limit:
        raise UndecidedError(f"{len(tries)} sign-ins took {seconds:.0f} s: too few to reach {limit} a minute")
    raise BrokenRuleError(
        f"429 beyond {limit} sign-ins a minute",
        f"{len(tries)} sign-ins in {seconds:.1f} s, none returned 429; the last: {shown(tries[-1])}",
        tries[-1],
    )
