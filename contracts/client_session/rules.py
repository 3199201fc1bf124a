"""tuvens-client's generate-session "wraps tuvens-api's, same body and answers, passing the user's JWT on".

Each rule here depends on the rule about tuvens-api's own answer, so that the wrapper is not blamed for it.
"""

from contracts.catalogue import RuleFamily
from harness.expectations import expect, expect_status, expect_success, held, json_object, lacking_without, statuses
from harness.history import History
from harness.requirement import MUST
from harness.verdict import Verdict

STORY = "sessions_are_wrapped"
_WRAPS = "client_session.wraps_a_session"
_OPERATIONS = ("wrapGenerateSession", "generateSession")

rule = RuleFamily(
    level=MUST,
    obliged="tuvens-client",
    section="tuvens-client",
    quote="on its own origin wraps tuvens-api's, same body and answers, passing the user's JWT on",
    story=STORY,
    settles="C-TC-07",
    operations=_OPERATIONS,
)


@rule(
    depends_on=["session_token.mints_a_session", "session_token.token_has_32_to_1024_url_safe_characters"],
    next_step="Check that the server route forwards the request body to tuvens-api, with Authorization: "
    "Bearer and the user's JWT.",
)
def wraps_a_session(history: History) -> Verdict:
    """tuvens-client's generate-session returns a session token and its expiry to a signed-in user, in the fields that
    tuvens-api uses."""
    answer = expect_success(history.one(f"{STORY}/first"))
    value = json_object(answer)
    for name in ("session_token", "expires_at"):
        text = value.get(name)
        observed = f"{name} is {'absent' if name not in value else type(text).__name__}"
        expect(isinstance(text, str) and text != "", expected=f"{name} as text", observed=observed, at=answer)
    return held(answer)


@rule(depends_on=[_WRAPS, "session_token.generate_session_answers_200"])
def wrapper_answers_200(history: History) -> Verdict:
    """tuvens-client's generate-session returns 200 on success, as tuvens-api does."""
    return held(expect_status(history.one(f"{STORY}/first"), 200))


@rule(
    operations=[*_OPERATIONS, "validateSession"],
    depends_on=[_WRAPS, "session_token.validation_names_the_user"],
    security=True,
)
def session_is_of_the_user_and_account(history: History) -> Verdict:
    """tuvens-client's generate-session returns a tuvens-api session of the user whose JWT came with the request, for
    the requested account."""
    validations = history.every(f"{STORY}/whose session")
    for answer in map(expect_success, validations):
        value = json_object(answer)
        wanted = history.context.settings["users"][int(answer.step.rpartition("/")[2])]
        wrapped = [each for each in history.every(STORY) if each.operation == "wrapGenerateSession"]
        given = [each for each in wrapped if each.number < answer.number][-1:]
        for name in ("user_id", "email"):
            same = not wanted[name] or value.get(name) == wanted[name]
            expect(same, expected="the user's session", observed="another user's", at=(answer, *given))
        expect(
            value.get("account_id") == wanted["account_id"],
            expected=f"a session for account {wanted['account_id']}",
            observed=f"account_id {value.get('account_id')!r}",
            at=answer,
        )
    return held(validations)


@rule(
    depends_on=[_WRAPS, "session_token.missing_jwt_is_refused"],
    next_step="Check that the server does not keep a user's JWT between requests.",
    security=True,
)
def without_a_jwt_there_is_no_session(history: History) -> Verdict:
    """tuvens-client's generate-session returns 401 if no user is signed in."""
    return held(expect_status(history.one(f"{STORY}/no JWT"), 401))


@rule(
    depends_on=[_WRAPS, "session_token.malformed_jwt_is_refused", "session_token.wrongly_signed_jwt_is_refused"],
    security=True,
)
def invalid_jwt_is_refused(history: History) -> Verdict:
    """tuvens-client's generate-session rejects a malformed JWT, or one signed with another key, with 401."""
    return statuses(history.every(f"{STORY}/invalid JWT"), 401)


@rule(needs="expired-jwt", depends_on=[_WRAPS, "session_token.expired_jwt_is_refused"], security=True)
def expired_jwt_is_refused(history: History) -> Verdict:
    """tuvens-client's generate-session rejects an expired JWT with 401."""
    with lacking_without(history, STORY, "crossapp could not make an expired JWT: set the organiser's expired_jwt"):
        return held(expect_status(history.one(f"{STORY}/expired JWT"), 401))


@rule(depends_on=[_WRAPS, "session_token.ill_formed_account_is_refused", "session_token.missing_account_is_refused"])
def ill_formed_account_is_refused(history: History) -> Verdict:
    """tuvens-client's generate-session returns tuvens-api's 400 if account_id is missing or not a positive integer."""
    return statuses(history.every(f"{STORY}/ill-formed account"), 400)


@rule(needs="role:outsider", depends_on=[_WRAPS, "session_token.foreign_account_is_refused"], security=True)
def foreign_account_is_refused(history: History) -> Verdict:
    """tuvens-client's generate-session returns tuvens-api's 403 for an account that the user does not belong to."""
    return held(expect_status(history.one(f"{STORY}/foreign account"), 403))
